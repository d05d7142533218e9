"""What belongs into a dossier: pure functions that who writes one and who checks one share.

A battery's history rests on other histories: on those of the batteries that it was made from, and
of the units that it was built of. All of these are *carried*.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from ledger.custody.decision import Content
from ledger.custody.events import (
    Accept,
    Correction,
    Decommission,
    Dispute,
    Event,
    Manufacture,
    Refuse,
    Repurpose,
    Resolution,
    Withdrawal,
)
from ledger.wire.hash_envelope import HashEnvelope


def origins(content: Content, carried: Container[str]) -> tuple[str, ...]:
    """The batteries on whose histories those of ``carried`` rest, as far as ``content`` says."""
    begun, sources = _begun(content)
    return sources if any(uri in carried for uri in begun) else ()


def _begun(content: Content) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The batteries that ``content`` begins or sets free, and those out of which they come."""
    if isinstance(content, Repurpose):
        outputs = [output.id for output in content.outputs]
        outputs += [left.id for left in content.remainder if left.id is not None]
        return tuple(outputs), tuple(item.id for item in content.inputs)
    if isinstance(content, Manufacture):
        return (content.ids[0].uri,), content.children
    return (), ()


def carried_by(subject: str, contents: Iterable[Content]) -> frozenset[str]:
    """All batteries whose histories the dossier of ``subject`` carries, by its entries' contents.

    Log order is no help: a pack is opened with another one after its modules were put into it, so
    a module leads to the other pack. Every content is followed once, whatever a hostile file says.
    """
    by_begun: dict[str, list[int]] = {}
    sources = []
    for place, content in enumerate(contents):
        begun, out_of = _begun(content)
        sources.append(out_of)
        for uri in begun:
            by_begun.setdefault(uri, []).append(place)
    carried, waiting = {subject}, [subject]
    while waiting:
        for place in by_begun.pop(waiting.pop(), ()):
            new = [uri for uri in sources[place] if uri not in carried]
            sources[place] = ()
            carried.update(new)
            waiting += new
    return frozenset(carried)


def models_of(content: Content, carried: Container[str]) -> tuple[str, ...]:
    """The models to which ``content`` refers for batteries that are carried."""
    found: list[str | None] = []
    if isinstance(content, Manufacture) and content.ids[0].uri in carried:
        found.append(content.model_ref)
    elif isinstance(content, Repurpose):
        found += [output.model_ref for output in content.outputs if output.id in carried]
    return tuple(uri for uri in found if uri is not None)


def rests_on(content: Content, sub: str, carried: Container[str]) -> tuple[bytes, ...]:
    """The entry ids that ``content`` names: its mandate, and those about carried batteries.

    The assessment that an installation names is not among them: registration compares it only
    where one is needed, so it may name anything (``History`` knows where it was needed).
    """
    mandate = content.mandate if isinstance(content, Event) else None
    return (*_about(content, sub, carried), *(() if mandate is None else (mandate,)))


def principals(content: Content) -> tuple[str, ...]:
    """The operator for whom ``content`` is signed by its delegate, if it is."""
    if isinstance(content, Event) and content.on_behalf_of is not None:
        return (content.on_behalf_of,)
    return ()


def has_log_time(content: Content) -> bool:
    """Whether the decision about ``content`` reads log time, so that its head belongs to it."""
    return isinstance(content, Event | HashEnvelope)


def _about(content: Content, sub: str, carried: Container[str]) -> tuple[bytes, ...]:
    if isinstance(content, Repurpose):
        return tuple(item.assessment_ref for item in content.inputs if item.id in carried)
    if isinstance(content, Correction | Dispute | Resolution):
        return (content.entry_ref,)
    if isinstance(content, Decommission):
        return (content.install_ref,) if sub in carried else ()
    if isinstance(content, Withdrawal):
        return (content.release_ref,)
    if isinstance(content, Accept | Refuse):
        concerned = any(uri in carried for uri in (sub, *content.units))
        return (content.release_ref,) if concerned else ()
    return ()
