"""What the service knows of an operator: its registration, its units, and a sample of them.

Only the registration is proved, by the supplier file. The rest is the service's word: who wants to
know what became of a unit takes its dossier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256

import msgspec

from keys.errors import declare
from ledger.custody.states import BatteryState, OperatorState
from ledger.log.reading.published import NO_CHECKPOINT, PublishedLog
from ledger.log.reading.searching import MAX_LIMIT, search
from ledger.log.stored import read_states
from ledger.log.terms import OPERATOR
from ledger.proof.assembly.supplier import assemble_supplier
from ledger.proof.checkpoint import parse_body
from ledger.proof.checks.listings import Documents
from ledger.store.sql import SqlStore

NO_OPERATOR = declare(
    "missing.operator.log",
    "No operator of this name is registered in this log.",
    "Check the URI; `cellbook operator show` prints what a ledger knows of one.",
)

SAMPLE = 10
MOST_UNITS = 5_000
"""Of how many units a sample is drawn at most: the first ones in the log about which the operator
signed. A page of them costs one query, however large the log is."""
_AT_ONCE = 500


class SampledUnit(msgspec.Struct, frozen=True):
    """A unit of the sample as the service knows it. ``held`` says whether the operator has it."""

    subject: str
    physical: str
    held: bool
    quarantined: bool
    missing: bool
    disputes: int


class Activity(msgspec.Struct, frozen=True):
    """What the operator did with the units about which it signed, calculated from what they are
    now. ``taken_in``: others made them, and it came to have them. ``in_stock``: it has them, made
    or removed. ``open_disputes``: units of which an entry is contested."""

    taken_in: int
    repurposed: int
    recycled: int
    in_stock: int
    quarantined: int
    missing: int
    open_disputes: int


class SupplierView(msgspec.Struct, frozen=True):
    """An operator as the service knows it. ``units`` are those about which it signed, counted up to
    ``MOST_UNITS``: then ``more`` says that there are others."""

    operator: OperatorState
    units: int
    more: bool
    activity: Activity
    seed: bytes
    sample: tuple[SampledUnit, ...]


class Suppliers:
    """The operators of one log. ``published`` gives the log up to its newest checkpoint."""

    def __init__(
        self, store: SqlStore, published: Callable[[int], PublishedLog], documents: Documents
    ) -> None:
        self._store = store
        self._published = published
        self._documents = documents

    def view(self, operator: str) -> SupplierView:
        """Registration, number of units, sample. Raises ``missing.operator.log`` and
        ``missing.checkpoint``."""
        state, published = self._state(operator), self._covering(operator)
        note = published.checkpoint()
        root = parse_body(note.rpartition(b"\n\n")[0] + b"\n").root
        units, more = self._units(operator)
        seed = sample_seed(operator, root)
        states = self._batteries(units)
        sample = (
            _sampled(uri, states[uri], operator) for uri in drawn(units, seed) if uri in states
        )
        activity = activity_of(operator, states.values())
        return SupplierView(state, len(units), more, activity, seed, tuple(sample))

    def file(self, operator: str, day: str) -> bytes:
        """The supplier file for ``day`` at the newest checkpoint. Raises ``missing.operator.log``,
        ``missing.checkpoint`` and ``malformed.date``."""
        self._state(operator)
        return assemble_supplier(self._covering(operator), self._documents, operator, day)

    def _state(self, operator: str) -> OperatorState:
        state = read_states(self._store.states([operator])).get(operator)
        if not isinstance(state, OperatorState):
            raise NO_OPERATOR.at("operator", repr(operator)[:80])
        return state

    def _covering(self, operator: str) -> PublishedLog:
        """At a checkpoint that covers the newest statement about the operator, or its first."""
        indexes = self._store.subject_entries(operator, self._store.head().size)
        published = self._published(indexes[-1] + 1)
        if not published.indexes(operator, published.checkpoint_size()):
            raise NO_CHECKPOINT.at("operator", "no checkpoint covers its registration yet")
        return published

    def _batteries(self, units: list[str]) -> dict[str, BatteryState]:
        found: dict[str, BatteryState] = {}
        for start in range(0, len(units), _AT_ONCE):
            states = read_states(self._store.states(units[start : start + _AT_ONCE]))
            found |= {uri: s for uri, s in states.items() if isinstance(s, BatteryState)}
        return found

    def _units(self, operator: str) -> tuple[list[str], bool]:
        units: list[str] = []
        after: str | None = None
        while len(units) < MOST_UNITS:
            page = search(self._store, operator, OPERATOR, after, MAX_LIMIT)
            units += [hit.subject for hit in page.hits]
            after = page.after
            if after is None:
                break
        return units[:MOST_UNITS], after is not None


def activity_of(operator: str, units: Iterable[BatteryState]) -> Activity:
    """What ``operator`` did with ``units``, calculated from their states."""
    units = tuple(units)
    held = [unit for unit in units if unit.possessor == operator]
    return Activity(
        taken_in=sum(unit.maker != operator and operator in unit.parties for unit in units),
        repurposed=sum(unit.physical == "consumed" for unit in held),
        recycled=sum(unit.physical in ("recycled", "destroyed") for unit in held),
        in_stock=sum(unit.physical in ("made", "removed") and not unit.parent for unit in held),
        quarantined=sum(unit.quarantine is not None for unit in units),
        missing=sum(unit.missing is not None for unit in units),
        open_disputes=sum(unit.disputes > 0 for unit in units),
    )


def sample_seed(operator: str, root: bytes) -> bytes:
    """SHA-256 of the operator's URI, a zero byte, and the checkpoint's root: nobody chooses it."""
    return sha256(operator.encode() + b"\x00" + root).digest()


def drawn(units: list[str], seed: bytes) -> list[str]:
    """The ``SAMPLE`` units with the least SHA-256 of seed and subject, in that order."""
    return sorted(units, key=lambda uri: sha256(seed + uri.encode()).digest())[:SAMPLE]


def _sampled(uri: str, unit: BatteryState, operator: str) -> SampledUnit:
    return SampledUnit(
        subject=uri,
        physical=unit.physical,
        held=unit.possessor == operator and unit.physical in ("made", "installed", "removed"),
        quarantined=unit.quarantine is not None,
        missing=unit.missing is not None,
        disputes=unit.disputes,
    )
