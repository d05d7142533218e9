"""What a log with a predecessor takes over from it, when the first statement about a battery comes.

The past is made and verified as a buyer does it, so that the log states nothing that a buyer would
refuse. All of this is outside of the lock; under it the statement is decided as every other one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import TypeGuard

import msgspec

from keys.errors import CellbookError, FailedError
from keys.signer import Signer
from ledger.custody.events import Event
from ledger.custody.governance.carrying import Carried, names_in, written
from ledger.custody.governance.handover import CarriedOver, CarriedSubject
from ledger.custody.governance.statements import (
    Governance,
    Head,
    Policy,
    encode_governance,
    parse_governance,
)
from ledger.custody.identifiers import BATTERY_NAMES
from ledger.custody.states import AliasState, BatteryState, LogState
from ledger.custody.subjects import named_by
from ledger.log.outcome import Outcome
from ledger.log.reading.published import read_entry
from ledger.log.recalling import PART_BYTES, TOO_LARGE, Recalled, Recalling
from ledger.log.registration import Prepared, Submitted, unchecked
from ledger.log.sequencer import BUSY
from ledger.log.signers import LogSigners
from ledger.proof.assembly.reader import LogReader
from ledger.proof.assembly.taken_over import level_of, taken_over
from ledger.store.sql import SqlStore
from ledger.tree.merkle import leaf_hash
from ledger.tree.prefix import PrefixProof, key_of, verify_absence
from ledger.tree.prefix_chain import Chain
from ledger.wire.statement import TYP_GOVERNANCE, parse_statement, sign_statement

AT_ONCE = 8
"""Subjects of one statement, if they weigh less than ``PART_BYTES``: it is in the dossiers of all
of them."""
_AROUND = 512
"""Bytes of a statement around its payload, more than they ever are."""

_TRIES = 3
_PATIENCE = 30.0
"""Seconds."""

Register = Callable[[Sequence[Submitted]], "Future[list[Outcome]]"]
Readers = Callable[[], Sequence[LogReader]]
"""The logs before this one, the newest first."""


class Carrier:
    """Makes the statements for the log in ``store``. May be used from several threads."""

    def __init__(self, store: SqlStore, signers: LogSigners, readers: Readers) -> None:
        self._store = store
        self._signers = signers
        self._readers = readers

    def carry(
        self, items: list[Submitted], log: LogState, now: int, register: Register
    ) -> list[Submitted]:
        """``items`` after ``register`` has taken what must be said before them; those that cannot
        be served are errors. ``now`` is in Unix seconds.

        Raises ``busy.queue``, ``unavailable.*``, and what the logs before raise for new names.
        """
        for _ in range(_TRIES):
            statements, failed = self.statements(log, items, now)
            items = [failed.get(place, item) for place, item in enumerate(items)]
            if not statements:
                break
            try:
                outcomes = register(statements).result(_PATIENCE)
            except TimeoutError:
                raise BUSY.at("queue", "what the log before knew still waits") from None
            # Another process may have said the same meanwhile of some of the names.
            if all(outcome.error is None for outcome in outcomes):
                break
        return items

    def statements(
        self, log: LogState, items: Sequence[Submitted], now: int
    ) -> tuple[list[Prepared], dict[int, CellbookError]]:
        """What must be registered before ``items``, and which of them cannot be served, by their
        place. ``now`` is in Unix seconds. Raises what the logs before raise for new names."""
        said = {place: item for place, item in enumerate(items) if _is_about_batteries(item)}
        if log.frozen is not None or not said:
            return [], {}
        readers = self._readers()
        recalling = Recalling(self._store, readers, log)
        past_of = {place: recalling.entries(item) for place, item in said.items()}
        names = {place: _names(item, past_of[place]) for place, item in said.items()}
        known = set(self._store.states([uri for uris in names.values() for uri in uris]))
        wanted = {uri for uris in names.values() for uri in uris} - known
        absent = _absent(readers, sorted(wanted))
        signer = self._signers.in_force(log, "statements", self._store.head().size)
        new: list[Prepared] = []
        failed: dict[int, CellbookError] = {}
        for place, uris in names.items():
            left = [uri for uri in uris if uri not in known]
            # A statement for each event: dossiers name no batteries that are no part of it.
            subjects = [absent[uri] for uri in left if uri in absent]
            past = [uri for uri in left if uri not in absent]
            try:
                subjects += _Taking(self._store, readers, known).subjects(past)
                entries = recalling.statements(said[place], past_of[place])
                contents = (*_grouped(subjects), *entries)
                new += [_signed(signer, log, content, now) for content in contents]
            except CellbookError as error:
                failed[place] = error
                continue
            known.update(item.uri for item in subjects)
        return new, failed


class _Taking:
    """What is taken over for one statement. ``known`` are names that the log has spoken of."""

    def __init__(self, store: SqlStore, readers: Sequence[LogReader], known: Iterable[str]) -> None:
        self._store = store
        self._readers = readers
        self._known = set(known)

    def subjects(self, uris: Iterable[str]) -> list[CarriedSubject]:
        """``uris``, which have a past, and what belongs to them: whole batteries with their further
        identifiers, and the batteries that they are part of, each after what it rests on."""
        found: dict[str, CarriedSubject] = {}
        for uri in uris:
            self._take(self._battery(uri, level_of(self._readers, uri) or 0), found)
        return list(found.values())

    def _take(self, battery: str, found: dict[str, CarriedSubject]) -> None:
        if battery in found or battery in self._known or self._is_there(battery):
            return
        statement = parse_statement(read_entry(self._store, 0).leaf)
        genesis = parse_governance(statement.payload)
        assert isinstance(genesis, Policy)  # noqa: S101 - the log began with it
        states = taken_over(self._readers, genesis, statement.aud, battery)
        state = states.pop(battery, None)
        if state is None:
            return
        if isinstance(state, BatteryState) and state.parent is not None:
            self._take(state.parent, found)
        for uri, moved in ((battery, state), *sorted(states.items())):
            if uri not in self._known and uri not in found:
                found[uri] = self._item(uri, moved)

    def _battery(self, uri: str, level: int) -> str:
        """The battery of which ``uri`` is a name: itself, or where it is a further identifier."""
        reader = self._readers[level]
        first = reader.indexes(uri, reader.checkpoint_size())[0]
        statement = parse_statement(reader.leaf(first))
        content = unchecked(statement).content
        if isinstance(content, CarriedOver):
            state = next(item.state for item in content.subjects if item.uri == uri)
            return state.of if isinstance(state, AliasState) else uri
        parts = named_by(content, statement.sub) if isinstance(content, Event) else ()
        return statement.sub if any(p.uri == uri and p.part == "alias" for p in parts) else uri

    def _is_there(self, uri: str) -> bool:
        return bool(self._store.states([uri]))

    def _item(self, uri: str, state: Carried) -> CarriedSubject:
        level = level_of(self._readers, uri) or 0
        reader, chain = self._readers[level], Chain()
        for index in reader.indexes(uri, reader.checkpoint_size()):
            chain = chain.after(index, leaf_hash(reader.leaf(index)))
        proofs = tuple(written(one.prove([uri])[uri]) for one in self._readers[: level + 1])
        return CarriedSubject(
            uri=uri, proofs=proofs, count=chain.count, chain=chain.hash, state=state
        )


def _absent(readers: Sequence[LogReader], uris: Sequence[str]) -> dict[str, CarriedSubject]:
    """Those of ``uris`` that no log before has, with the proofs."""
    proofs: dict[str, tuple[PrefixProof, ...]] = dict.fromkeys(uris, ())
    for reader in readers:
        if not proofs:
            break
        found = reader.prove(list(proofs))
        head = parse_governance(parse_statement(reader.leaf(reader.checkpoint_size() - 1)).payload)
        assert isinstance(head, Head)  # noqa: S101 - a checkpoint ends in one
        proofs = {
            uri: (*before, found[uri])
            for uri, before in proofs.items()
            if _is_absent(uri, found[uri], head.index_root)
        }
    return {
        uri: CarriedSubject(uri=uri, proofs=tuple(map(written, each)))
        for uri, each in proofs.items()
    }


def _is_absent(uri: str, proof: PrefixProof, root: bytes) -> bool:
    try:
        verify_absence(key_of(uri), proof, root)
    except FailedError:
        return False
    return True


def _grouped(subjects: Sequence[CarriedSubject]) -> Iterator[CarriedOver]:
    """``subjects`` in order, as few statements as are small enough."""
    group: list[CarriedSubject] = []
    size = 0
    for item in subjects:
        weight = len(encode_governance(CarriedOver(subjects=(item,))))
        if group and (len(group) == AT_ONCE or size + weight > PART_BYTES):
            yield CarriedOver(subjects=tuple(group))
            group, size = [], 0
        group.append(item)
        size += weight
    if group:
        yield CarriedOver(subjects=tuple(group))


def _signed(signer: Signer, log: LogState, content: Governance, now: int) -> Prepared:
    uri = f"urn:cellbook:log:{log.origin}"
    payload = encode_governance(content)
    if len(payload) + _AROUND > log.entry_bytes:
        raise TOO_LARGE.at("payload", f"{len(payload)} bytes; {log.entry_bytes} are allowed")
    leaf = sign_statement(
        signer, typ=TYP_GOVERNANCE, iss=uri, sub=uri, aud=log.family, iat=now, payload=payload
    )
    return msgspec.structs.replace(unchecked(parse_statement(leaf)), verified=signer.key)


def _is_about_batteries(item: Submitted) -> TypeGuard[Prepared]:
    """Whether ``item`` names batteries, and its signature is checked."""
    if not isinstance(item, Prepared) or item.verified is None:
        return False
    try:
        return bool(names_in(item.statement, item.content))
    except CellbookError:
        return False  # it will be refused for that


def _names(item: Prepared, past: Sequence[Recalled]) -> list[str]:
    """The batteries whose past must be known for ``item``."""
    names = [uri for _, uri in names_in(item.statement, item.content)]
    names += [uri for one in past for uri in one.cited.subjects]
    return list(dict.fromkeys(uri for uri in names if uri.startswith(BATTERY_NAMES)))
