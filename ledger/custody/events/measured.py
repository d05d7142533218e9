"""Values read from a battery that several kinds of event state in the same way."""

from typing import Literal

from ledger.custody.events.base import Event, Part
from ledger.custody.events.scalars import (
    Conditional,
    Cycles,
    Health,
    Interest,
    Minutes,
    Throughput,
)
from ledger.custody.payload import FIELD

SohBasis = Literal["capacity", "energy", "soce", "bms"]
CycleSource = Literal["bms", "record", "estimate"]


class Counters(Part, frozen=True, kw_only=True):
    """Counters of use at one time: before a reset, or before a part was exchanged."""

    full_cycles: Interest[Cycles | None] = None
    energy_throughput_wh: Interest[Throughput | None] = None
    charge_throughput_mah: Interest[Throughput | None] = None
    extreme_temp_min: Interest[Minutes | None] = None


class Counted(Event, frozen=True, kw_only=True):
    """An event that may state how much a battery was used. Cycles come with their source."""

    full_cycles: Conditional[Interest[Cycles | None]] = None
    full_cycles_source: Conditional[Interest[CycleSource | None]] = None
    energy_throughput_wh: Conditional[Interest[Throughput | None]] = None
    charge_throughput_mah: Conditional[Interest[Throughput | None]] = None
    extreme_temp_min: Conditional[Interest[Minutes | None]] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.full_cycles is None) != (self.full_cycles_source is None):
            raise FIELD.at("payload.full_cycles", "it goes together with full_cycles_source")


class Measured(Counted, frozen=True, kw_only=True):
    """An event that may state a state of health, never without what it is a share of."""

    soh_permille: Conditional[Interest[Health | None]] = None
    soh_basis: Conditional[Interest[SohBasis | None]] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.soh_permille is None) != (self.soh_basis is None):
            raise FIELD.at("payload.soh_permille", "it goes together with soh_basis")
