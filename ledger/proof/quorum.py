"""Panels: cosigners whom a verifier believes, and which of them together are enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

from ledger.wire.verifier import Verifier


class Quorum(Protocol):
    """Says which cosigners are enough. More of them are never less."""

    def is_met(self, names: frozenset[str], /) -> bool:
        """Whether the members of these names are enough."""


class AtLeast(msgspec.Struct, frozen=True):
    """Any ``number`` of the members."""

    number: int

    def is_met(self, names: frozenset[str], /) -> bool:
        """See ``Quorum``."""
        return len(names) >= self.number


class Cosigned(msgspec.Struct, frozen=True):
    """A member that has cosigned, at ``time`` by its own clock (Unix seconds)."""

    name: str
    time: int


class Panel(msgspec.Struct, frozen=True):
    """Members by their names in the verifier's own file, and the ``quorum`` of them."""

    members: Mapping[str, Verifier]
    quorum: Quorum

    def since(self, cosigned: Iterable[Cosigned]) -> int | None:
        """The newest moment at or after which enough members have cosigned; None where there are
        not enough at all.

        A single late cosignature makes nothing newer, and a single early one nothing older.
        """
        names = set[str]()
        for one in sorted(cosigned, key=lambda one: one.time, reverse=True):
            names.add(one.name)
            if self.quorum.is_met(frozenset(names)):
                return one.time
        return None


def panel_of(verifiers: Iterable[Verifier], number: int) -> Panel:
    """Any ``number`` of ``verifiers``, each by the name of its key."""
    return Panel({verifier.name: verifier for verifier in verifiers}, AtLeast(number))
