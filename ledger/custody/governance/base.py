"""What all governance statements are made of."""

# Hints are values in this module: kept as text, a cold start would evaluate them twice.
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ledger.custody.events.base import check_forms
from ledger.custody.payload import Payload

Hash = Annotated[bytes, Meta(min_length=32, max_length=32)]
CoseKeyBytes = Annotated[bytes, Meta(min_length=1, max_length=4096)]
Name = Annotated[str, Meta(min_length=1, max_length=256)]
Uri = Annotated[str, Meta(min_length=1, max_length=512)]
Size = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Seconds = Annotated[int, Meta(ge=0, lt=2**40)]


class Part(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A map inside a governance statement."""

    def __post_init__(self) -> None:
        check_forms(self)


class Facility(Part, frozen=True, kw_only=True):
    """A place where an operator works. ``id`` is what its events state as ``facility_id``, so that
    a reader finds the place that an event names."""

    id: Name
    name: Name | None = None
    address: Annotated[str, Meta(min_length=1, max_length=400)] | None = None
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")]


class Governance(Payload, tag_field="type", frozen=True, kw_only=True):
    """What every governance statement carries."""

    version: Literal[1] = 1

    def __post_init__(self) -> None:
        check_forms(self)
