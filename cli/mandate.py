"""``cellbook mandate``: an operator lets another, or a device, sign for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.delivery import (
    Delivery,
    deliver,
    delivery_options,
    family_of,
    operator_of,
    read_delivery,
    time_of,
)
from cli.drafts import resolve_battery
from cli.output import Example, json_option, print_result, read_file
from cli.signing import load_signer
from keys.errors import declare
from ledger.custody.governance.mandates import (
    DeviceKey,
    Mandate,
    MandateGiven,
    MandateRevoked,
    encode_mandate,
    mandate_uri,
)
from ledger.custody.names.parties import device_uri, parse_delegate_uri
from ledger.custody.states import MandateState, decode_state
from ledger.wire.statement import TYP_MANDATE, locator_to_id, parse_statement, sign_statement

if TYPE_CHECKING:
    from keys.signer import SoftwareSigner

NO_MANDATE = declare(
    "missing.mandate",
    "There is no such mandate in this ledger.",
    "Name the entry id that `cellbook mandate give` printed.",
)

_FILE = click.Path(path_type=Path)
_SIGNING = "--key works.pem --issuer https://works.example --trust trust.toml"
_EXAMPLES = (
    f"cellbook mandate give --to https://gateway.example --kind reading --from 2026-06-01 "
    f"--until 2026-12-31 {_SIGNING} --url http://127.0.0.1:8417",
    f"cellbook mandate give --device gateway.request --kind reading --from 2026-06-01 "
    f"--until 2026-12-31 {_SIGNING} --out mandate.cose",
    "cellbook mandate show 3q2-7w0v5q8nYkZ0m1u2b3c4d5e6f7g8h9i0j1k2l3M --home shop",
)


@click.group(epilog=Example(*_EXAMPLES))
def mandate() -> None:
    """Let a delegate sign events for you, for a time, and for some kinds.

    The delegate is a registered operator, or a device with a key of its own. Its events name the
    mandate (--mandate) and you (--on-behalf-of).
    """


@mandate.command(epilog=Example(*_EXAMPLES[:2]))
@click.option("--to", metavar="URI", help="The operator who may sign for you.")
@click.option("--device", type=_FILE, help="Or the request of a device's key, a file.")
@click.option("--kind", "kinds", multiple=True, required=True, help="A kind of event; repeatable.")
@click.option("--from", "valid_from", metavar="DATE", required=True, help="First day, in UTC.")
@click.option("--until", "valid_to", metavar="DATE", required=True, help="Last day, in UTC.")
@click.option("--battery", "batteries", multiple=True, help="For this battery only; repeatable.")
@click.option("--reason", help="Why, in a few words; it is public.")
@delivery_options
def give(**given: Any) -> None:
    """Give a mandate."""
    delivery = read_delivery(given, "cellbook mandate give")
    if (given["to"] is None) == (given["device"] is None):
        raise click.UsageError("Give one of --to and --device.")
    principal, family = operator_of(delivery), family_of(delivery)
    named: dict[str, Any] = {}
    if given["device"] is None:
        named["delegate"] = parse_delegate_uri(given["to"], "--to")
    else:
        named = _device(given["device"], principal, family)
    content = MandateGiven(
        kinds=tuple(sorted(given["kinds"])),
        valid_from=given["valid_from"],
        valid_to=given["valid_to"],
        batteries=tuple(sorted(map(resolve_battery, given["batteries"]))),
        reason=given["reason"],
        **named,
    )
    _sign(delivery, content, principal, family, delegate=content.delegate)


def _device(file: Path, principal: str, family: str) -> dict[str, Any]:
    """The delegate in a request that the device's holder made for this operator.

    It is the request to add a key: the same words, with which the key says whom it serves.
    """
    from cli.request import LIMITS, parse_request, verify_request

    request = parse_request(read_file(file, LIMITS.size))
    verify_request(request, family)
    if request.uri != principal:
        raise click.UsageError(f"The device asks {request.uri}, you are {principal}.")
    from keys.cose_key import from_cbor

    device = DeviceKey(key=request.key, possession=request.possession)
    return {"delegate": device_uri(from_cbor(request.key).kid), "device": device}


@mandate.command(epilog=Example(f"cellbook mandate revoke ENTRY --reason over {_SIGNING}"))
@click.argument("entry")
@click.option("--reason", required=True, help="Why, in a few words; it is public.")
@delivery_options
def revoke(entry: str, **given: Any) -> None:
    """Revoke the mandate in ENTRY. What was signed under it stays valid."""
    delivery = read_delivery(given, "cellbook mandate revoke")
    content = MandateRevoked(mandate=locator_to_id(entry), reason=given["reason"])
    _sign(delivery, content, operator_of(delivery), family_of(delivery))


@mandate.command(epilog=Example(_EXAMPLES[2]))
@click.argument("entry")
@click.option("--home", type=_FILE, required=True, help="Folder of the ledger.")
@json_option
def show(entry: str, home: Path, as_json: bool) -> None:
    """Show the mandate in ENTRY as a ledger knows it."""
    state = _find(home, locator_to_id(entry))
    facts = {
        "entry": entry,
        "principal": state.principal,
        "delegate": state.delegate,
        "kinds": list(state.kinds),
        "batteries": list(state.batteries),
        "valid_from": state.valid_from,
        "valid_to": state.valid_to,
        "given": state.given,
        "revoked": state.revoked,
    }
    print_result(_text(state), facts, as_json=as_json)


def _find(folder: Path, entry_id: bytes) -> MandateState:
    from ledger.log.home import Home

    store = Home.open(folder).open_store()
    try:
        data = store.state(mandate_uri(entry_id))
    finally:
        store.close()
    state = None if data is None else decode_state(data)
    if not isinstance(state, MandateState):
        raise NO_MANDATE.at(str(folder))
    return state


def _text(state: MandateState) -> str:
    ended = "" if state.revoked is None else f", revoked by entry {state.revoked}"
    lines = [
        f"{state.principal} lets {state.delegate} sign",
        f"  kinds      {', '.join(state.kinds)}",
        f"  days       {state.valid_from} to {state.valid_to} (UTC)",
        f"  given      entry {state.given}{ended}",
        *(f"  battery    {uri}" for uri in state.batteries),
    ]
    return "\n".join(lines)


def _sign(delivery: Delivery, content: Mandate, principal: str, family: str, **more: str) -> None:
    payload = encode_mandate(content)
    signer: SoftwareSigner = load_signer(delivery.key, delivery.passphrase_file)
    leaf = sign_statement(
        signer,
        typ=TYP_MANDATE,
        iss=principal,
        sub=principal,
        aud=family,
        iat=time_of(delivery),
        payload=payload,
    )
    kind = str(type(content).__struct_config__.tag)
    deliver(kind, parse_statement(leaf), delivery, **more)
