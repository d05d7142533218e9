"""What may be shown: which checkpoint is published, with whose lines, and which sizes stay open.

A checkpoint is signed after its tiles are durable, shown to witnesses, and published when enough of
them have cosigned it; without witnesses at once. All that is decided here is decided under the
log's lock and kept in the database, so it holds for every process of the log.

Auditors need time. What they are asked to audit, the candidate, stays the same until they have
cosigned it; then it is the audited checkpoint, and the newest one becomes the candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from keys.errors import declare
from ledger.custody.states import LogState
from ledger.log.publishing.agreed import check_agreed, may_publish
from ledger.log.publishing.lines import (
    OTHER,
    Cosigners,
    check_time,
    identity,
    lines_on,
    merged,
    stated,
    times_on,
    verified_lines,
)
from ledger.log.publishing.memory import check_shown
from ledger.log.stored import log_state
from ledger.store.sql import SqlStore
from ledger.store.writing import Writing
from ledger.wire.note import NoteSignature
from ledger.wire.tlog_policy import TlogPolicy

NOT_AUDITED = declare(
    "missing.audited",
    "No checkpoint of this log was cosigned by an auditor that its policy names.",
    "Ask the auditors, or take a dossier without `audited`.",
)

PUBLISHED, ASKING, CANDIDATE, AUDITED = "published", "asking", "candidate", "audited"
"""Purposes of pins. ``asking`` is what witnesses are asked about."""
PATIENCE_S = 3600
"""After so long a candidate that one auditor has cosigned does not wait for the others."""
AGAIN_S = 86_400
"""Age at which a witness's line on what is published is asked for anew."""


class Asked(msgspec.Struct, frozen=True):
    """A checkpoint that witnesses are asked about: its stored note, and what is published."""

    size: int
    note: bytes
    published: int


