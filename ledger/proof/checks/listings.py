"""The lists in a dossier: whether who recycled or repurposed a battery was listed for it, proved.

A dossier may carry all snapshots of a scheme, and for each signer of such an event the leaves of
the snapshots that count for the day of the event and for the day of its log time. What it carries
is checked as strictly as everything else in it: nothing is missing, and nothing is there that no
event needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from keys.errors import declare
from ledger.custody.events import Event, kind_of
from ledger.custody.lists.listed import FOREIGN, ListAnswer, answer, wanted
from ledger.custody.lists.membership import SHAPE, ListProof, parse_proofs, proofs_value, prove
from ledger.custody.lists.rows import ListDocument, check_identifier
from ledger.custody.lists.schemes import WHITE_LIST, identifier_of
from ledger.custody.lists.snapshots import Stated, day_of
from ledger.custody.rules.listing import Work
from ledger.custody.values.times import parse_moment
from ledger.wire import cbor
from ledger.wire.cbor import Value
from ledger.wire.statement import Statement

UNKNOWN = declare(
    "unsupported.dossier.list",
    "The dossier carries a list of a scheme that no rule of this version asks for.",
    "Use a newer version of Cellbook.",
)

CARRIED = (WHITE_LIST,)
"""The schemes that dossiers carry: those that rules ask for."""

ListProofs = Mapping[str, Mapping[str, Mapping[int, ListProof]]]
"""Proofs by scheme, by identifier, by the index of the snapshot's entry."""

Documents = Callable[[str, bytes], ListDocument | None]
"""The list of a scheme with this root; None where its rows are not at hand."""


class Worker(msgspec.Struct, frozen=True):
    """An event whose signer should be listed: its kind, when it happened by his word, and its log
    time (Unix seconds)."""

    uri: str
    index: int
    kind: str
    signer: str
    occurred: int
    time: int

    @property
    def identifier(self) -> str:
        """Under which lists would name the signer."""
        return identifier_of(self.signer)

    def days(self, utc_offset_min: int) -> tuple[str, str]:
        """The day on which it happened, and that of its log time, where the list's days are."""
        return day_of(self.occurred, utc_offset_min), day_of(self.time, utc_offset_min)


def worker_of(statement: Statement, event: Event, index: int, time: int) -> Worker:
    """The signer of ``event``, the entry at ``index`` with log time ``time``."""
    occurred = parse_moment(event.occurred_at)
    return Worker(statement.sub, index, kind_of(event), statement.iss, occurred, time)


def prove_works(
    scheme: str,
    workers: Iterable[Worker],
    snapshots: tuple[Stated, ...],
    utc_offset_min: int,
    documents: Documents,
) -> dict[str, dict[int, ListProof]] | None:
    """The proofs that ``judge_works`` wants; None where the rows of a list are not at hand."""
    proofs: dict[str, dict[int, ListProof]] = {}
    for worker in workers:
        of_one = proofs.setdefault(worker.identifier, {})
        for day in worker.days(utc_offset_min):
            for item in wanted(snapshots, day):
                document = documents(scheme, item.snapshot.root)
                if document is None:
                    return None
                of_one[item.snapshot.index] = prove(document, worker.identifier)
    return proofs


def judge_works(
    scheme: str,
    workers: Iterable[Worker],
    snapshots: tuple[Stated, ...],
    utc_offset_min: int,
    proofs: Mapping[str, Mapping[int, ListProof]],
) -> tuple[Work, ...]:
    """What the lists of ``scheme`` say of each of ``workers``, proved.

    ``proofs`` has one for each signer and each snapshot that counts for one of his days, and no
    other. Raises ``failed.list.*``, ``malformed.list.*``, ``malformed.proof.*``,
    ``failed.inclusion``.
    """
    needed: dict[str, set[int]] = {}
    works = []
    for worker in workers:
        answers = []
        for day in worker.days(utc_offset_min):
            answers.append(_answer(scheme, worker.identifier, day, snapshots, proofs))
            indexes = needed.setdefault(worker.identifier, set())
            indexes.update(item.snapshot.index for item in wanted(snapshots, day))
        works.append(Work(worker.uri, worker.index, worker.kind, answers[0], answers[1]))
    for identifier, of_one in proofs.items():
        if needed.get(identifier) != set(of_one):
            raise FOREIGN.at(f"list proofs of {identifier}"[:120])
    return tuple(works)


def _answer(
    scheme: str,
    identifier: str,
    day: str,
    snapshots: tuple[Stated, ...],
    proofs: Mapping[str, Mapping[int, ListProof]],
) -> ListAnswer:
    return answer(scheme, identifier, day, snapshots, proofs.get(identifier, {}), others=True)


def lists_value(lists: ListProofs) -> dict[cbor.Key, Value]:
    """The proofs as a CBOR value: ``{scheme: {identifier: [[index, proof], …]}}``."""
    return {
        scheme: {identifier: proofs_value(of_one) for identifier, of_one in proofs.items()}
        for scheme, proofs in lists.items()
    }


def parse_lists(value: Value) -> ListProofs:
    """The proofs in a decoded CBOR value. Raises ``malformed.list.proof`` and
    ``unsupported.dossier.list`` for a scheme that no rule asks for."""
    if type(value) is not dict or not value:
        raise SHAPE.at("dossier, lists")
    return {_scheme(name): _of_scheme(proofs) for name, proofs in value.items()}


def _scheme(name: cbor.Key) -> str:
    if type(name) is not str:
        raise SHAPE.at("dossier, lists")
    if name not in CARRIED:
        raise UNKNOWN.at("dossier, lists", repr(name)[:80])
    return name


def _of_scheme(value: Value) -> dict[str, dict[int, ListProof]]:
    if type(value) is not dict or not value:
        raise SHAPE.at("dossier, lists", "no proofs")
    return {
        check_identifier(identifier, "dossier, lists"): parse_proofs(proofs, "list proof")
        for identifier, proofs in value.items()
    }
