"""From submitted bytes to a Prepared: everything that can be done outside every lock.

Bytes → Statement → content → key (from a snapshot of operators that may be stale) → signature.
The commit decides again under the lock and trusts two things of what is done here only: that the
bytes are of the form, and that the signature is one by the key that is named in ``verified``.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from keys.cose_key import Backend, CoseKey
from keys.errors import CellbookError, RejectedError, declare
from ledger.custody.decision import Content, Needed, needed, read_content
from ledger.custody.events import Release
from ledger.custody.governance.handover import FromPast
from ledger.custody.governance.mandates import MandateGiven
from ledger.custody.governance.operators import signing_key
from ledger.custody.governance.statements import Governance, Policy
from ledger.log.snapshot import Snapshot, Snapshots
from ledger.log.terms import Told, terms_of
from ledger.wire.statement import TYP_HEAD, Statement, check_signature, parse_statement

HEAD_FROM_OUTSIDE = declare(
    "rejected.head.outside",
    "This statement is made by the log itself and never submitted.",
    "Submit events and governance statements only.",
)


class Prepared(msgspec.Struct, frozen=True):
    """A statement that is ready for the log: parsed, and its signature checked.

    ``terms`` are the words under which its subjects will be found. ``verified`` is the key with
    which the signature was checked. It is None where the key must come from a statement that goes
    before in the same submission, or where the same bytes are registered already: then it is
    checked under the lock, if a key is found there.
    """

    statement: Statement
    content: Content
    needed: Needed
    entry_id: bytes
    leaf_hash: bytes
    terms: Sequence[Told]
    verified: CoseKey | None

    @property
    def announces(self) -> bool:
        """Whether keys may come with it that sign what follows."""
        content = self.content
        if isinstance(content, Release):
            return content.guest_key is not None
        return isinstance(content, Governance | MandateGiven)


Submitted = Prepared | CellbookError


def prepare(
    data: Sequence[bytes], snapshots: Snapshots, backend: Backend | None = None
) -> list[Submitted]:
    """What each of ``data`` is: Prepared, or the error with which it is refused. Same order.

    Costs a signature verification for each, and for refused ones one read of the store for all.
    """
    parsed = [_parsed(item) for item in data]
    issuers = {item.statement.iss for item in parsed if isinstance(item, Prepared)}
    checking = _Checking(snapshots, snapshots.covering(issuers), issuers, backend)
    checked = [checking.check(item) for item in parsed]
    return _with_registered(parsed, checked, snapshots)


def parse_submission(data: bytes) -> Prepared:
    """A Prepared whose signature is not checked (``verified`` is None).

    Its names are text that every database can hold: wire and events see to that. Raises
    ``malformed.*``, ``unsupported.*``, ``rejected.head.outside``, ``rejected.subject.*``.
    """
    statement = parse_statement(data)
    if statement.typ == TYP_HEAD:
        raise HEAD_FROM_OUTSIDE.at("typ", statement.typ)
    prepared = unchecked(statement)
    if isinstance(prepared.content, FromPast):
        raise HEAD_FROM_OUTSIDE.at("payload.type", "what was before this log")
    return prepared


def unchecked(statement: Statement) -> Prepared:
    """The Prepared of a parsed statement, heads too; its signature is not checked."""
    content = read_content(statement)
    wanted = needed(statement, content)
    return Prepared(
        statement=statement,
        content=content,
        needed=wanted,
        entry_id=statement.entry_id,
        leaf_hash=statement.leaf_hash,
        terms=terms_of(statement, content),
        verified=None,
    )


def _parsed(data: bytes) -> Submitted:
    try:
        return parse_submission(data)
    except CellbookError as error:
        return error


class _Checking:
    """The check of one submission's signatures, statement by statement."""

    def __init__(
        self,
        snapshots: Snapshots,
        snapshot: Snapshot,
        issuers: set[str],
        backend: Backend | None,
    ) -> None:
        self._snapshots = snapshots
        self._snapshot = snapshot
        self._issuers = issuers
        self._backend = backend
        self._is_fresh = False
        self._announced: set[str] = set()
        self._policy_announced = False

    def check(self, item: Submitted) -> Submitted:
        """``item`` with its key, or the error that refuses it."""
        if isinstance(item, CellbookError):
            return item
        try:
            key = self._key(item)
            if key is None:
                return item
            check_signature(item.statement, key, self._backend)
        except CellbookError as error:
            return error
        self._announce(item)
        return msgspec.structs.replace(item, verified=key)

    def _key(self, item: Prepared) -> CoseKey | None:
        """The key that must have signed; None where it may come with an earlier statement."""
        try:
            return self._find_key(item)
        except RejectedError:
            if not self._is_fresh:
                self._is_fresh = True
                newer = self._snapshots.refreshed(self._snapshot, self._issuers)
                if newer is not self._snapshot:
                    self._snapshot = newer
                    return self._key(item)
            if self._is_announced(item):
                return None
            raise

    def _find_key(self, item: Prepared) -> CoseKey:
        snapshot = self._snapshot
        return signing_key(
            item.statement, item.content, snapshot.operators, snapshot.log, snapshot.size
        )

    def _announce(self, item: Prepared) -> None:
        # Only statements whose signature was found genuine announce anything. Otherwise anybody
        # could make the service verify signatures under its lock.
        if isinstance(item.content, Policy):
            self._policy_announced = True
        elif isinstance(item.content, Governance):
            self._announced.add(item.statement.sub)
        elif isinstance(item.content, Release):
            if item.announces:
                self._announced.add(item.content.receiver)
        elif isinstance(item.content, MandateGiven):
            self._announced.add(item.content.delegate)

    def _is_announced(self, item: Prepared) -> bool:
        return self._policy_announced or item.statement.iss in self._announced


def _with_registered(
    parsed: list[Submitted], checked: list[Submitted], snapshots: Snapshots
) -> list[Submitted]:
    """Let through what is registered already: a key may have been revoked since then.

    The commit finds it by its content id before it asks for a key, and answers as for every
    duplicate.
    """
    refused: dict[bytes, list[int]] = {}
    for position, (before, after) in enumerate(zip(parsed, checked, strict=True)):
        if isinstance(before, Prepared) and isinstance(after, RejectedError):
            refused.setdefault(before.statement.content_id, []).append(position)
    if not refused:
        return checked
    for content_id, (_, entry_id) in snapshots.registered(refused).items():
        for position in refused[content_id]:
            before = parsed[position]
            if isinstance(before, Prepared) and before.entry_id == entry_id:
                checked[position] = before
    return checked
