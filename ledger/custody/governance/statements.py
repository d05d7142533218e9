"""Governance statements: who may say what in this log, and what the log itself is.

Each is the payload of a COSE_Sign1 whose content type is that of governance statements: a map with
text keys, deterministic encoding, tagged by ``type`` and ``version``. Policies are signed by the
root, statements about operators and their keys by the registrar that the policy names, snapshots
of lists by a publisher that it names, heads by the log's statement key. This module knows the
shapes, with ``handover``; ``policy``, ``operators`` and ``snapshots`` the meaning.
"""

# Hints are values in this module: kept as text, a cold start would evaluate them twice.
from typing import Annotated, Literal

from msgspec import Meta

from ledger.custody.events.scalars import Date, Digest, Text
from ledger.custody.governance.base import (
    CoseKeyBytes,
    Facility,
    Hash,
    Name,
    Part,
    Seconds,
    Size,
    Uri,
)
from ledger.custody.governance.base import Governance as Governance
from ledger.custody.governance.handover import CarriedEntry as CarriedEntry
from ledger.custody.governance.handover import CarriedHistory as CarriedHistory
from ledger.custody.governance.handover import CarriedOver as CarriedOver
from ledger.custody.governance.handover import Freeze as Freeze
from ledger.custody.governance.handover import Predecessor as Predecessor
from ledger.custody.lists.rows import MAX_ROWS
from ledger.custody.payload import FIELD, PayloadTable, encode_payload, parse_payload
from ledger.tree.merkle import EMPTY_ROOT

LEAF_DEFINITION = "cose-sign1-tag18-empty-unprotected/1"
"""The leaf is the deterministic tag-18 encoding ``[protected, {}, payload, signature]``."""


class LogKey(Part, frozen=True, kw_only=True):
    """A key of the log for one purpose, valid for tree sizes in [from_size, to_size)."""

    purpose: Literal["checkpoint", "receipts", "statements"]
    key: CoseKeyBytes
    from_size: Size
    to_size: Size | None = None


class Authority(Part, frozen=True, kw_only=True):
    """Who else may speak: the registrar, publishers of lists, arbiters."""

    uri: Uri
    role: Literal["registrar", "publisher", "arbiter"]
    key: CoseKeyBytes


class Profile(Part, frozen=True, kw_only=True):
    """A set of rules, with the version under which decisions are made."""

    name: Name
    version: Annotated[int, Meta(ge=1, le=65535)]


class Limits(Part, frozen=True, kw_only=True):
    """What one statement may weigh, and how far ahead of the log its times may lie (seconds)."""

    entry_bytes: Annotated[int, Meta(ge=1024, le=65535)] = 65535
    subjects: Annotated[int, Meta(ge=1, le=1000)] = 1000
    skew_s: Annotated[int, Meta(ge=0, le=86400)] = 300


class KeyGrant(Part, frozen=True, kw_only=True):
    """A key, what it may sign, and its own signature that its holder has it (keys.possession)."""

    key: CoseKeyBytes
    purposes: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=8)]
    possession: Annotated[bytes, Meta(min_length=1, max_length=8192)]


Vkeys = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=512)], ...], Meta(max_length=32)
]


class Policy(Governance, tag="policy", frozen=True, kw_only=True):
    """The registration policy. Number 0 is the genesis, entry 0 of the log.

    ``previous`` is the entry id of the policy before; ``next_root`` is the thumbprint of the root
    key that may replace this one, kept offline. ``predecessor`` stands in policy 0 only.
    ``witnesses`` and ``auditors`` are the vkeys of those whose cosignatures on checkpoints the log
    passes on (``ledger.custody.governance.cosigners``).
    """

    number: Annotated[int, Meta(ge=0, lt=2**31)]
    previous: Hash | None = None
    origin: Name
    family_name: Name
    root_key: CoseKeyBytes
    next_root: Hash
    log_keys: Annotated[tuple[LogKey, ...], Meta(min_length=3, max_length=64)]
    authorities: Annotated[tuple[Authority, ...], Meta(max_length=64)]
    profiles: Annotated[tuple[Profile, ...], Meta(min_length=1, max_length=32)]
    algorithms: Annotated[tuple[int, ...], Meta(min_length=1, max_length=8)]
    limits: Limits
    leaf: Literal["cose-sign1-tag18-empty-unprotected/1"]
    epoch_s: Annotated[int, Meta(ge=1, le=3600)] = 1
    predecessor: Predecessor | None = None
    witnesses: Vkeys = ()
    auditors: Vkeys = ()


Roles = Annotated[tuple[Name, ...], Meta(min_length=1, max_length=16)]


