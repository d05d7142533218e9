"""What every event carries, and the check of what msgspec's bounds cannot express."""

from collections.abc import Callable
from typing import Annotated, Literal, get_args, get_type_hints

import msgspec

from ledger.custody.events.scalars import (
    Authority,
    Conditional,
    Country,
    Date,
    Digest,
    EntryId,
    Form,
    Interest,
    Moment,
    OperatorUri,
    Parties,
    Public,
    Short,
    Some,
    Text,
    check_text,
)
from ledger.custody.identifiers import identifier_uri
from ledger.custody.payload import FIELD, Payload


class Part(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A map inside an event."""

    def __post_init__(self) -> None:
        check_forms(self)


class Evidence(Part, frozen=True, kw_only=True):
    """A document by its digest. The file itself stays with who has it."""

    kind: Public[Text]
    sha256: Public[Digest]
    doc_no: Parties[Text | None] = None
    doc_date: Parties[Date | None] = None
    media_type: Public[Text | None] = None
    size: Public[Annotated[int, msgspec.Meta(ge=0, lt=2**53)] | None] = None


class RegulatoryReport(Part, frozen=True, kw_only=True):
    """That something was reported to an authority's platform, and when."""

    platform: Authority[Text]
    submission_no: Authority[Text]
    reported_at: Authority[Moment]
    receipt_sha256: Authority[Digest | None] = None


class Event(Payload, tag_field="type", frozen=True, kw_only=True):
    """What every event says: when, where, on whose behalf, with which evidence.

    The battery (``sub``) and the issuer (``iss``) stand in the CWT claims, not here.
    ``occurred_at`` is the issuer's claim, as precise as ``time_precision`` says. With ``corrects``
    the event states anew what an earlier entry says: nothing happens by it, until a correction
    names it as what counts in the place of that entry.
    """

    version: Public[Literal[1]] = 1
    occurred_at: Public[Moment]
    time_precision: Public[Literal["second", "minute", "hour", "day", "month"]]
    country: Interest[Country]
    facility_id: Conditional[Interest[Text | None]] = None
    source_ref: Parties[Text | None] = None
    corrects: Conditional[Public[EntryId | None]] = None
    mandate: Conditional[Public[EntryId | None]] = None
    on_behalf_of: Conditional[Public[OperatorUri | None]] = None
    evidence: Public[Annotated[tuple[Evidence, ...], Some]] = ()
    regulatory_report: Conditional[Authority[RegulatoryReport | None]] = None

    def __post_init__(self) -> None:
        check_forms(self)
        if (self.mandate is None) != (self.on_behalf_of is None):
            raise FIELD.at("payload.mandate", "it goes together with on_behalf_of")


class Identifier(Part, frozen=True, kw_only=True):
    """One of a battery's identifiers, as printed on it. Rule ID-1 judges the code."""

    scheme: Public[Short]
    value: Public[Annotated[str, msgspec.Meta(min_length=1, max_length=128)]]

    @property
    def uri(self) -> str:
        """The subject that this identifier stands for; not checked to be canonical."""
        return identifier_uri(self.scheme, self.value)


_Check = Callable[[str, str], object]
_PLANS: dict[type, tuple[tuple[str, bool, _Check], ...]] = {}


def check_forms(value: msgspec.Struct) -> None:
    """Check every text of ``value`` against its form; parts inside were checked when made.

    Raises ``malformed.time``, ``malformed.date``, ``malformed.payload.*`` or what the form of a
    URI raises.
    """
    kind = type(value)
    plan = _PLANS.get(kind)
    if plan is None:
        plan = _PLANS[kind] = tuple(_plan(kind))
    for name, many, check in plan:
        content = getattr(value, name)
        if many:
            for item in content or ():
                check(item, name)
        elif content is not None:
            check(content, name)


def _plan(kind: type) -> list[tuple[str, bool, _Check]]:
    """Which fields of ``kind`` hold text, whether a list of it, and what checks it."""
    plan = []
    for name, hint in get_type_hints(kind, include_extras=True).items():
        if name not in kind.__struct_fields__:  # type: ignore[attr-defined]
            continue
        types, forms = unfolded(hint)
        many = tuple in types
        if str in types:
            check = next((form.check for form in forms if isinstance(form, Form)), check_text)
            plan.append((name, many, check))
    return plan


def unfolded(hint: object) -> tuple[set[object], list[object]]:
    """The plain types in a type hint, with ``tuple`` for a list, and all its annotations."""
    marks = list(getattr(hint, "__metadata__", ()))
    inner = getattr(hint, "__origin__", None)
    if inner is Literal:
        return set(), marks
    types: set[object] = {tuple} if inner is tuple else set()
    children = [inner] if marks else [arg for arg in get_args(hint) if arg is not Ellipsis]
    if not children:
        return {hint}, marks
    for child in children:
        more_types, more_marks = unfolded(child)
        types |= more_types
        marks += more_marks
    return types, marks
