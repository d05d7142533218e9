"""The second life and the end: repurposed, declared waste, recycled."""

from typing import Annotated, Literal

from msgspec import Meta

from ledger.custody.events.base import Event, Part
from ledger.custody.events.life import PlacedOnMarket, ReplacedPart
from ledger.custody.events.measured import Counters
from ledger.custody.events.scalars import (
    Authority,
    BatteryUri,
    BmsAction,
    Category,
    Conditional,
    Country,
    Date,
    Digest,
    EntryId,
    Gram,
    Interest,
    Level,
    LongText,
    Mah,
    ModelUri,
    Months,
    Mv,
    OperatorUri,
    Parties,
    Permille,
    Public,
    Short,
    Some,
    Text,
    Wh,
)
from ledger.custody.payload import FIELD

Operation = Literal[
    "preparation-for-re-use", "preparation-for-repurposing", "repurposing", "remanufacture"
]


class RepurposeInput(Part, frozen=True, kw_only=True):
    """A battery that ends here, and the assessment that allows it."""

    id: Public[BatteryUri]
    assessment_ref: Public[EntryId]


LotCount = Annotated[int, Meta(ge=1, le=10**6)]


class InputLot(Part, frozen=True, kw_only=True):
    """Units that went in and are too many to be named, by count and Merkle root (``lots``).

    They have no entry here: what is named one by one ends in the record as well.
    """

    lot: Public[Text]
    count: Public[LotCount]
    root: Public[Digest]
    mass_g: Public[Gram]


class RepurposeOutput(Part, frozen=True, kw_only=True):
    """A battery that begins here, under a new code. Rated values may come from its model.

    ``children`` are parts of the inputs that keep their codes and are inside of it from here on.
    """

    id: Public[BatteryUri]
    level: Public[Level]
    category_after: Public[Category]
    status_after: Conditional[Public[Short | None]] = None
    passport_id: Conditional[Public[Text | None]] = None
    model_ref: Conditional[Public[ModelUri | None]] = None
    rated_capacity_mah: Public[Mah]
    rated_energy_wh: Public[Wh]
    nominal_voltage_mv: Public[Mv]
    mass_g: Public[Gram]
    children: Public[Annotated[tuple[BatteryUri, ...], Some]] = ()


class Remainder(Part, frozen=True, kw_only=True):
    """What of the inputs is in no output: a coded unit or a lot, where it went, and why.

    The units of a lot may be stated by count and Merkle root (``lots``).
    """

    id: Conditional[Public[BatteryUri | None]] = None
    lot: Conditional[Public[Text | None]] = None
    count: Conditional[Public[LotCount | None]] = None
    root: Conditional[Public[Digest | None]] = None
    mass_g: Public[Gram]
    reason: Public[LongText]
    destination: Interest[Text]

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.id is None) == (self.lot is None):
            raise FIELD.at("payload.remainder", "name an id or a lot")
        if (self.count is None) != (self.root is None) or (self.count and self.lot is None):
            raise FIELD.at("payload.remainder", "a lot may have count and root, both")


class SafetyEvidence(Part, frozen=True, kw_only=True):
    """A certificate for the outcome."""

    standard: Interest[Text]
    certificate_no: Interest[Text]


class Repurpose(Event, tag="repurpose", frozen=True, kw_only=True):
    """Inputs end and outputs begin: split, merged or one to one, each output with its origins.

    The first of ``inputs`` is the statement's subject. "Preparation for" takes waste, repurposing
    takes what is not waste.
    """

    operation: Public[Operation]
    inputs: Public[Annotated[tuple[RepurposeInput, ...], Meta(min_length=1, max_length=256)]]
    outputs: Public[Annotated[tuple[RepurposeOutput, ...], Meta(min_length=1, max_length=256)]]
    input_lots: Conditional[Public[Annotated[tuple[InputLot, ...], Some]]] = ()
    remainder: Conditional[Public[Annotated[tuple[Remainder, ...], Some]]] = ()
    country: Public[Country]
    facility_id: Public[Text]
    new_application: Interest[Text]
    market: Interest[Country]
    responsible_operator: Public[OperatorUri]
    bms_action: Interest[BmsAction]
    counters_before: Conditional[Interest[Counters | None]] = None
    parts_replaced: Conditional[Interest[Annotated[tuple[ReplacedPart, ...], Some]]] = ()
    safety_evidence: Conditional[Interest[Annotated[tuple[SafetyEvidence, ...], Some]]] = ()
    placed_on_market: Conditional[Public[PlacedOnMarket | None]] = None
    warranty_months: Conditional[Public[Months | None]] = None


