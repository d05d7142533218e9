"""Locators: entry ids as people and addresses carry them, unpadded base64url of 32 bytes."""

from __future__ import annotations

from keys.errors import declare
from ledger.wire.base64text import decode_base64url

BAD_LOCATOR = declare(
    "malformed.locator",
    "The locator is not the unpadded base64url of 32 bytes.",
    "Use the locator as the service gave it.",
    title="Invalid locator",
)


def locator_to_id(text: str) -> bytes:
    """The entry id in a locator. Raises ``malformed.locator``."""
    try:
        entry_id = decode_base64url(text)
    except ValueError as error:
        raise BAD_LOCATOR.at("locator", str(error)) from None
    if len(entry_id) != 32:
        raise BAD_LOCATOR.at("locator", f"{len(entry_id)} bytes")
    return entry_id
