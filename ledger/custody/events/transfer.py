"""Hand-over: released by the giver and withdrawn again, accepted or refused by the receiver, or
taken in unreleased."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from keys.cose_key import from_cbor
from ledger.custody.events.base import Event, Part
from ledger.custody.events.scalars import (
    Authority,
    BatteryUri,
    Conditional,
    Country,
    Digest,
    EntryId,
    Gram,
    Interest,
    LongText,
    Moment,
    Parties,
    PartyUri,
    Public,
    PublicKey,
    Short,
    Some,
    Text,
    TransportCondition,
)
from ledger.custody.names.parties import guest_uri, is_guest
from ledger.custody.payload import FIELD

Move = Literal["possession", "ownership", "responsibility"]
Moves = Annotated[tuple[Move, ...], Meta(min_length=1, max_length=3)]


class SalePapers(Part, frozen=True, kw_only=True):
    """Invoice and contract of a sale, by number and digest."""

    invoice_no: Parties[Text | None] = None
    invoice_sha256: Parties[Digest | None] = None
    contract_no: Parties[Text | None] = None
    contract_sha256: Parties[Digest | None] = None
    incoterm: Parties[Short | None] = None


class Carriage(Part, frozen=True, kw_only=True):
    """How the goods are declared for transport."""

    un_number: Interest[Short]
    transport_condition: Interest[TransportCondition]
    packing_instruction: Interest[Short]


class UsedAcrossBorder(Part, frozen=True, kw_only=True):
    """What Annex XIV of EU 2023/1542 asks for a used battery that is shipped as not waste."""

    destination: Interest[Country]
    not_waste_declaration_sha256: Interest[Digest | None] = None
    test_record_ref: Interest[EntryId | None] = None
    direct_reuse_statement_sha256: Interest[Digest | None] = None
    protection_sha256: Interest[Digest | None] = None


class Customs(Part, frozen=True, kw_only=True):
    """The customs declaration of a shipment."""

    hs_code: Authority[Short]
    mrn: Authority[Short | None] = None
    gross_mass_g: Authority[Gram]
    count: Authority[Annotated[int, Meta(ge=1, le=10**6)]]
    importer: Authority[Text]
    epr_no: Authority[Text | None] = None


class Release(Event, tag="release", frozen=True, kw_only=True):
    """The giver lets go of what ``moves`` lists; it moves when the receiver has accepted.

    In the payload ``giver`` is ``from`` and ``receiver`` is ``to``. ``units`` lists further
    batteries of the same transfer. A buyer without registration is named by a key of its own,
    ``guest_key``: with it the guest accepts or refuses this release, and takes no responsibility.
    """

    transfer_id: Public[Text]
    units: Public[Annotated[tuple[BatteryUri, ...], Some]] = ()
    shipment_id: Conditional[Public[Text | None]] = None
    moves: Public[Moves]
    giver: Public[PartyUri] = msgspec.field(name="from")
    receiver: Public[PartyUri] = msgspec.field(name="to")
    guest_key: Conditional[Public[PublicKey | None]] = None
    released_at: Interest[Moment | None] = None
    papers: Conditional[Parties[SalePapers | None]] = None
    carriage: Conditional[Interest[Carriage | None]] = None
    across_border: Conditional[Interest[UsedAcrossBorder | None]] = None
    customs: Conditional[Authority[Customs | None]] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.moves)) != len(self.moves):
            raise FIELD.at("payload.moves", "a thing moves twice")
        if is_guest(self.receiver) != (self.guest_key is not None):
            raise FIELD.at("payload.guest_key", "stated for a guest in `to`, and only then")
        if self.guest_key is not None:
            self._check_guest(self.guest_key)

    def _check_guest(self, key: bytes) -> None:
        name = guest_uri(from_cbor(key).kid)
        if self.receiver != name:
            raise FIELD.at("payload.to", f"the guest with this key is {name}")
        if "responsibility" in self.moves:
            raise FIELD.at("payload.moves", "responsibility needs a registered operator")


class Withdrawal(Event, tag="withdrawal", frozen=True, kw_only=True):
    """The giver takes back a release, for all its units that nobody has accepted or refused."""

    transfer_id: Public[Text]
    release_ref: Public[EntryId]
    reason: Interest[LongText]


class Accept(Event, tag="accept", frozen=True, kw_only=True):
    """The receiver has it: possession, ownership or responsibility, as the release says."""

    transfer_id: Public[Text]
    release_ref: Public[EntryId]
    units: Public[Annotated[tuple[BatteryUri, ...], Some]] = ()
    accepted_at: Interest[Moment | None] = None
    condition_on_arrival: Interest[LongText | None] = None


class Refuse(Event, tag="refuse", frozen=True, kw_only=True):
    """The receiver does not take it; everything stays with the giver."""

    transfer_id: Public[Text]
    release_ref: Public[EntryId]
    units: Public[Annotated[tuple[BatteryUri, ...], Some]] = ()
    reason: Interest[LongText]
    condition_on_arrival: Interest[LongText | None] = None


class Intake(Event, tag="intake", frozen=True, kw_only=True):
    """Possession was taken with no release: whoever handed it over has no key here.

    It is recorded as a finding, and the recorded possessor may dispute it.
    """

    transfer_id: Public[Text]
    units: Public[Annotated[tuple[BatteryUri, ...], Some]] = ()
    reason: Interest[LongText]
    handed_over_by: Parties[Text | None] = None
    delivery_note_sha256: Interest[Digest]
    condition_on_arrival: Interest[LongText | None] = None
