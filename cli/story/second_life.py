"""The turn and the second life: refused, tested, made new, flooded, recycled."""

from __future__ import annotations

from cli.story.cast import (
    LAB,
    PACK,
    RECYCLER,
    REPURPOSER,
    SECOND_LIFE,
    STORAGE,
    Paper,
    Ref,
    Step,
    handover,
)
from ledger.custody.identifiers import battery_uri

_OUTPUT = {
    "id": battery_uri(SECOND_LIFE),
    "level": "pack",
    "category_after": "industrial",
    "rated_capacity_mah": "165 Ah",
    "rated_energy_wh": "63.36 kWh",
    "nominal_voltage_mv": "384 V",
    "mass_g": "612 kg",
}


def _repurposing(name: str, at: str, assessment: str, tale: str, refused: str | None) -> Step:
    return Step(
        name=name,
        kind="repurpose",
        by=REPURPOSER,
        battery=PACK,
        at=at,
        tale=tale,
        refused=refused,
        says={
            "facility_id": "E-HUIZHOU-1",
            "operation": "repurposing",
            "inputs": [{"id": battery_uri(PACK), "assessment_ref": Ref(assessment)}],
            "outputs": [_OUTPUT],
            "new_application": "stationary storage",
            "market": "CN",
            "responsible_operator": REPURPOSER.uri,
            "bms_action": "replaced",
            "counters_before": {"full_cycles": 212},
        },
    )


def tested(name: str, battery: str, day: str, tale: str, **found: object) -> Step:
    """Laboratory D's test of one unit, which ended on ``day``; ``found`` is what differs from that
    of the pack."""
    return Step(
        name=name,
        kind="assessment",
        by=LAB,
        battery=battery,
        at=f"{day}T17:00:00+08:00",
        tale=tale,
        says={
            "facility_id": "D-1",
            "scope": "unit",
            "purpose": "repurposing",
            "scheme": "UL 1974",
            "edition": "2018",
            "lab": LAB.name,
            "test_country": "CN",
            "accreditation": {
                "body": "CNAS",
                "number": "L0000",
                "scope": "traction batteries",
                "valid_to": "2028-12-31",
            },
            "tested_from": day,
            "tested_to": day,
            "ambient_temp_dc": "25.1 °C",
            "c_rate_milli": "0.333 C",
            "rest_minutes": "1 h",
            "ocv_mv": "391.2 V",
            "measured_capacity_mah": "170.28 Ah",
            "reference_capacity_mah": "180 Ah",
            "soh_permille": "94.6 %",
            "soh_basis": "capacity",
            "soh_method": "full discharge",
            "soh_uncertainty_permille": "1.5 %",
            "visual_check": "no swelling",
            "bms_check": "no fault codes",
            "history_source": "BMS log",
            "negative_events": [],
            "full_cycles": 212,
            "full_cycles_source": "bms",
            "verdict": "fit",
            "intended_use": "stationary storage",
            "limits": "0.5 C",
            "report_sha256": Paper("test-report.txt"),
            "seller": {"related": False},
            **found,
        },
    )


TURN = (
    _repurposing(
        "too-early",
        "2025-04-24T09:00:00+08:00",
        "removed",
        "E is in a hurry and would repurpose it untested, naming the removal as its assessment.",
        "rejected.ORD-4",
    ),
    tested(
        "tested",
        PACK,
        "2025-05-09",
        "Laboratory D measures what is left: 94.6 % of the rated capacity. Fit.",
        tested_from="2025-05-06",
    ),
    _repurposing(
        "repurposed",
        "2025-05-15T10:00:00+08:00",
        "tested",
        f"Now it may be done. The old battery ends here; a new one begins as {SECOND_LIFE}.",
        None,
    ),
)

AFTERLIFE = (
    *handover(
        "repurposer-to-storage",
        REPURPOSER,
        STORAGE,
        SECOND_LIFE,
        ("2025-05-22", "2025-05-24"),
        "Storage Park F buys it, and checks its dossier before it signs.",
    ),
    Step(
        name="installed-again",
        kind="install",
        by=STORAGE,
        battery=SECOND_LIFE,
        at="2025-06-03T13:00:00+08:00",
        tale="It goes into a container of a solar park.",
        says={
            "installed_on": "2025-06-03",
            "first_installation": True,
            "host_kind": "storage-system",
            "application": "solar storage",
        },
    ),
    Step(
        name="flooded",
        kind="incident",
        by=STORAGE,
        battery=SECOND_LIFE,
        at="2025-08-05T06:40:00+08:00",
        tale="A flood reaches the container. From here on nobody may use it again untested.",
        says={
            "kind": "flood",
            "happened_at": "2025-08-05T04:00:00+08:00",
            "discovered_at": "2025-08-05T06:30:00+08:00",
            "severity": "major",
        },
    ),
    Step(
        name="removed-again",
        kind="decommission",
        by=STORAGE,
        battery=SECOND_LIFE,
        at="2025-08-08T10:00:00+08:00",
        tale="It is taken out. This time its BMS is dead.",
        says={
            "install_ref": Ref("installed-again"),
            "removed_on": "2025-08-08",
            "reason": "flooded",
            "host_kind": "storage-system",
            "bms_access": {"result": "dead"},
            "soc_permille": "0 %",
            "visual_damage": "water in the case",
            "transport_condition": "critical",
        },
    ),
    *handover(
        "storage-to-recycler",
        STORAGE,
        RECYCLER,
        SECOND_LIFE,
        ("2025-08-14", "2025-08-15"),
        "No second test is worth its price: it goes to Recycler G.",
        "water in the case",
    ),
    Step(
        name="recycled",
        kind="recycle",
        by=RECYCLER,
        battery=SECOND_LIFE,
        at="2025-09-01T18:00:00+08:00",
        tale="Taken apart and dissolved. After this the ledger takes no further event of it.",
        says={
            "facility_id": "G-1",
            "lot_id": "LOT-77",
            "stage": "final",
            "process": "hydrometallurgical",
            "permit_no": "G-4411",
            "completed_on": "2025-09-01",
            "destruction_certificate_no": "V-25-0901",
            "destruction_certificate_sha256": Paper("destruction-certificate.txt"),
        },
    ),
)
