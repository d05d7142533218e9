"""What belongs into a dossier: pure functions that who writes one and who checks one share.

A battery's history rests on other histories: on those of the batteries that it was made from, and
of the units that it was built of. All of these are *carried*.
"""

from __future__ import annotations

from collections.abc import Iterable

from ledger.custody.decision import Content
from ledger.custody.events import (
    Accept,
    Correction,
    Decommission,
    Dispute,
    Event,
    Install,
    Manufacture,
    Refuse,
    Repurpose,
    Resolution,
)


def origins(content: Content, carried: Iterable[str]) -> tuple[str, ...]:
    """The batteries on whose histories those of ``carried`` rest, as far as ``content`` says."""
    if isinstance(content, Repurpose):
        if any(output.id in carried for output in content.outputs):
            return tuple(item.id for item in content.inputs)
    elif isinstance(content, Manufacture) and content.ids[0].uri in carried:
        return content.children
    return ()


def carried_by(subject: str, contents: Iterable[Content]) -> frozenset[str]:
    """All batteries whose histories the dossier of ``subject`` carries.

    ``contents`` are those of its entries in ascending index. One pass from the end suffices: what
    a battery was made from was in the log before it.
    """
    carried = {subject}
    for content in reversed(list(contents)):
        carried.update(origins(content, carried))
    return frozenset(carried)


def models_of(content: Content, carried: Iterable[str]) -> tuple[str, ...]:
    """The models to which ``content`` refers for batteries that are carried."""
    found: list[str | None] = []
    if isinstance(content, Manufacture) and content.ids[0].uri in carried:
        found.append(content.model_ref)
    elif isinstance(content, Repurpose):
        found += [output.model_ref for output in content.outputs if output.id in carried]
    return tuple(uri for uri in found if uri is not None)


def rests_on(content: Content, sub: str, carried: Iterable[str]) -> tuple[bytes, ...]:
    """The entry ids that ``content`` names about batteries that are carried."""
    if isinstance(content, Repurpose):
        return tuple(item.assessment_ref for item in content.inputs if item.id in carried)
    named: list[bytes | None] = []
    if isinstance(content, Correction | Dispute | Resolution):
        named.append(content.entry_ref)
    elif isinstance(content, Event) and sub in carried:
        if isinstance(content, Decommission):
            named.append(content.install_ref)
        elif isinstance(content, Accept | Refuse):
            named.append(content.release_ref)
        elif isinstance(content, Install):
            named.append(content.assessment_ref)
    return tuple(entry_id for entry_id in named if entry_id is not None)
