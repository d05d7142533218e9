"""What the ledger knows of each subject: bounded, folded from its statements in log order.

A state never grows with the length of a history. It holds independent axes (life status, physical,
waste, holders, record), and the few places in the past that rules compare with.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from ledger.custody.claims import CodeClaim as CodeClaim
from ledger.custody.claims import DeviceState as DeviceState
from ledger.custody.claims import GuestState as GuestState
from ledger.custody.claims import KeyClaim as KeyClaim
from ledger.custody.claims import MandateState as MandateState
from ledger.custody.claims import OperatorKey as OperatorKey
from ledger.custody.claims import OperatorState as OperatorState
from ledger.custody.claims import PastEntryState as PastEntryState
from ledger.custody.claims import SourceClaim as SourceClaim
from ledger.custody.claims import Value as Value

Physical = Literal[
    "made", "installed", "removed", "in-transit", "consumed", "destroyed", "recycled"
]
Status = Literal["original", "repurposed", "re-used", "remanufactured", "waste"]
Record = Literal["active", "disputed"]

FIT = ("fit", "fit-with-limits")
"""Verdicts that allow a second life."""

MAX_PARTIES = 256
MAX_DISPUTED = 64
MAX_CORRECTED = 64


class Mark(Value, array_like=True, frozen=True, kw_only=True):
    """A place in the log: an entry, and when its issuer says that it happened (Unix seconds)."""

    entry_id: bytes
    index: int
    occurred: int

    def is_after(self, other: Mark) -> bool:
        """Whether log order and occurrence both say that this is after ``other``."""
        return self.index > other.index and self.occurred > other.occurred

    def not_before(self, other: Mark | None) -> Mark:
        """This place, dated no earlier than ``other``, so that what is after it is after both.

        Without it a back-dated incident would open the way for an assessment before the removal.
        """
        if other is None or other.occurred <= self.occurred:
            return self
        return msgspec.structs.replace(self, occurred=other.occurred)


class Assessed(Value, frozen=True, kw_only=True):
    """The last assessment of a unit."""

    at: Mark
    verdict: str
    assessor: str
    valid_until: str | None = None

    @property
    def is_fit(self) -> bool:
        return self.verdict in FIT


class Released(Value, frozen=True, kw_only=True):
    """A release that waits for its acceptance. ``physical`` is where the unit was before."""

    at: Mark
    giver: str
    receiver: str
    moves: tuple[str, ...]
    physical: Physical


class Facts(Value, frozen=True, kw_only=True):
    """What was stated when a battery came into the log; ``children`` is the number of its parts,
    ``waste`` is where it was waste from the first, because what it was made from was."""

    passport: str | None = None
    category: str | None = None
    chemistry: str | None = None
    rated_capacity_mah: int | None = None
    mass_g: int | None = None
    children: int = 0
    waste: tuple[str, ...] = ()


NO_FACTS = Facts()


class Health(Value, frozen=True, kw_only=True):
    """The values that were read last. They may be withheld one day: only remarks rest on them."""

    soh_permille: int | None = None
    soh_basis: str | None = None
    full_cycles: int | None = None


class BatteryState(Value, tag="battery", frozen=True, kw_only=True):
    """One battery. ``install`` is the present installation, ``last_use`` the last use, damage or
    removal: an assessment counts for re-use only when it is after it. ``released`` are the releases
    that wait, at most one for each thing that moves; ``disputed`` the entries that are contested
    (the first 64); ``parties`` those who ever held it (the last 256). ``last`` is the last event
    that happened to the unit; what is only said about entries does not count. ``split`` is where it
    came out of a larger unit under a new code, ``unmade`` where its beginning was taken back.
    ``corrected`` are the entries that count no more, each with what counts instead: an entry, or
    nothing (no bytes), where it was taken back. ``read_on`` is the day of the last reading.
    ``inherited`` are owners that it has from other units, by the index of the entry (the last 4):
    with them its own entries are enough to fold it again."""

    made: Mark
    maker: str
    level: str | None
    physical: Physical
    base_status: Status
    possessor: str
    owner: str
    responsible: str
    last: Mark
    parties: tuple[str, ...]
    last_use: Mark | None = None
    install: Mark | None = None
    assessed: Assessed | None = None
    released: tuple[Released, ...] = ()
    quarantine: Mark | None = None
    missing: Mark | None = None
    parent: str | None = None
    waste: tuple[str, ...] = ()
    disputed: tuple[bytes, ...] = ()
    predecessors: tuple[str, ...] = ()
    stated: Facts | None = None
    health: Health | None = None
    read_on: str | None = None
    split: Mark | None = None
    unmade: Mark | None = None
    corrected: tuple[tuple[bytes, bytes], ...] = ()
    inherited: tuple[tuple[int, str], ...] = ()

    @property
    def facts(self) -> Facts:
        """What was stated at its beginning; nothing, where that was inside of another unit."""
        return self.stated or NO_FACTS

    @property
    def status(self) -> Status:
        """The EU life status (Annex XIII 4(c)); waste while it is declared in the EU."""
        return "waste" if "EU" in self.waste else self.base_status

    def with_party(self, party: str) -> BatteryState:
        """The same, with one more who held it."""
        if party in self.parties:
            return self
        parties = (*self.parties, party)[-MAX_PARTIES:]
        return msgspec.structs.replace(self, parties=parties)

    @property
    def disputes(self) -> int:
        """How many entries about the battery are contested."""
        return len(self.disputed)

    @property
    def record(self) -> Record:
        return "disputed" if self.disputed else "active"


class AliasState(Value, tag="alias", frozen=True, kw_only=True):
    """A further identifier of a battery: claimed once, never a subject to append under."""

    of: str


class ModelState(Value, tag="model", frozen=True, kw_only=True):
    """A model statement: claimed once by its issuer."""

    issuer: str
    at: Mark


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


State = (
    BatteryState
    | AliasState
    | ModelState
    | OperatorState
    | GuestState
    | DeviceState
    | MandateState
    | KeyClaim
    | CodeClaim
    | SourceClaim
    | PastEntryState
    | ListState
    | LogState
    | FreshState
)

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[State] = msgspec.msgpack.Decoder(State)


def encode_state(state: State) -> bytes:
    """The stored form: a cache that ``fsck`` recomputes, never signed and never exchanged."""
    return _ENCODER.encode(state)


def decode_state(data: bytes) -> State:
    """The state that ``encode_state`` stored. Raises ``msgspec.DecodeError`` when damaged."""
    return _DECODER.decode(data)
