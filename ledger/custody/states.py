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
from ledger.custody.log_states import AuthorityState as AuthorityState
from ledger.custody.log_states import FreshState as FreshState
from ledger.custody.log_states import ListedSnapshot as ListedSnapshot
from ledger.custody.log_states import ListState as ListState
from ledger.custody.log_states import LogKeyState as LogKeyState
from ledger.custody.log_states import LogState as LogState
from ledger.custody.log_states import PredecessorState as PredecessorState
from ledger.custody.values.jurisdictions import EU

Physical = Literal[
    "made", "installed", "removed", "in-transit", "consumed", "destroyed", "recycled"
]
Status = Literal["original", "repurposed", "re-used", "remanufactured", "waste"]
Record = Literal["active", "disputed"]

ENDED: tuple[Physical, ...] = ("consumed", "destroyed", "recycled")
"""Where nothing more happens to a unit."""
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
    with them its own entries are enough to fold it again; ``wasted_with`` is the same of the
    places where its whole was waste. ``became`` is the one unit into which a consumed one went
    whole, with its parts. ``read_days`` are the days before ``read_on`` on which it was read: bit
    k - 1 is the day k days before it (the last 63)."""

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
    wasted_with: tuple[tuple[int, tuple[str, ...]], ...] = ()
    became: str | None = None
    read_days: int = 0

    @property
    def facts(self) -> Facts:
        """What was stated at its beginning; nothing, where that was inside of another unit."""
        return self.stated or NO_FACTS

    @property
    def status(self) -> Status:
        """The EU life status (Annex XIII 4(c)); waste while it is that in a Member State."""
        return self.base_status if EU.countries.isdisjoint(self.waste) else "waste"

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
