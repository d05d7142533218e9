"""A pack is opened: one module is sold as a spare, two become a storage unit, one is unfit."""

from __future__ import annotations

from cli.story.cast import PACK, REPURPOSER, STORAGE, Ref, Step, handover
from cli.story.second_life import tested
from ledger.custody.identifiers import battery_uri

MODULES = tuple(f"4A6MCPM27KLPCLE74294632{n}" for n in (1, 2, 3, 4))
SPARE = "4A6MCPMF5F2946324RM"
"""What the fourth module becomes."""
STORAGE_UNIT = "4A6PCPMF6H2946330RP"

_MODULE = {
    "level": "module",
    "category_after": "industrial",
    "rated_capacity_mah": "165 Ah",
    "rated_energy_wh": "15.84 kWh",
    "nominal_voltage_mv": "96 V",
    "mass_g": "148 kg",
}
_UNIT = {
    "level": "pack",
    "category_after": "industrial",
    "rated_capacity_mah": "160 Ah",
    "rated_energy_wh": "30.72 kWh",
    "nominal_voltage_mv": "192 V",
    "mass_g": "311 kg",
}


def _repurposing(
    name: str, at: str, tale: str, inputs: dict[str, str], refused: str | None, **made: object
) -> Step:
    """E makes something of ``inputs``, which name their assessments by step."""
    return Step(
        name=name,
        kind="repurpose",
        by=REPURPOSER,
        battery=next(iter(inputs)),
        at=at,
        tale=tale,
        refused=refused,
        says={
            "facility_id": "E-HUIZHOU-1",
            "operation": "repurposing",
            "inputs": [
                {"id": battery_uri(code), "assessment_ref": Ref(step)}
                for code, step in inputs.items()
            ],
            "new_application": "stationary storage",
            "market": "CN",
            "responsible_operator": REPURPOSER.uri,
            "bms_action": "replaced",
            "counters_before": {"full_cycles": 212},
            **made,
        },
    )


def _merging(name: str, at: str, tale: str, tests: tuple[str, str], refused: str | None) -> Step:
    return _repurposing(
        name,
        at,
        tale,
        dict(zip(MODULES[:2], tests, strict=True)),
        refused,
        outputs=[{"id": battery_uri(STORAGE_UNIT), **_UNIT}],
    )


SPLIT = (
    tested(
        "tested",
        PACK,
        "2025-05-09",
        "Laboratory D tests the pack as a whole. Fit to be taken apart.",
    ),
    _repurposing(
        "split",
        "2025-05-15T10:00:00+08:00",
        f"Repurposer E opens it. The pack ends here. One module is sold as a spare, {SPARE}; the "
        "three others are kept under their own codes.",
        {PACK: "tested"},
        None,
        outputs=[{"id": battery_uri(SPARE), **_MODULE}],
        remainder=[
            {
                "id": battery_uri(code),
                "mass_g": "148 kg",
                "reason": "kept for a storage unit",
                "destination": "E, store 2",
            }
            for code in MODULES[:3]
        ],
    ),
    _merging(
        "untested",
        "2025-05-16T10:00:00+08:00",
        "E would build a storage unit of two of them by the test of the pack.",
        ("tested", "tested"),
        "rejected.ORD-4",
    ),
    tested(
        "first-tested",
        MODULES[0],
        "2025-06-10",
        "A pack's test says nothing of its modules, so D tests each. The first one: fit.",
        measured_capacity_mah="169.2 Ah",
        soh_permille="94 %",
        ocv_mv="97.7 V",
    ),
    tested(
        "second-tested",
        MODULES[1],
        "2025-06-11",
        "The second: fit.",
        measured_capacity_mah="165.6 Ah",
        soh_permille="92 %",
        ocv_mv="97.6 V",
    ),
    tested(
        "third-tested",
        MODULES[2],
        "2025-06-12",
        "The third holds no charge overnight: unfit.",
        measured_capacity_mah="61.2 Ah",
        soh_permille="34 %",
        ocv_mv="88.1 V",
        verdict="unfit",
        limits="none",
    ),
    _merging(
        "merged",
        "2025-06-17T10:00:00+08:00",
        f"The first and the second become one storage unit, {STORAGE_UNIT}.",
        ("first-tested", "second-tested"),
        None,
    ),
    *handover(
        "unit-to-storage",
        REPURPOSER,
        STORAGE,
        STORAGE_UNIT,
        ("2025-06-24", "2025-06-26"),
        "Storage Park F buys the storage unit.",
    ),
)
