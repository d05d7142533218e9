"""Events: what operators say about batteries, as frozen Structs tagged by type and version.

Each Struct defines the fields of one kind of event, their bounds and who may see them. A payload
is read into exactly one Struct, and that Struct encodes to the same bytes again: what is shown is
all that was signed.
"""

from __future__ import annotations

from ledger.custody.events.afterlife import Recycle, Repurpose, Waste
from ledger.custody.events.base import Event, Evidence, Identifier, Part
from ledger.custody.events.life import Decommission, Install, Manufacture, Relabel, Repair
from ledger.custody.events.model import Model
from ledger.custody.events.record import Correction, Dispute, Incident, Resolution
from ledger.custody.events.tests import Assessment, Reading
from ledger.custody.events.transfer import Accept, Intake, Refuse, Release, Withdrawal
from ledger.custody.payload import PayloadTable, encode_payload, parse_payload

__all__ = [
    "EVENTS",
    "Accept",
    "Assessment",
    "Correction",
    "Decommission",
    "Dispute",
    "Event",
    "Evidence",
    "Identifier",
    "Incident",
    "Install",
    "Intake",
    "Manufacture",
    "Model",
    "Part",
    "Reading",
    "Recycle",
    "Refuse",
    "Relabel",
    "Release",
    "Repair",
    "Repurpose",
    "Resolution",
    "Waste",
    "Withdrawal",
    "encode_event",
    "kind_of",
    "parse_event",
]

_KINDS = (
    Manufacture, Install, Decommission, Assessment, Repurpose, Recycle, Release, Accept, Refuse,
    Intake, Waste, Reading, Repair, Relabel, Incident, Correction, Dispute, Resolution, Model,
    Withdrawal,
)  # fmt: skip

EVENTS: PayloadTable[Event] = {(str(kind.__struct_config__.tag), 1): kind for kind in _KINDS}
"""Every kind of event and version that this release reads."""


def parse_event(payload: bytes) -> Event:
    """The event in ``payload``.

    Raises ``malformed.cbor.*``, ``malformed.payload.*``, ``malformed.time``, ``malformed.date``,
    ``rejected.operator.uri``, ``unsupported.type`` or ``unsupported.version``. Checks each field
    by itself and fields that belong together; whether battery codes are genuine or even well
    formed (rule ID-1), and whether the event may happen now, is not checked.
    """
    return parse_payload(payload, EVENTS)


def encode_event(event: Event) -> bytes:
    """The deterministic payload bytes of ``event``; ``parse_event`` gives it back."""
    return encode_payload(event)


def kind_of(event: Event) -> str:
    """The tag of the event, such as ``install``."""
    return str(type(event).__struct_config__.tag)
