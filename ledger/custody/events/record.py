"""What happened to a battery by mischance, and what is said about entries."""

from typing import Annotated, Literal

from ledger.custody.events.base import Event, Part
from ledger.custody.events.scalars import (
    Authority,
    BatteryUri,
    Conditional,
    Digest,
    EntryId,
    Interest,
    LongText,
    Moment,
    OperatorUri,
    Public,
    Some,
    Text,
    TransportCondition,
)
from ledger.custody.payload import FIELD


class Recall(Part, frozen=True, kw_only=True):
    """A recall campaign."""

    campaign: Public[Text]
    issuer: Public[Text]
    remedy: Public[LongText]


class Recovered(Part, frozen=True, kw_only=True):
    """How a missing unit was known again."""

    identity_check: Interest[LongText]
    assessment_ref: Public[EntryId | None] = None


class Incident(Event, tag="incident", frozen=True, kw_only=True):
    """Fire, crash, flood, recall, theft, loss, or the recovery of what was missing.

    Damage and recall put the unit into quarantine until a new assessment. Of a part ``units`` names
    also the unit that it is inside of, and so on outwards: these are in quarantine with it.
    """

    kind: Public[Literal["fire", "crash", "flood", "recall", "theft", "loss", "recovery", "other"]]
    happened_at: Public[Moment]
    discovered_at: Public[Moment]
    severity: Public[Literal["minor", "major", "critical"]]
    units: Public[Annotated[tuple[BatteryUri, ...], Some]] = ()
    description: Interest[LongText | None] = None
    quarantine_place: Conditional[Interest[Text | None]] = None
    transport_condition: Conditional[Interest[TransportCondition | None]] = None
    codes: Conditional[Interest[Annotated[tuple[Text, ...], Some]]] = ()
    photos_sha256: Conditional[Interest[Annotated[tuple[Digest, ...], Some]]] = ()
    report_sha256: Conditional[Interest[Digest | None]] = None
    recall: Conditional[Public[Recall | None]] = None
    authority_file_no: Conditional[Authority[Text | None]] = None
    recovered: Conditional[Public[Recovered | None]] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.kind == "recall") != (self.recall is not None):
            raise FIELD.at("payload.recall", "stated for a recall, and only then")
        if (self.kind == "recovery") != (self.recovered is not None):
            raise FIELD.at("payload.recovered", "stated for a recovery, and only then")


class Correction(Event, tag="correction", frozen=True, kw_only=True):
    """An entry is wrong: another replaces it, or what it says did not happen.

    Nothing is deleted. ``replacement`` is the entry that holds instead.
    """

    entry_ref: Public[EntryId]
    kind: Public[Literal["replace", "did-not-happen"]]
    reason: Public[LongText]
    replacement: Conditional[Public[EntryId | None]] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kind == "did-not-happen" and self.replacement is not None:
            raise FIELD.at("payload.replacement", "what did not happen has no replacement")


class Dispute(Event, tag="dispute", frozen=True, kw_only=True):
    """A party or an authority contests an entry. Both claims stay in the record."""

    entry_ref: Public[EntryId]
    reason: Public[LongText]
    claim: Public[LongText]


class Resolution(Event, tag="resolution", frozen=True, kw_only=True):
    """A dispute was settled, by whom and how. ``entry_ref`` names the entry that was disputed."""

    entry_ref: Public[EntryId]
    dispute_ref: Public[EntryId | None] = None
    arbiter: Public[OperatorUri]
    outcome: Public[Literal["upheld", "rejected", "settled", "withdrawn"]]
    reason: Public[LongText]
