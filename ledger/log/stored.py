"""The log's own knowledge in the store: states as values, the genesis entry, cited entries."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from keys.errors import declare
from ledger.custody.states import LogState, State, decode_state
from ledger.store.sql import SqlStore
from ledger.wire.statement import parse_statement

NO_LOG = declare(
    "unavailable.log.empty",
    "The database has no log in it.",
    "Run `cellbook init`, or check the database URL in cellbook.toml.",
)
STATE = declare(
    "damaged.store.state",
    "The stored state of a subject cannot be read.",
    "Run `cellbook fsck`; restore the database from a copy.",
)


def read_states(encoded: Mapping[str, bytes]) -> dict[str, State]:
    """The states in stored bytes, by URI. Raises ``damaged.store.state``."""
    states = {}
    for uri, data in encoded.items():
        try:
            states[uri] = decode_state(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise STATE.at(f"subject {uri}", str(error)[:200]) from None
    return states


def find_log_uri(store: SqlStore) -> str:
    """The URI of the log in ``store``, from its genesis. Raises ``unavailable.log.empty``."""
    genesis = store.entry(0)
    if genesis is None:
        raise NO_LOG.at("database")
    return parse_statement(genesis.leaf).sub


def log_state(store: SqlStore, log_uri: str) -> LogState:
    """The policy in force and the last head. Raises ``damaged.store.state``."""
    state = read_states(store.states([log_uri])).get(log_uri)
    if not isinstance(state, LogState):
        raise STATE.at(f"subject {log_uri}", "it is not the state of a log")
    return state
