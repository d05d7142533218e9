"""Which battery a code means, among the states of a log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from keys.errors import CellbookError
from ledger.custody.finding import find_battery
from ledger.custody.states import State
from tests.custody.history import Log, identifier, operator_uri


def test_a_battery_is_found_by_code_subject_and_further_name() -> None:
    log = Log("owner")
    pack, label = log.battery(), log.battery()
    log.take(log.event("manufacture", pack, ids=(identifier(pack), identifier(label))))

    def states_of(uris: Sequence[str]) -> Mapping[str, State]:
        return {uri: log.states[uri] for uri in uris if uri in log.states}

    for name in (pack, pack.rpartition(":")[2], f" {label} ", label.rpartition(":")[2].lower()):
        assert find_battery(states_of, name) == pack
    for name in (log.battery(), operator_uri("owner"), "", "x"):
        with pytest.raises(CellbookError) as caught:
            find_battery(states_of, name)
        assert caught.value.code == "missing.battery"
