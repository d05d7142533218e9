"""Statements by which a log ends and another one follows; ``succession`` and ``carrying`` know what
they mean."""

# Hints are values in this module: kept as text, a cold start would evaluate them twice.
from typing import Annotated

from msgspec import Meta

from ledger.custody.governance.base import Governance, Hash, Name, Part, Uri
from ledger.custody.states import AliasState, BatteryState


class Successor(Part, frozen=True, kw_only=True):
    """The log that may follow: its origin, and the thumbprint of the root of its genesis."""

    origin: Name
    root: Hash


class Freeze(Governance, tag="freeze", frozen=True, kw_only=True):
    """The end of a log, signed by the root in force: after it, only the head that closes it.

    Without ``successor`` no log follows. Its root is the next root to which the policies have
    committed.
    """

    successor: Successor | None = None


class Proved(Part, frozen=True, kw_only=True):
    """The leaf of an entry in another log, with its inclusion path."""

    leaf: Annotated[bytes, Meta(min_length=1, max_length=65535)]
    path: Annotated[tuple[Hash, ...], Meta(min_length=1, max_length=64)]


class Predecessor(Part, frozen=True, kw_only=True):
    """The log that this one follows, as it ended.

    ``checkpoint`` is its last signed note as it was published, ``genesis`` the first entry of that
    tree, ``head`` the last one, ``freeze`` the one before that.
    """

    origin: Name
    checkpoint: Annotated[bytes, Meta(min_length=1, max_length=16384)]
    genesis: Proved
    freeze: Proved
    head: Proved


class IndexProof(Part, frozen=True, kw_only=True):
    """A proof from an index, as ``ledger.tree.prefix.PrefixProof`` has it."""

    depth: Annotated[int, Meta(ge=0, le=256)]
    present: Annotated[bytes, Meta(max_length=32)]
    siblings: Annotated[bytes, Meta(max_length=8192)]
    other_key: Hash | None = None
    other_value: Hash | None = None


class CarriedSubject(Part, frozen=True, kw_only=True):
    """What the last indexes of the logs before this one say of ``uri``.

    ``proofs`` are from one index after the other, the newest first: all show that the name is not
    there, but for the last one where ``count`` entries with the hash ``chain`` are. ``state`` is
    what these lead to, its places in the log counted from this log's beginning, so that they are
    below 0. All three are absent where no index has the name.
    """

    uri: Uri
    proofs: Annotated[tuple[IndexProof, ...], Meta(min_length=1, max_length=16)]
    count: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None
    chain: Hash | None = None
    state: BatteryState | AliasState | None = None


class CarriedOver(Governance, tag="carried-over", frozen=True, kw_only=True):
    """The first entry about subjects in a log with a predecessor, made by the log itself."""

    subjects: Annotated[tuple[CarriedSubject, ...], Meta(min_length=1, max_length=256)]


class PastEntry(Part, frozen=True, kw_only=True):
    """An entry of a log before this one: its leaf, at ``index`` of the log that is ``log`` logs
    before the predecessor."""

    log: Annotated[int, Meta(ge=0, le=15)] = 0
    index: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    leaf: Annotated[bytes, Meta(min_length=1, max_length=65535)]


class CarriedEntry(Governance, tag="carried-entry", frozen=True, kw_only=True):
    """An event of a log before this one, about ``subjects``, which statements here are about; made
    by the log itself. ``path`` is its inclusion path in that log's last tree."""

    entry: PastEntry
    path: Annotated[tuple[Hash, ...], Meta(min_length=1, max_length=64)]
    subjects: Annotated[tuple[Uri, ...], Meta(min_length=1, max_length=1000)]


class CarriedHistory(Governance, tag="carried-history", frozen=True, kw_only=True):
    """Entries of the logs before this one that concern the battery ``uri``, or a part of them, so
    that it can be folded again here; made by the log itself."""

    uri: Uri
    entries: Annotated[tuple[PastEntry, ...], Meta(min_length=1, max_length=2000)]


FromPast = CarriedOver | CarriedEntry | CarriedHistory
"""What only the log itself says, of the logs before it."""


def subjects_of(content: FromPast) -> tuple[str, ...]:
    """The batteries, and further identifiers, that ``content`` concerns."""
    if isinstance(content, CarriedOver):
        return tuple(item.uri for item in content.subjects)
    return content.subjects if isinstance(content, CarriedEntry) else (content.uri,)
