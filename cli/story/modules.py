"""The other story: a pack is split, two modules become a storage unit, two others are recycled.

A publisher has stated the ministry's list in the ledger. One of the recyclers is on it, the other
is not; the repurposer was, until the category was closed.
"""

from __future__ import annotations

from msgspec.structs import replace

from cli.story.cast import (
    ACTORS,
    RECYCLER,
    REPURPOSER,
    STRANGER,
    Actor,
    Check,
    Paper,
    PublicList,
    Step,
    Story,
    handover,
)
from cli.story.first_life import FIRST_LIFE
from cli.story.splitting import MODULES, SPARE, SPLIT, STORAGE_UNIT
from ledger.custody.identifiers import battery_uri
from ledger.custody.lists.schemes import WHITE_LIST

_FIRST_LIFE = tuple(
    replace(step, says={**step.says, "children": [battery_uri(code) for code in MODULES]})
    if step.name == "made"
    else step
    for step in FIRST_LIFE
)
"""The same, but that the pack's modules have codes of their own."""


def _code_of(actor: Actor) -> str:
    return actor.uri.rpartition(":")[2]


def _lists() -> tuple[PublicList, ...]:
    """The list before and after the category for second life was closed; H is on neither."""
    head = "identifier,name,category,valid_from,valid_to\n"
    recycler = f"{_code_of(RECYCLER)},{RECYCLER.name},recycling,,\n"
    repurposer = f"{_code_of(REPURPOSER)},{REPURPOSER.name},second-life,2023-12-01,"
    return (
        PublicList(
            scheme=WHITE_LIST,
            announcement="35/2023",
            effective="2023-12-01",
            table=f"{head}{recycler}{repurposer}\n",
        ),
        PublicList(
            scheme=WHITE_LIST,
            announcement="20/2026",
            effective="2026-07-30",
            table=f"{head}{recycler}{repurposer}2026-07-30\n",
        ),
    )


def _reported(by: Actor, day: str) -> dict[str, str]:
    """That it was reported to the state's platform on the same day."""
    return {
        "platform": "state traceability platform",
        "submission_no": f"{by.name[-1]}-{day}",
        "reported_at": f"{day}T19:00:00+08:00",
    }


def _recycling(name: str, by: Actor, module: str, day: str, tale: str, paper: Paper) -> Step:
    return Step(
        name=name,
        kind="recycle",
        by=by,
        battery=module,
        at=f"{day}T18:00:00+08:00",
        tale=tale,
        says={
            "facility_id": f"{by.name[-1]}-1",
            "lot_id": "LOT-78",
            "stage": "final",
            "process": "hydrometallurgical",
            "permit_no": f"{by.name[-1]}-4411",
            "completed_on": day,
            "destruction_certificate_no": f"V-{by.name[-1]}-0777",
            "destruction_certificate_sha256": paper,
            "regulatory_report": _reported(by, day),
        },
    )


REST = (
    *handover(
        "third-to-recycler",
        REPURPOSER,
        RECYCLER,
        MODULES[2],
        ("2025-07-01", "2025-07-02"),
        "The third module goes to Recycler G, who is on the list.",
        "no charge",
        regulatory_report=_reported(RECYCLER, "2025-07-02"),
    ),
    *handover(
        "spare-to-dealer",
        REPURPOSER,
        STRANGER,
        SPARE,
        ("2025-07-03", "2025-07-04"),
        "Nobody wants the spare one, but Scrap Dealer H, who is registered here, and on no list.",
        regulatory_report=_reported(STRANGER, "2025-07-04"),
    ),
    _recycling(
        "third-recycled",
        RECYCLER,
        MODULES[2],
        "2025-07-10",
        "Recycler G recycles the third module.",
        Paper("module-certificate.txt"),
    ),
    _recycling(
        "spare-recycled",
        STRANGER,
        SPARE,
        "2025-07-11",
        "Scrap Dealer H recycles the spare one. The ledger takes it: a list is no licence.",
        Paper("scrap-certificate.txt"),
    ),
)

STORY = Story(
    name="modules",
    actors=(*ACTORS, STRANGER),
    chapters=(
        ("First life: a bus", _FIRST_LIFE),
        ("Split and merged", SPLIT),
        ("The rest", REST),
    ),
    checks=(
        Check(
            title="The buyer checks the storage unit", file="storage-unit.dossier", of=STORAGE_UNIT
        ),
        Check(
            title="The module that the listed recycler took",
            file="third-module.dossier",
            of=MODULES[2],
        ),
        Check(
            title="The module that the unlisted one took",
            file="spare-module.dossier",
            of=SPARE,
        ),
        Check(
            title="Was Recycler G on the list on that day?",
            file="recycler.participation",
            of=_code_of(RECYCLER),
            day="2025-07-10",
        ),
        Check(
            title="Was Scrap Dealer H?",
            file="scrap-dealer.participation",
            of=_code_of(STRANGER),
            day="2025-07-11",
        ),
    ),
    lists=_lists(),
    profiles=("cn-2026",),
)
