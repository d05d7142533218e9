"""What was measured: assessments by a laboratory, and readings of a BMS."""

from typing import Annotated, Literal

from msgspec import Meta

from ledger.custody.events.base import Part
from ledger.custody.events.measured import CycleSource, Measured, SohBasis
from ledger.custody.events.scalars import (
    BatteryUri,
    Conditional,
    Country,
    Cycles,
    Date,
    Decicelsius,
    Digest,
    Health,
    Hours,
    Interest,
    Kiloohm,
    LongText,
    Mah,
    Microohm,
    Milli,
    Minutes,
    Moment,
    Mv,
    Parties,
    Permille,
    Public,
    Some,
    Text,
    Wh,
)
from ledger.custody.payload import FIELD

Verdict = Literal["fit", "fit-with-limits", "unfit", "inconclusive"]


class Accreditation(Part, frozen=True, kw_only=True):
    """By whom a laboratory is accredited, for what, until when. Not checked with that body."""

    body: Public[Text]
    number: Public[Text]
    scope: Public[Text]
    valid_to: Public[Date]


class Resistance(Part, frozen=True, kw_only=True):
    """An internal resistance, with the method and the charge at which it was measured."""

    resistance_uohm: Interest[Microohm]
    method: Interest[Text]
    soc_permille: Interest[Permille]


class SelfDischarge(Part, frozen=True, kw_only=True):
    """Loss of charge at rest, and how long it was watched."""

    self_discharge_permille_month: Interest[Permille]
    window_hours: Interest[Hours]


class Sale(Part, frozen=True, kw_only=True):
    """Whether the assessor is related to the seller, and how."""

    related: Interest[bool]
    how: Conditional[Interest[LongText | None]] = None


class Assessment(Measured, tag="assessment", frozen=True, kw_only=True):
    """The battery was examined by a stated scheme; the verdict says what it is fit for.

    ``units`` lists the children or the sample when ``scope`` is not the unit itself. The verdict
    on a pack does not cover its cells, and one for shipment allows no use.
    ``negative_events`` is stated even when it is empty.
    """

    scope: Interest[Literal["unit", "children", "sample"]]
    units: Public[Annotated[tuple[BatteryUri, ...], Some]] = ()
    purpose: Public[Literal["re-use", "repurposing", "shipment", "acceptance"]]
    scheme: Public[Text]
    edition: Public[Text]
    lab: Public[Text]
    facility_id: Interest[Text]
    test_country: Public[Country]
    accreditation: Public[Accreditation]
    tested_from: Interest[Date]
    tested_to: Interest[Date]
    ambient_temp_dc: Interest[Decicelsius]
    c_rate_milli: Interest[Milli]
    rest_minutes: Interest[Minutes]
    ocv_mv: Interest[Mv]
    measured_capacity_mah: Interest[Mah]
    reference_capacity_mah: Interest[Mah]
    usable_energy_wh: Conditional[Interest[Wh | None]] = None
    soh_permille: Interest[Health]
    soh_basis: Interest[SohBasis]
    soh_method: Interest[Text]
    soh_uncertainty_permille: Interest[Permille]
    soce_permille: Conditional[Interest[Permille | None]] = None
    resistance: Conditional[Interest[Resistance | None]] = None
    self_discharge: Conditional[Interest[SelfDischarge | None]] = None
    power_fade_permille: Conditional[Interest[Permille | None]] = None
    resistance_increase_permille: Conditional[
        Interest[Annotated[int, Meta(ge=0, le=100_000)] | None]
    ] = None
    roundtrip_permille: Conditional[Interest[Permille | None]] = None
    insulation_kohm: Conditional[Interest[Kiloohm | None]] = None
    cell_spread_mv: Conditional[Interest[Mv | None]] = None
    visual_check: Interest[LongText]
    bms_check: Interest[LongText]
    history_source: Interest[Text]
    negative_events: Interest[Annotated[tuple[LongText, ...], Meta(max_length=64)]]
    full_cycles: Interest[Cycles]
    full_cycles_source: Interest[CycleSource]
    verdict: Public[Verdict]
    intended_use: Interest[Text]
    limits: Interest[Annotated[str, Meta(max_length=2048)]]
    certificate_no: Conditional[Interest[Text | None]] = None
    issued_on: Conditional[Interest[Date | None]] = None
    valid_until: Conditional[Public[Date | None]] = None
    report_sha256: Interest[Digest]
    seller: Interest[Sale]
    tester: Parties[Text | None] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tested_to < self.tested_from:
            raise FIELD.at("payload.tested_to", "it is before tested_from")
        if (self.scope == "unit") == bool(self.units):
            raise FIELD.at("payload.units", "listed for children and samples, and only for these")


class Reading(Measured, tag="reading", frozen=True, kw_only=True):
    """The BMS was read, without an assessment: values are the BMS's own."""

    read_at: Interest[Moment]
    protocol: Interest[Text]
    fw: Interest[Text | None] = None
    soc_permille: Interest[Permille | None] = None
    bms_reset: Interest[LongText | None] = None
    log_sha256: Interest[Digest | None] = None
