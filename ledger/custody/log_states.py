"""States of what is no battery and no signer: the log, its predecessors, and public lists."""

from __future__ import annotations

from ledger.custody.claims import Value


class ListedSnapshot(Value, frozen=True, kw_only=True):
    """A snapshot of a list, as its publisher stated it in the entry at ``index``."""

    publisher: str
    announcement: str
    effective: str
    leaves: int
    rows: int
    root: bytes
    source_sha256: bytes
    index: int


class ListState(Value, tag="list", frozen=True, kw_only=True):
    """A scheme of lists, with all its snapshots in log order; its days are those of a place
    ``utc_offset_min`` minutes ahead of UTC."""

    scheme: str
    utc_offset_min: int
    snapshots: tuple[ListedSnapshot, ...]


class LogKeyState(Value, frozen=True, kw_only=True):
    """A key of the log and the tree sizes [from_size, to_size) for which it signs."""

    purpose: str
    key: bytes
    from_size: int
    to_size: int | None = None


class AuthorityState(Value, frozen=True, kw_only=True):
    """An authority that the policy names."""

    uri: str
    role: str
    key: bytes


class FreshState(Value, tag="fresh", frozen=True):
    """A name that the predecessor's index does not have, and of which nothing is said here yet."""


class PredecessorState(Value, frozen=True, kw_only=True):
    """The log that a log follows: ``size`` entries under ``root``, its last index, and the log that
    it followed itself."""

    origin: str
    genesis: bytes
    size: int
    root: bytes
    index_root: bytes
    older: PredecessorState | None = None


class LogState(Value, tag="log", frozen=True, kw_only=True):
    """The policy in force, and the keys that ever signed for the log.

    ``frozen`` is the index of the statement that ended it; ``successor`` the origin and the root's
    kid of the log that may follow."""

    origin: str
    family: str
    family_name: str
    number: int
    policy: bytes
    root_key: bytes
    next_root: bytes
    log_keys: tuple[LogKeyState, ...]
    authorities: tuple[AuthorityState, ...]
    profiles: tuple[tuple[str, int], ...]
    algorithms: tuple[int, ...]
    entry_bytes: int
    subjects: int
    skew_s: int
    epoch_s: int
    head: int | None = None
    head_time: int = 0
    frozen: int | None = None
    successor: tuple[str, bytes] | None = None
    predecessor: PredecessorState | None = None
    witnesses: tuple[str, ...] = ()
    auditors: tuple[str, ...] = ()