MakerCodes = Annotated[
    tuple[Annotated[str, Meta(pattern="^[A-Z0-9]{3}$")], ...], Meta(max_length=64)
]
Gs1Prefixes = Annotated[
    tuple[Annotated[str, Meta(pattern="^[0-9]{4,12}$")], ...], Meta(max_length=64)
]


Facilities = Annotated[tuple[Facility, ...], Meta(max_length=32)]


class OperatorRegistered(Governance, tag="operator-registered", frozen=True, kw_only=True):
    """An operator takes part: its name, country, roles and first keys.

    ``maker_codes`` (the first three characters of GB/T 34014 codes) and ``gs1_prefixes`` (GS1
    company prefixes) are those that it issues identifiers with. ``facilities`` are the places where
    it works, by the registrar's word.
    """

    name: Name
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")]
    roles: Roles
    keys: Annotated[tuple[KeyGrant, ...], Meta(min_length=1, max_length=8)]
    maker_codes: MakerCodes | None = None
    gs1_prefixes: Gs1Prefixes | None = None
    facilities: Facilities | None = None


class OperatorChanged(Governance, tag="operator-changed", frozen=True, kw_only=True):
    """The operator's particulars from here on; its keys stay, and what of codes and
    facilities is not stated."""

    name: Name
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")]
    roles: Roles
    maker_codes: MakerCodes | None = None
    gs1_prefixes: Gs1Prefixes | None = None
    facilities: Facilities | None = None


class OperatorRemoved(Governance, tag="operator-removed", frozen=True, kw_only=True):
    """The operator signs nothing from here on. What it signed before stays valid."""

    reason: Name


class KeyAdded(Governance, tag="key-added", frozen=True, kw_only=True):
    """One more key of the operator."""

    grant: KeyGrant


class KeyRevoked(Governance, tag="key-revoked", frozen=True, kw_only=True):
    """The key signs nothing from here on.

    ``compromised_since`` (Unix seconds, compared with log time) flags what it signed from then on.
    """

    kid: Hash
    reason: Name
    compromised_since: Seconds | None = None


class Head(Governance, tag="head", frozen=True, kw_only=True):
    """The end of an epoch: entries ``previous + 1 .. tree_size - 1`` have log time ``time``.

    ``tree_size`` is also the index of this entry. ``previous`` is the index of the head before:
    with it, a reader who holds one entry and one head knows that no head lies between them.
    ``index_root`` is the root of the index (docs/index.md) over the subjects of entries
    0 .. tree_size - 1.
    """

    tree_size: Size
    time: Seconds
    index_root: Hash
    previous: Size | None = None


SchemeName = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[a-z0-9]+(-[a-z0-9]+)*$")]
ListCount = Annotated[int, Meta(ge=0, le=MAX_ROWS)]


class ListSnapshot(Governance, tag="list-snapshot", frozen=True, kw_only=True):
    """A public list as its publisher copied it, from the day ``effective`` until the next one.

    The list is a Merkle tree over ``leaves`` identifiers with ``rows`` rows in all
    (``ledger.custody.lists.rows``). Its days are those of a place ``utc_offset_min`` minutes ahead
    of UTC. ``source_sha256`` is the digest of what the publisher copied from.
    """

    scheme: SchemeName
    announcement: Text
    effective: Date
    utc_offset_min: Annotated[int, Meta(ge=-840, le=840)]
    leaves: ListCount
    rows: ListCount
    root: Digest
    source_sha256: Digest

    def __post_init__(self) -> None:
        super().__post_init__()
        is_empty = {self.leaves == 0, self.rows == 0, self.root == EMPTY_ROOT}
        if self.rows < self.leaves or len(is_empty) > 1:
            raise FIELD.at("payload.rows", "leaves, rows and root do not fit together")


AboutLog = Policy | Freeze
"""Statements whose subject is the log: every file that is verified has all of them."""

GOVERNANCE: PayloadTable[Governance] = {
    ("policy", 1): Policy,
    ("operator-registered", 1): OperatorRegistered,
    ("operator-changed", 1): OperatorChanged,
    ("operator-removed", 1): OperatorRemoved,
    ("key-added", 1): KeyAdded,
    ("key-revoked", 1): KeyRevoked,
    ("head", 1): Head,
    ("list-snapshot", 1): ListSnapshot,
    ("freeze", 1): Freeze,
    ("carried-over", 1): CarriedOver,
    ("carried-entry", 1): CarriedEntry,
    ("carried-history", 1): CarriedHistory,
}


def parse_governance(payload: bytes) -> Governance:
    """The governance statement in ``payload``.

    Raises ``malformed.cbor.*``, ``malformed.payload.*``, ``unsupported.type``,
    ``unsupported.version``. Signer, order and meaning are not checked.
    """
    return parse_payload(payload, GOVERNANCE)


def encode_governance(statement: Governance) -> bytes:
    """The deterministic payload bytes of ``statement``."""
    return encode_payload(statement)