class Material(Part, frozen=True, kw_only=True):
    """A material that came out, and where it went."""

    material: Authority[Text]
    mass_g: Authority[Gram]
    destination: Authority[Text]


class Residue(Part, frozen=True, kw_only=True):
    """What is left, and who handles it."""

    waste_code: Authority[Short]
    mass_g: Authority[Gram]
    handler: Authority[Text]


class Recovery(Part, frozen=True, kw_only=True):
    """How much of a metal was recovered."""

    metal: Authority[Literal["cobalt", "copper", "lead", "lithium", "nickel"]]
    recovered_permille: Authority[Permille]


class Recycle(Event, tag="recycle", frozen=True, kw_only=True):
    """The battery entered recycling, was taken apart, or is recycled.

    Only the stage ``final`` ends its life, and it needs the certificate of destruction.
    """

    lot_id: Public[Text]
    stage: Public[Literal["intake", "pre-treatment", "final"]]
    process: Public[Text]
    permit_no: Public[Text]
    country: Public[Country]
    facility_id: Public[Text]
    units: Public[Annotated[tuple[BatteryUri, ...], Some]] = ()
    received_on: Public[Date | None] = None
    completed_on: Conditional[Public[Date | None]] = None
    inputs_count: Conditional[Public[Annotated[int, Meta(ge=1, le=10**6)] | None]] = None
    inputs_root: Conditional[Public[Digest | None]] = None
    mass_g: Parties[Gram | None] = None
    outputs: Conditional[Authority[Annotated[tuple[Material, ...], Some]]] = ()
    residues: Conditional[Authority[Annotated[tuple[Residue, ...], Some]]] = ()
    allocation_method: Conditional[Authority[Text | None]] = None
    efficiency_permille: Conditional[Authority[Permille | None]] = None
    recovery: Conditional[Authority[Annotated[tuple[Recovery, ...], Some]]] = ()
    destruction_certificate_no: Conditional[Public[Text | None]] = None
    destruction_certificate_sha256: Conditional[Public[Digest | None]] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        certificate = (self.destruction_certificate_no, self.destruction_certificate_sha256)
        if self.stage == "final" and None in certificate:
            raise FIELD.at("payload", "final needs the certificate of destruction and its digest")
        if (self.inputs_count is None) != (self.inputs_root is None):
            raise FIELD.at("payload.inputs_count", "it goes together with inputs_root")


class WasteEnded(Part, frozen=True, kw_only=True):
    """The evidence of Art. 73 of EU 2023/1542 that waste may be used again."""

    test_country: Interest[Country]
    test_record_sha256: Interest[Digest]
    invoice_or_contract_sha256: Interest[Digest]
    protection_sha256: Interest[Digest]


class Waste(Event, tag="waste", frozen=True, kw_only=True):
    """The battery was declared waste in a jurisdiction, or ceased to be waste there.

    What one jurisdiction calls waste another may not: ``jurisdiction`` is a country, or EU.
    """

    action: Public[Literal["declared", "ended"]]
    jurisdiction: Public[Country]
    legal_basis: Interest[Text]
    date: Interest[Date]
    holder: Interest[Text]
    responsible_operator: Conditional[Public[OperatorUri | None]] = None
    waste_code: Conditional[Interest[Short | None]] = None
    scheme: Conditional[Interest[Text | None]] = None
    movement_document: Conditional[Interest[Text | None]] = None
    ended: Conditional[Interest[WasteEnded | None]] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.action == "declared" and self.ended is not None:
            raise FIELD.at("payload.ended", "it belongs to waste that has ended")
