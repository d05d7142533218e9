"""The first life of a battery: made, installed, removed, repaired, labelled anew."""

from typing import Annotated, Literal

from msgspec import Meta

from ledger.custody.events.base import Event, Identifier, Part
from ledger.custody.events.measured import Counted, Counters, Measured
from ledger.custody.events.scalars import (
    BatteryUri,
    BmsAction,
    Category,
    Conditional,
    Count,
    Country,
    Date,
    Digest,
    EntryId,
    Gram,
    HostKind,
    Interest,
    Km,
    Level,
    LongText,
    Mah,
    ModelUri,
    Moment,
    Mv,
    OperatorUri,
    Parties,
    Permille,
    Public,
    Some,
    Text,
    TransportCondition,
    Wh,
)
from ledger.custody.payload import FIELD


class Bms(Part, frozen=True, kw_only=True):
    """The battery management system as built in."""

    model: Interest[Text]
    hw: Interest[Text | None] = None
    fw: Interest[Text | None] = None


class DataInterface(Part, frozen=True, kw_only=True):
    """How the BMS can be read, and by whom: what an inspection of openness asks."""

    protocol: Public[Text]
    port: Public[Text | None] = None
    read_only: Public[bool]
    credentials_needed: Public[bool]
    parameters: Public[Annotated[tuple[Text, ...], Some]] = ()
    document_sha256: Public[Digest | None] = None


class PlacedOnMarket(Part, frozen=True, kw_only=True):
    """The first supply on a market."""

    region: Public[Country]
    date: Public[Date]


class EprNumber(Part, frozen=True, kw_only=True):
    """A registration number under extended producer responsibility."""

    country: Public[Country]
    number: Public[Text]


class Onboarding(Part, frozen=True, kw_only=True):
    """A unit that was made before its history was kept: unknown before ``known_since``."""

    known_since: Public[Date]
    source: Public[Text]
    reason: Public[LongText]
    label_photo_sha256: Public[Digest | None] = None


class Manufacture(Event, tag="manufacture", frozen=True, kw_only=True):
    """A battery was made, or onboarded with a history that is unknown before a date.

    The first of ``ids`` is the battery's subject. ``model_ref``, ``batch_id`` and ``made_on`` are
    required of every unit without ``onboarding``; rated values may come from the model instead.
    More than 256 children are a count and the Merkle root over their URIs.
    """

    ids: Public[Annotated[tuple[Identifier, ...], Meta(min_length=1, max_length=16)]]
    level: Public[Level]
    country: Public[Country]
    facility_id: Public[Text]
    model_ref: Conditional[Public[ModelUri | None]] = None
    batch_id: Conditional[Public[Text | None]] = None
    made_on: Conditional[Public[Date | None]] = None
    battery_category: Conditional[Public[Category | None]] = None
    stationary: Conditional[Public[bool | None]] = None
    responsible_operator: Conditional[Public[OperatorUri | None]] = None
    passport_id: Conditional[Public[Text | None]] = None
    chemistry: Conditional[Public[Text | None]] = None
    rated_capacity_mah: Conditional[Public[Mah | None]] = None
    rated_energy_wh: Conditional[Public[Wh | None]] = None
    nominal_voltage_mv: Conditional[Public[Mv | None]] = None
    mass_g: Conditional[Public[Gram | None]] = None
    children: Public[Annotated[tuple[BatteryUri, ...], Some]] = ()
    children_count: Conditional[Public[Annotated[int, Meta(ge=257, le=10**6)] | None]] = None
    children_root: Conditional[Public[Digest | None]] = None
    bms: Conditional[Interest[Bms | None]] = None
    data_interface: Conditional[Public[DataInterface | None]] = None
    placed_on_market: Conditional[Public[PlacedOnMarket | None]] = None
    epr_numbers: Conditional[Public[Annotated[tuple[EprNumber, ...], Some]]] = ()
    onboarding: Conditional[Public[Onboarding | None]] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.onboarding is None and None in (self.model_ref, self.batch_id, self.made_on):
            raise FIELD.at("payload", "without onboarding, give model_ref, batch_id and made_on")
        if (self.children_count is None) != (self.children_root is None):
            raise FIELD.at("payload.children_count", "it goes together with children_root")
        if self.children and self.children_count is not None:
            raise FIELD.at("payload.children", "inline, or as count and root, not both")


class Install(Counted, tag="install", frozen=True, kw_only=True):
    """The battery was put into a vehicle, a storage system or another host.

    ``operation`` and ``assessment_ref`` are for an installation that is not the first.
    """

    installed_on: Interest[Date]
    first_installation: Interest[bool]
    host_kind: Interest[HostKind]
    application: Interest[Text]
    host_id: Conditional[Parties[Text | None]] = None
    operation: Conditional[Interest[Literal["re-use", "repurposing", "remanufacture"] | None]] = (
        None
    )
    assessment_ref: Conditional[Public[EntryId | None]] = None
    host_odometer_km: Interest[Km | None] = None
    fw: Interest[Text | None] = None


class BmsAccess(Part, frozen=True, kw_only=True):
    """Whether the BMS let itself be read. A maker's refusal is a fact worth recording."""

    result: Interest[Literal["ok", "refused", "no-bms", "dead"]]
    read_at: Conditional[Interest[Moment | None]] = None
    tool: Conditional[Interest[Text | None]] = None
    protocol: Conditional[Interest[Text | None]] = None
    fw: Conditional[Interest[Text | None]] = None


class Decommission(Measured, tag="decommission", frozen=True, kw_only=True):
    """The battery was taken out of its host. That is not waste: waste is declared.

    ``install_ref`` names the install entry that ends here. Health and counters are wanted where
    ``bms_access.result`` is ok.
    """

    install_ref: Public[EntryId]
    removed_on: Interest[Date]
    reason: Interest[LongText]
    host_kind: Interest[HostKind]
    host_id: Conditional[Parties[Text | None]] = None
    host_odometer_km: Interest[Km | None] = None
    bms_access: Interest[BmsAccess]
    soc_permille: Interest[Permille]
    visual_damage: Interest[LongText]
    transport_condition: Interest[TransportCondition]
    deep_discharge_count: Conditional[Interest[Count | None]] = None
    overcharge_count: Conditional[Interest[Count | None]] = None
    log_sha256: Conditional[Interest[Digest | None]] = None
    scrap_certificate_no: Conditional[Parties[Text | None]] = None


class ReplacedPart(Part, frozen=True, kw_only=True):
    """A part that was exchanged; its number or code, old and new, where it has one."""

    part: Interest[Text]
    removed: Interest[Text | None] = None
    fitted: Interest[Text | None] = None


class Repair(Event, tag="repair", frozen=True, kw_only=True):
    """The battery was repaired and stays the same battery."""

    repaired_on: Interest[Date]
    reason: Interest[LongText]
    parts_replaced: Interest[Annotated[tuple[ReplacedPart, ...], Some]] = ()
    bms_action: Interest[BmsAction]
    counters_before: Conditional[Interest[Counters | None]] = None
    report_sha256: Interest[Digest | None] = None


class Relabel(Event, tag="relabel", frozen=True, kw_only=True):
    """The battery carries further identifiers from here on; the old ones are never used again."""

    new_ids: Public[Annotated[tuple[Identifier, ...], Meta(min_length=1, max_length=16)]]
    old_label: Public[Literal["unreadable", "lost", "wrong", "replaced"]]
    reason: Public[LongText]
    label_photo_sha256: Interest[Digest | None] = None
