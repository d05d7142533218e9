"""What is true of every unit of one model version, said once."""

from typing import Annotated, Literal

from msgspec import Meta

from ledger.custody.events.base import Event, Part
from ledger.custody.events.scalars import (
    Authority,
    Category,
    Conditional,
    Cycles,
    Digest,
    Gram,
    Interest,
    Mah,
    Microohm,
    Milli,
    Mv,
    Permille,
    Public,
    Short,
    Some,
    Text,
    Watt,
    Wh,
)
from ledger.custody.identifiers import model_uri
from ledger.custody.payload import FIELD


class Component(Part, frozen=True, kw_only=True):
    """A substance of the composition, and its share of the mass."""

    part: Interest[Text]
    substance: Interest[Text]
    share_permille: Interest[Permille]


class Declared(Part, frozen=True, kw_only=True):
    """A declaration that the law asks for: made, or pending; never silently missing."""

    status: Public[Literal["pending", "declared"]]
    sha256: Conditional[Public[Digest | None]] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.status == "declared") != (self.sha256 is not None):
            raise FIELD.at("payload.sha256", "stated for what is declared, and only then")


class Model(Event, tag="model", frozen=True, kw_only=True):
    """What is true of every unit of one model version. Units refer to it; it never changes.

    A change is a new ``model_version``. The statement's subject is :attr:`uri`.
    """

    model_id: Public[Short]
    model_version: Public[Short]
    battery_category: Public[Category]
    chemistry: Public[Text]
    substances: Public[Annotated[tuple[Text, ...], Some]] = ()
    rated_capacity_mah: Public[Mah]
    rated_energy_wh: Public[Wh | None] = None
    mass_g: Public[Gram | None] = None
    min_voltage_mv: Public[Mv]
    nominal_voltage_mv: Public[Mv]
    max_voltage_mv: Public[Mv]
    power_w: Public[Watt | None] = None
    initial_resistance_uohm: Public[Microohm | None] = None
    expected_cycles: Public[Cycles | None] = None
    c_rate_milli: Public[Milli | None] = None
    roundtrip_permille: Public[Permille | None] = None
    conformity_sha256: Public[Digest | None] = None
    composition: Interest[Annotated[tuple[Component, ...], Some]] = ()
    part_numbers: Interest[Annotated[tuple[Text, ...], Some]] = ()
    dismantling_sha256: Interest[Digest | None] = None
    safety_sha256: Interest[Digest | None] = None
    test_reports_sha256: Authority[
        Annotated[tuple[Digest, ...], Meta(min_length=1, max_length=64)]
    ] = ()
    carbon_footprint: Public[Declared]
    due_diligence: Public[Declared]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.min_voltage_mv <= self.nominal_voltage_mv <= self.max_voltage_mv:
            raise FIELD.at("payload.nominal_voltage_mv", "not between least and greatest voltage")
        self.uri  # noqa: B018 - refuses names that no URI can carry

    @property
    def uri(self) -> str:
        """``urn:cellbook:model:<model id>:<version>``, the subject of this statement."""
        return model_uri(self.model_id, self.model_version)
