"""ID rules about who issues an identifier, and what else it may be taken for."""

from __future__ import annotations

from ledger.custody.identifiers import GBT45565, code_of, parse_subject
from ledger.custody.names.issuing import claims_on, owner_of
from ledger.custody.names.labels import look_alikes
from ledger.custody.rules.registry import Case, rule
from ledger.custody.states import AliasState, BatteryState
from ledger.custody.values.fields import Present, read

_GIVING = ("manufacture", "relabel", "repurpose")
_NEW = ("sub", "alias", "output")


@rule(
    "ID-8",
    "R",
    since=2,
    basis="design: a maker code or GS1 company prefix belongs to one operator",
    text="A new identifier has its issuer's maker code or GS1 company prefix, if it is anybody's.",
    repair="Use your own code, have its owner sign, or have the registrar state that it is yours.",
    unconfirmed="whose characters a second-life code begins with: it is not judged",
    kinds=_GIVING,
    parts=_NEW,
)
def code_is_the_issuers(case: Case) -> str | None:
    owner = _owner(case)
    if owner in (None, case.issuer) or _is_onboarded(case):
        return None
    return f"{code_of(case.uri)} is a code of {owner}"


@rule(
    "ID-8",
    "F",
    since=2,
    basis="design: whose code it is, is known from the registrar",
    text="The maker code or GS1 company prefix of a new identifier is registered; a unit is "
    "onboarded by whoever issued its code.",
    repair="Have the registrar state it: `cellbook operator change URI --maker-code CODE`.",
    kinds=_GIVING,
    parts=_NEW,
)
def code_is_registered(case: Case) -> str | None:
    if not _is_new(case) or not claims_on(case.uri):
        return None
    owner = _owner(case)
    if owner is None:
        return f"nobody has registered the maker code or company prefix of {code_of(case.uri)}"
    if owner != case.issuer and _is_onboarded(case):
        return f"{code_of(case.uri)} is a code of {owner}, who did not onboard it"
    return None


@rule(
    "ID-8",
    "R",
    since=4,
    basis="design: a maker code or GS1 company prefix belongs to one operator",
    text="A part that its whole's maker names first has that maker's code or prefix, if it is "
    "anybody's: what another has made comes into the log by that one's word.",
    repair="Let its maker register the part and hand it over; then name it as a child.",
    kinds=("manufacture",),
    parts=("child",),
)
def part_is_the_issuers(case: Case) -> str | None:
    return code_is_the_issuers(case)


@rule(
    "ID-8",
    "F",
    since=4,
    basis="design: whose code it is, is known from the registrar",
    text="The maker code or company prefix of a part that its whole's maker names first is "
    "registered; a part is onboarded by whoever issued its code.",
    repair="Have the registrar state it: `cellbook operator change URI --maker-code CODE`.",
    kinds=("manufacture",),
    parts=("child",),
)
def part_has_a_registered_code(case: Case) -> str | None:
    return code_is_registered(case)


@rule(
    "ID-4",
    "F",
    since=2,
    basis="design: O and 0, I and 1 are mistaken for one another",
    text="No new code differs from a registered one by the letters O and I alone, read as digits.",
    repair="Compare the code with the label; correct the entry if a letter was typed for a digit.",
    kinds=_GIVING,
    parts=_NEW,
)
def is_not_taken_for_another(case: Case) -> str | None:
    for uri in look_alikes(case.uri) if _is_new(case) else ():
        if isinstance(case.states.get(uri), BatteryState | AliasState):
            return f"{code_of(case.uri)} is easily read as {code_of(uri)}, which is registered"
    return None


@rule(
    "ID-1",
    "F",
    since=2,
    basis="GB/T 45565-2025",
    text="The syntax of a new identifier's scheme is known, so that it was validated.",
    repair="Compare the code with the label; state the GB/T 34014 code or GS1 identifier as well.",
    unconfirmed="the syntax of GB/T 45565-2025: its codes are recognised by their outline only",
    kinds=_GIVING,
    parts=(*_NEW, "child"),
)
def code_was_validated(case: Case) -> str | None:
    if not _is_new(case) or f":{GBT45565}:" not in case.uri:
        return None
    if parse_subject(case.uri).validated:
        return None
    return f"{code_of(case.uri)} has the outline of a GB/T 45565 code; it was not validated"


def _is_new(case: Case) -> bool:
    """Whether the event gives this name: the sub of a relabelling or repurposing has one."""
    return case.before is None and (case.part != "sub" or case.kind == "manufacture")


def _owner(case: Case) -> str | None:
    """Who has the code; the issuer, where one of the lengths of a prefix is his."""
    if not _is_new(case):
        return None
    owners = [owner_of(name, case.states) for name in claims_on(case.uri)]
    known = [owner for owner in owners if owner is not None]
    return case.issuer if case.issuer in known else next(iter(known), None)


def _is_onboarded(case: Case) -> bool:
    """A unit from before the ledger has its maker's code, whoever enters it."""
    return isinstance(read(case.event, "onboarding"), Present)