class Publishing:
    """Publishes the checkpoints of the log at ``log_uri``. ``clock`` gives Unix seconds.

    For any thread. ``witnesses`` are those of this service.
    """

    def __init__(
        self,
        store: SqlStore,
        log_uri: str,
        witnesses: TlogPolicy | None,
        time_of: Callable[[int], int],
        clock: Callable[[], int],
    ) -> None:
        """``time_of`` gives the time of the head that is the last entry of a checkpoint's tree."""
        self._store = store
        self._log_uri = log_uri
        self._witnesses = witnesses
        self._time_of = time_of
        self._clock = clock

    def check(self) -> None:
        """Before the start: that the database holds what it has published, and that this service
        has the witnesses of the log. Raises ``damaged.log.rolled-back`` and
        ``usage.witnesses.other``."""
        check_shown(self._store)
        check_agreed(self._store, self._witnesses)

    def cosigners(self) -> Cosigners:
        """Who may cosign, by the newest policy."""
        return Cosigners(log_state(self._store, self._log_uri), self._witnesses)

    def next(self) -> Asked | None:
        """The newest checkpoint, if it is signed and not published: it stays open from now on.

        Where checkpoints are signed faster than witnesses answer, those in between are never shown.
        """
        with self._store.writing() as writing:
            head = writing.head
            pins = writing.pins()
            moves: dict[str, int | None] = {}
            if PUBLISHED not in pins and _is_open(writing, head.published):
                moves[PUBLISHED] = head.published
            size = head.checkpoint
            # Where a newer head is committed already, its checkpoint comes at any moment.
            is_due = size > head.published and _is_open(writing, size)
            note = writing.checkpoint(size) if is_due else None
            if note is not None:
                moves[ASKING] = size
            _move(writing, pins, moves)
        return None if note is None else Asked(size, note, head.published)

    def again(self) -> Asked | None:
        """The published checkpoint, if a witness's line on it is missing or a day old.

        A witness cosigns anew what it has cosigned last: that it still is the newest.
        """
        published = self._store.published()
        if published is None or self._witnesses is None:
            return None
        size, note = published
        times = times_on(note, self.cosigners().own(size))
        asked = [verifier for verifier, url in self._witnesses.witnesses.values() if url]
        oldest = min((times.get(identity(one), 0) for one in asked), default=self._clock())
        return Asked(size, note, size) if self._clock() - oldest >= AGAIN_S else None

    def take(self, note: bytes) -> int:
        """Take the lines that cosigners have put on a checkpoint's ``note``; how many were new.

        What follows from them is done with it: publish, move pins. Raises ``malformed.note.*``,
        ``malformed.checkpoint``, ``failed.note.signature``, ``rejected.cosignature.*``,
        ``unavailable.*``.
        """
        known = self.cosigners()
        checkpoint = stated(note)
        there = self._store.checkpoint(checkpoint.size)
        if there is None or stated(there[1]) != checkpoint:
            raise OTHER.at("note", f"tree size {checkpoint.size}")
        lines = verified_lines(note, known)
        for line in lines:
            self.check_time(line, checkpoint.size)
        return self.keep(checkpoint.size, lines, known)

    def check_time(self, line: NoteSignature, size: int) -> None:
        """That a verified line fits the checkpoint of ``size`` by its time. Raises
        ``rejected.cosignature.time``."""
        check_time(line, self._time_of(size), self._clock())

    def keep(self, size: int, lines: Sequence[NoteSignature], known: Cosigners) -> int:
        """Put ``lines``, verified and timely, on the stored note of ``size``, and do what follows;
        as ``take``."""
        own = known.own(size)
        with self._store.writing() as writing:
            stored = writing.checkpoint(size)
            if stored is None:
                raise OTHER.at("note", f"tree size {size}")
            note, new, there = merged(stored, own, lines)
            if note != stored:
                writing.replace_note(size, note)
            published = writing.head.published
            moves: dict[str, int | None] = {}
            if not may_publish(writing, self._witnesses):
                return new
            if size > published and known.is_quorum(there) and _is_open(writing, size):
                writing.publish(size)
                published = size
                if self._witnesses is not None:
                    moves[PUBLISHED] = size
            self._tend(writing, known, published, moves)
        return new

    def tend(self) -> None:
        """Move the pins that are due; for after a checkpoint that needed no witnesses."""
        known, pins = self.cosigners(), self._store.pins()
        if not known.log.auditors and not pins:
            return
        with self._store.writing() as writing:
            if may_publish(writing, self._witnesses):
                self._tend(writing, known, writing.head.published, {})

    def _tend(
        self,
        writing: Writing,
        known: Cosigners,
        published: int,
        moves: dict[str, int | None],
    ) -> None:
        pins = writing.pins()
        if self._witnesses is None:
            # The newest checkpoint is the published one, and is open by itself.
            moves = {**moves, PUBLISHED: None, ASKING: None}
        after = {**pins, **{name: size for name, size in moves.items() if size is not None}}
        _move(writing, pins, {**self._audits(writing, known, published, after), **moves})

    def _audits(
        self, writing: Writing, known: Cosigners, published: int, pins: Mapping[str, int]
    ) -> dict[str, int | None]:
        """Where the pins for auditors belong."""
        auditors = known.auditors()
        if not auditors:
            return {CANDIDATE: None, AUDITED: None}
        is_open = published in pins.values() or _is_open(writing, published)
        candidate = pins.get(CANDIDATE)
        if candidate is None:
            return {CANDIDATE: published} if is_open else {}
        note = writing.checkpoint(candidate)
        lines = () if note is None else lines_on(note, known.own(candidate))
        by = auditors & {(line.name, line.key_id) for line in lines}
        if not by:
            return {}
        moves: dict[str, int | None] = {AUDITED: candidate}
        is_old = self._clock() - self._time_of(candidate) > PATIENCE_S
        if (by == auditors or is_old) and is_open:
            moves[CANDIDATE] = published
        return moves


def newest_policy(log: LogState) -> Cosigners:
    """Those whose lines a dossier may show: who are named by ``log``, its newest policy."""
    return Cosigners(log)


def _is_open(writing: Writing, size: int) -> bool:
    """Whether the index of ``size`` can still be read, so that it can be pinned."""
    return writing.head.last_head == size - 1 or size in writing.pins().values()


def _move(writing: Writing, pins: Mapping[str, int], moves: Mapping[str, int | None]) -> None:
    changed = {name: size for name, size in moves.items() if pins.get(name) != size}
    if changed:
        writing.move_pins(changed)
