"""An operator in JSON, as the service knows it. For convenience and proven by nothing: its
registration is in the supplier file, what became of its units in their dossiers."""

from __future__ import annotations

import msgspec

from ledger.custody.governance.base import Facility
from ledger.custody.states import OperatorKey
from ledger.log.reading.suppliers import MOST_UNITS, SampledUnit, SupplierView
from ledger.wire.base64text import encode_base64url

STATED = "stated by the service"
ACTIVITY = (
    "Counts are the service's calculation from what became of the units about which the operator "
    f"signed, at most {MOST_UNITS} of them; so are the open findings (quarantined, missing, "
    "disputed), but what rules found is in dossiers only. Ten of these are drawn by the seed: "
    "SHA-256 of the operator's URI, a zero byte and the checkpoint's root. They are those with the "
    "least SHA-256 of seed and subject. Take their dossiers."
)


class KeyDocument(msgspec.Struct, frozen=True):
    """A key, valid from the entry ``added`` until the entry ``revoked``; ``compromised_since`` in
    Unix seconds. ``kid`` is in hex."""

    kid: str
    purposes: list[str]
    added: int
    revoked: int | None
    compromised_since: int | None


class SampledDocument(msgspec.Struct, frozen=True):
    """A unit of the sample. ``held``: the operator has it, and it is in use or stock."""

    subject: str
    physical: str
    held: bool
    quarantined: bool
    missing: bool
    disputes: int
    dossier: str


class ActivityDocument(msgspec.Struct, frozen=True):
    """Numbers of units, by the service's calculation. ``taken_in``: made by others, and it came to
    have them; ``repurposed``, ``recycled``: by it; ``in_stock``: it has them, made or removed.
    ``quarantined``, ``missing`` and ``open_disputes`` are open findings about any of them."""

    taken_in: int
    repurposed: int
    recycled: int
    in_stock: int
    quarantined: int
    missing: int
    open_disputes: int


class FacilityDocument(msgspec.Struct, frozen=True):
    """A place where the operator works, by the registrar's word. ``id`` is the ``facility_id`` of
    its events."""

    id: str
    country: str
    name: str | None
    address: str | None


class OperatorLinks(msgspec.Struct, frozen=True):
    """Where to go on: ``?day=`` names the day that the file is asked about."""

    file: str


class OperatorDocument(msgspec.Struct, frozen=True):
    """An operator. ``word`` says whose word all of it is; ``units`` are those about which it
    signed, and ``more`` whether there are others that were not counted. ``seed`` is in hex."""

    operator: str
    word: str
    name: str
    country: str
    roles: list[str]
    maker_codes: list[str]
    gs1_prefixes: list[str]
    facilities: list[FacilityDocument]
    registered: int
    removed: int | None
    keys: list[KeyDocument]
    activity: str
    counts: ActivityDocument
    units: int
    more: bool
    seed: str
    sample: list[SampledDocument]
    links: OperatorLinks


def operator_document(view: SupplierView) -> OperatorDocument:
    """The document of an operator."""
    state = view.operator
    return OperatorDocument(
        operator=state.uri,
        word=STATED,
        name=state.name,
        country=state.country,
        roles=list(state.roles),
        maker_codes=list(state.maker_codes),
        gs1_prefixes=list(state.gs1_prefixes),
        facilities=[_facility(place) for place in state.facilities],
        registered=state.registered,
        removed=state.removed,
        keys=[_key(key) for key in state.keys],
        activity=ACTIVITY,
        counts=msgspec.convert(msgspec.to_builtins(view.activity), ActivityDocument),
        units=view.units,
        more=view.more,
        seed=view.seed.hex(),
        sample=[_sampled(unit) for unit in view.sample],
        links=OperatorLinks(f"{operator_path(state.uri)}/file"),
    )


def operator_path(operator: str) -> str:
    """Where an operator is shown."""
    return f"/operators/{encode_base64url(operator.encode())}"


def _facility(place: Facility) -> FacilityDocument:
    return FacilityDocument(place.id, place.country, place.name, place.address)


def _key(key: OperatorKey) -> KeyDocument:
    kid, purposes = key.kid.hex(), list(key.purposes)
    return KeyDocument(kid, purposes, key.added, key.revoked, key.compromised_since)


def _sampled(unit: SampledUnit) -> SampledDocument:
    return SampledDocument(
        subject=unit.subject,
        physical=unit.physical,
        held=unit.held,
        quarantined=unit.quarantined,
        missing=unit.missing,
        disputes=unit.disputes,
        dossier=f"/batteries/{encode_base64url(unit.subject.encode())}/dossier",
    )
