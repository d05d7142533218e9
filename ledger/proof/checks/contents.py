"""What belongs into a dossier: pure functions that who writes one and who checks one share.

Whose histories are *carried* the module of that name tells.
"""

from __future__ import annotations

from collections.abc import Container

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
from ledger.custody.governance.mandates import MandateGiven
from ledger.custody.governance.statements import ListSnapshot
from ledger.wire.hash_envelope import HashEnvelope


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
    """Whether what ``content`` says depends on its log time, so that its head belongs to it."""
    return isinstance(content, Event | HashEnvelope | ListSnapshot | MandateGiven)


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
