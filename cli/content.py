"""What a file is, as ``inspect`` shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from keys.errors import CellbookError
from ledger.wire.cbor import Value

Facts = dict[str, Any]
"""Label and value, as they are printed."""


class Content(msgspec.Struct, frozen=True):
    """What a file is: its kind, what it says in short, and its value; text files have ``text``."""

    kind: str
    facts: Facts
    value: Value = None
    text: str | None = None


def facts_or_refusal(facts: Callable[[], Facts]) -> Facts:
    """What a parser of ours finds, or why it refuses a file that is worth looking at all the
    more."""
    try:
        return facts()
    except CellbookError as error:
        return {"refused": f"{error.code}: {error.describe()}"}
