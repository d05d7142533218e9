"""Events with as few fields as each kind needs, for tests that are not about fields."""

from __future__ import annotations

from typing import Any

from ledger.custody.events import (
    EVENTS,
    Event,
    Identifier,
)
from ledger.custody.events.afterlife import RepurposeInput, RepurposeOutput
from ledger.custody.events.life import BmsAccess, ReplacedPart
from ledger.custody.events.tests import Accreditation, Sale
from ledger.custody.identifiers import GS1, GS1_HOST, parse_subject

DIGEST = b"\xd1" * 32
COUNTED: dict[str, Any] = {"full_cycles": 1204, "full_cycles_source": "bms"}
HEALTH: dict[str, Any] = {"soh_permille": 821, "soh_basis": "capacity"}

FIELDS: dict[str, dict[str, Any]] = {
    "manufacture": {
        "facility_id": "F-1",
        "level": "pack",
        "model_ref": "urn:cellbook:model:LF280K-48:3",
        "batch_id": "B-1",
        "made_on": "2026-01-05",
        "chemistry": "LFP",
        "rated_capacity_mah": 280_000,
        "rated_energy_wh": 14_336,
        "nominal_voltage_mv": 51_200,
        "mass_g": 102_500,
    },
    "install": {
        "installed_on": "2026-02-01",
        "first_installation": True,
        "host_kind": "vehicle",
        "application": "bus",
    },
    "decommission": {
        "removed_on": "2026-03-01",
        "reason": "range below need",
        "host_kind": "vehicle",
        "bms_access": BmsAccess(result="ok"),
        "soc_permille": 300,
        "visual_damage": "none",
        "transport_condition": "normal",
        **COUNTED,
        **HEALTH,
    },
    "assessment": {
        "facility_id": "LAB-7",
        "scope": "unit",
        "purpose": "repurposing",
        "scheme": "UL 1974",
        "edition": "2018",
        "lab": "Battery Laboratory 7",
        "test_country": "CN",
        "accreditation": Accreditation(
            body="CNAS", number="L0001", scope="cells", valid_to="2030-01-31"
        ),
        "ambient_temp_dc": 251,
        "c_rate_milli": 333,
        "rest_minutes": 60,
        "ocv_mv": 52_810,
        "measured_capacity_mah": 229_900,
        "reference_capacity_mah": 280_000,
        **HEALTH,
        **COUNTED,
        "soh_method": "full discharge",
        "soh_uncertainty_permille": 8,
        "visual_check": "no swelling",
        "bms_check": "no fault codes",
        "history_source": "BMS log",
        "negative_events": (),
        "verdict": "fit",
        "intended_use": "storage",
        "limits": "0.5 C",
        "report_sha256": DIGEST,
        "seller": Sale(related=False),
    },
    "repurpose": {
        "facility_id": "REP-2",
        "operation": "repurposing",
        "new_application": "home storage",
        "market": "CN",
        "bms_action": "replaced",
    },
    "recycle": {
        "facility_id": "RC-1",
        "lot_id": "LOT-88",
        "stage": "final",
        "process": "hydrometallurgical",
        "permit_no": "P-12",
        "completed_on": "2026-04-01",
        "destruction_certificate_no": "D-1",
        "destruction_certificate_sha256": DIGEST,
    },
    "release": {"transfer_id": "T-1", "moves": ("possession", "ownership")},
    "accept": {"transfer_id": "T-1"},
    "refuse": {"transfer_id": "T-1", "reason": "swollen"},
    "withdrawal": {"transfer_id": "T-1", "reason": "called off"},
    "intake": {"transfer_id": "T-2", "reason": "no key", "delivery_note_sha256": DIGEST},
    "waste": {
        "action": "declared",
        "jurisdiction": "EU",
        "legal_basis": "Art. 3",
        "date": "2026-03-05",
        "holder": "dismantler 4",
    },
    "reading": {"protocol": "SunSpec 802"},
    "repair": {
        "repaired_on": "2026-02-03",
        "reason": "contactor",
        "parts_replaced": (ReplacedPart(part="contactor"),),
        "bms_action": "reset",
    },
    "relabel": {"old_label": "unreadable", "reason": "worn"},
    "incident": {
        "kind": "crash",
        "severity": "major",
    },
    "correction": {"kind": "replace", "reason": "wrong date", "replacement": DIGEST},
    "dispute": {"reason": "never accepted", "claim": "the pack is here"},
    "resolution": {"outcome": "upheld", "reason": "papers"},
}

TIMES = {
    "incident": ("happened_at", "discovered_at"),
    "reading": ("read_at",),
}
DAYS = {"assessment": ("tested_from", "tested_to")}


def make_event(kind: str, subject: str, occurred_at: str, /, **fields: Any) -> Event:
    """An event of ``kind``: what ``fields`` do not state is filled in.

    ``outputs`` and ``inputs`` of a repurposing and ``ids`` of a manufacture may be URIs.
    """
    values: dict[str, Any] = {
        "occurred_at": occurred_at,
        "time_precision": "second",
        "country": "CN",
        **FIELDS[kind],
        **dict.fromkeys(TIMES.get(kind, ()), occurred_at),
        **dict.fromkeys(DAYS.get(kind, ()), occurred_at[:10]),
        **fields,
    }
    if kind == "manufacture":
        uris = values.pop("uris", (subject,))
        values.setdefault("ids", tuple(_identifier(uri) for uri in uris))
    if kind == "repurpose":
        values["outputs"] = tuple(_output(uri) for uri in values["outputs"])
    return EVENTS[kind, 1](**values)


def repurpose_input(uri: str, assessment_ref: bytes) -> RepurposeInput:
    """An input of a repurposing."""
    return RepurposeInput(id=uri, assessment_ref=assessment_ref)


def _identifier(uri: str) -> Identifier:
    if uri.startswith(GS1_HOST):
        return Identifier(scheme=GS1, value=uri)
    scheme, _, value = uri.removeprefix("urn:cellbook:").partition(":")
    return Identifier(scheme=scheme, value=value)


def _output(uri: str | RepurposeOutput) -> RepurposeOutput:
    if isinstance(uri, RepurposeOutput):
        return uri
    return RepurposeOutput(
        id=uri,
        level=parse_subject(uri).level or "pack",
        category_after="industrial",
        model_ref="urn:cellbook:model:HOME-10:1",
        rated_capacity_mah=220_000,
        rated_energy_wh=11_264,
        nominal_voltage_mv=51_200,
        mass_g=98_000,
    )
