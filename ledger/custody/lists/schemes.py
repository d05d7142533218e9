"""Schemes of lists: their names, and what is known of those that Cellbook knows by name.

A scheme that is not in the table is a list like any other; only its identifiers and categories are
taken as the publisher writes them.
"""

from __future__ import annotations

import re

import msgspec

from keys.errors import CellbookError, declare
from ledger.custody.lists.rows import ROW, ListDocument
from ledger.custody.names.companies import parse_uscc

SCHEME = declare(
    "malformed.list.scheme",
    "The name of a scheme has characters that its URI cannot carry.",
    "Use 1 to 64 small letters and digits, in words joined by hyphens: cn-miit-whitelist.",
)

LIST_PREFIX = "urn:cellbook:list:"
WHITE_LIST = "cn-miit-whitelist"
SECOND_LIFE, RECYCLING = "second-life", "recycling"

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST = 64


class Scheme(msgspec.Struct, frozen=True):
    """What is known of a scheme: its title, who states it, the offset of its days from UTC in
    minutes, and its categories, each by all the ways to write it. Its identifiers are USCCs."""

    name: str
    title: str
    authority: str
    utc_offset_min: int
    categories: dict[str, str]


SCHEMES = {
    WHITE_LIST: Scheme(
        WHITE_LIST,
        "white list of battery recyclers",
        "the ministry (MIIT)",
        480,
        {
            "second-life": SECOND_LIFE,
            "梯次利用": SECOND_LIFE,
            "recycling": RECYCLING,
            "再生利用": RECYCLING,
        },
    )
}


def list_uri(scheme: str) -> str:
    """The subject of a scheme's snapshots. Raises ``malformed.list.scheme``."""
    return LIST_PREFIX + check_scheme(scheme)


def check_scheme(scheme: str) -> str:
    """``scheme`` itself, once it is a name. Raises ``malformed.list.scheme``."""
    if type(scheme) is not str or len(scheme) > _LONGEST or not _NAME.fullmatch(scheme):
        raise SCHEME.at("scheme", repr(scheme)[:80])
    return scheme


def category_of(scheme: str, text: str) -> str:
    """The one form of a category that is written in either language. Raises
    ``malformed.list.row`` for one that a known scheme has not."""
    known = SCHEMES.get(scheme)
    if known is None:
        return text
    category = known.categories.get(text)
    if category is None:
        raise ROW.at("category", f"{text!r:.60} is none of {', '.join(known.categories)}")
    return category


def check_listing(scheme: str, document: ListDocument) -> None:
    """What a known scheme demands beyond the form of a list: identifiers with right check
    characters, categories in their one form. Raises ``malformed.uscc``, ``malformed.list.row``."""
    if scheme not in SCHEMES:
        return
    for leaf in document.leaves:
        try:
            parse_uscc(leaf.identifier)
        except CellbookError as error:
            raise error.error.at(leaf.identifier, error.detail) from None
        for row in leaf.rows:
            if category_of(scheme, row.category) != row.category:
                raise ROW.at(leaf.identifier, f"the category {row.category!r:.60}")


def identifier_of(operator: str) -> str:
    """Under which identifier lists name an operator: the code in its URI, or the URI itself."""
    for prefix in ("urn:uscc:", "urn:lei:"):
        if operator.startswith(prefix):
            return operator[len(prefix) :]
    return operator


def title_of(scheme: str) -> str:
    """What a scheme is called for people."""
    known = SCHEMES.get(scheme)
    return scheme if known is None else known.title
