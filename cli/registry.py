"""What a ledger's folder knows of its operators."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from cli.output import one_line
from keys.errors import declare
from ledger.custody.governance.base import Facility
from ledger.custody.states import OperatorKey, OperatorState, decode_state
from ledger.custody.values.times import format_moment

if TYPE_CHECKING:
    from ledger.store.sql import SqlStore

NO_OPERATOR = declare(
    "missing.operator",
    "No operator of this name is registered in this ledger.",
    "Check the URI; `cellbook operator add` registers one.",
)


def find_operator(folder: Path, uri: str) -> OperatorState:
    """What the ledger in ``folder`` knows of an operator. Raises ``missing.operator``."""
    from ledger.log.home import Home

    store = Home.open(folder).open_store()
    try:
        state = _read(store, uri)
    finally:
        store.close()
    if state is None:
        raise NO_OPERATOR.at(uri)
    return state


def operator_facts(state: OperatorState) -> dict[str, Any]:
    """For ``--json``."""
    return {
        "uri": state.uri,
        "name": state.name,
        "country": state.country,
        "roles": list(state.roles),
        "maker_codes": list(state.maker_codes),
        "gs1_prefixes": list(state.gs1_prefixes),
        "facilities": [to_builtins(place) for place in state.facilities],
        "registered": state.registered,
        "removed": state.removed,
        "keys": [_key_facts(key) for key in state.keys],
    }


def _key_facts(key: OperatorKey) -> dict[str, Any]:
    since = key.compromised_since
    return {
        "kid": key.kid.hex(),
        "purposes": list(key.purposes),
        "added": key.added,
        "revoked": key.revoked,
        "compromised_since": None if since is None else format_moment(since),
    }


def _place(place: Facility) -> str:
    return ", ".join(part for part in (place.id, place.name, place.address, place.country) if part)


def _removed(state: OperatorState) -> str:
    return "" if state.removed is None else f", removed by entry {state.removed}"


def _life(key: dict[str, Any]) -> str:
    text = f"added by entry {key['added']}"
    if key["revoked"] is not None:
        text += f", revoked by entry {key['revoked']}"
    if key["compromised_since"] is not None:
        text += f", compromised since {key['compromised_since']}"
    return text


def operator_text(state: OperatorState) -> str:
    """For people."""
    lines = [
        state.uri,
        f"  name     {one_line(state.name)}, {state.country}",
        f"  roles    {', '.join(state.roles)}",
        f"  codes    {', '.join((*state.maker_codes, *state.gs1_prefixes)) or 'none'}",
        *(f"  facility {one_line(_place(place))}" for place in state.facilities),
        f"  entry    {state.registered}{_removed(state)}",
        *(f"  key      {key['kid']} {_life(key)}" for key in operator_facts(state)["keys"]),
    ]
    return "\n".join(lines)


def _read(store: SqlStore, uri: str) -> OperatorState | None:
    data = store.state(uri)
    state = None if data is None else decode_state(data)
    return state if isinstance(state, OperatorState) else None
