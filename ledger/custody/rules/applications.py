"""LST-3: uses that a second life is banned from."""

from __future__ import annotations

from ledger.custody.rules.registry import Case, rule
from ledger.custody.values.fields import Present, read

BANNED = ("e-bike", "ebike", "electric bicycle", "electric bike", "电动自行车")


@rule(
    "LST-3",
    "R",
    profile="cn-2026",
    jurisdiction="CN",
    law=("2026-04-01", None),
    basis="MIIT Order 73 Art. 22",
    gate="taken as allowed",
    text="In China a battery gets no second life in an electric bicycle.",
    repair="Choose another application.",
    unconfirmed="which other uses the article bans; the application is free text, so that only "
    "the usual words for electric bicycles are found",
    kinds=("install", "repurpose"),
    parts=("sub",),
)
def application_is_allowed(case: Case) -> str | None:
    battery = case.battery
    is_second = battery is not None and (
        battery.base_status != "original" or battery.physical == "removed"
    )
    if case.kind == "install" and not is_second:
        return None
    name = "application" if case.kind == "install" else "new_application"
    stated = read(case.event, name)
    if not isinstance(stated, Present):
        return None
    words = stated.value.casefold()
    found = next((word for word in BANNED if word in words), None)
    return None if found is None else f"the application is {stated.value!r:.80}"
