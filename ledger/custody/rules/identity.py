"""ID rules: a code is well formed, and stands for one battery for ever."""

from __future__ import annotations

from keys.errors import CellbookError
from ledger.custody.identifiers import parse_subject
from ledger.custody.rules.registry import Case, rule
from ledger.custody.states import AliasState


@rule(
    "ID-1",
    "R",
    basis="GB/T 34014-2017, GS1 General Specifications",
    text="A battery's code has the syntax of its scheme, and a real date or check digit.",
    repair="Check the code against the label: look for a lost or doubled character.",
    parts=("sub", "alias", "child", "input", "output", "remainder", "unit"),
)
def code_is_well_formed(case: Case) -> str | None:
    if case.before is not None:
        return None
    try:
        parse_subject(case.uri)
    except CellbookError as error:
        if not error.code.startswith(("malformed.code.", "malformed.gs1.", "rejected.gs1.")):
            raise  # another spelling, or a scheme that this version cannot judge
        return f"{case.uri}: {error.describe()}"
    return None


@rule(
    "ID-4",
    "R",
    basis="GB/T 34014-2017",
    text="One code has one manufacture record, and stands for one battery.",
    repair="Look the code up: `cellbook dossier` shows the record that exists.",
    kinds=("manufacture", "repurpose", "relabel"),
    parts=("sub", "alias", "output"),
)
def code_is_new(case: Case) -> str | None:
    if case.before is None or (case.kind != "manufacture" and case.part == "sub"):
        return None
    if isinstance(case.before, AliasState):
        return f"{case.uri} is another name of {case.before.of}"
    if case.kind == "manufacture" and case.battery is not None and case.battery.unmade is not None:
        return None  # what stood under the code was taken back
    return f"{case.uri} is registered already"
