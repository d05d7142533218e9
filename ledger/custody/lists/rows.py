"""Public lists: who is on the white list, which laboratories are accredited, by which rows.

A list is a Merkle tree (RFC 9162) with one leaf for each listed identifier, strictly ascending: the
deterministic CBOR of ``[identifier, [row, …]]``. A publisher signs root and counts in a statement
``list-snapshot``; the rows are public and lie beside the log in a *list document*.

What is listed for a scheme that is in ``schemes`` has more checks: see ``check_listing``.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from itertools import pairwise
from typing import Annotated

import msgspec
from msgspec import Meta

from keys.errors import CellbookError, declare
from ledger.custody.events.base import Part
from ledger.custody.events.scalars import Date, Short, Text
from ledger.tree.merkle import leaf_hash, root_of
from ledger.wire import cbor
from ledger.wire.cbor import Limits, Value

LEAF = declare(
    "malformed.list.leaf",
    "A leaf of the list is not an identifier with its rows in their one form.",
    "Get the list again; the program that wrote it is faulty.",
)
ROW = declare(
    "malformed.list.row",
    "A row of the list is not one: a field is missing, unknown, or out of its bounds.",
    "Compare the row with the publisher's source.",
)
ORDER = declare(
    "malformed.list.order",
    "The list is not in strictly ascending order: an identifier or a row stands twice, or too "
    "early.",
    "Sort by identifier and state every row once; `cellbook list import` does.",
)
DOCUMENT = declare(
    "malformed.list.document",
    "This is not a list document: type, version and leaves.",
    "Make it with `cellbook list import`.",
)
SIZE = declare(
    "malformed.list.size",
    "The list, or what it says of one identifier, is larger than a list may be.",
    "Divide the list into several schemes.",
)
ROOT = declare(
    "failed.list.root",
    "The rows are not those whose root and counts the publisher signed.",
    "Get the list document that belongs to this snapshot.",
)

TYPE = "cellbook-list"
MAX_LEAVES = MAX_ROWS = 50_000
MAX_ROWS_OF_ONE = 64
MAX_LEAF = 65_535
MAX_DOCUMENT = 16 << 20
LONGEST_IDENTIFIER = 128
_LEAF_LIMITS = Limits(size=MAX_LEAF, depth=4, items=MAX_ROWS_OF_ONE, total=1_024)
_DOCUMENT_LIMITS = Limits(size=MAX_DOCUMENT, depth=2, items=MAX_LEAVES, total=MAX_LEAVES + 16)


class ListRow(Part, frozen=True, kw_only=True):
    """One row, as the publisher copied it; the identifier stands in the leaf.

    ``valid_from`` and ``valid_to`` are the first and the last day, in the scheme's time zone;
    absent: the publisher states none.
    """

    name: Text
    category: Short
    batch: Short | None = None
    announcement: Short | None = None
    province: Short | None = None
    valid_from: Date | None = None
    valid_to: Date | None = None
    removal_reason: Annotated[str, Meta(min_length=1, max_length=512)] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ROW.at("valid_to", f"{self.valid_to} is before {self.valid_from}")

    def is_in_force(self, day: str) -> bool:
        """Whether the row holds on ``day`` (2026-07-30), its first and last day included."""
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_to is None or day <= self.valid_to)


class ListLeaf(msgspec.Struct, frozen=True):
    """All that a list says of one identifier."""

    identifier: str
    rows: tuple[ListRow, ...]


class ListDocument(msgspec.Struct, frozen=True, dict=True):
    """A whole list, its leaves strictly ascending by identifier."""

    leaves: tuple[ListLeaf, ...]

    @cached_property
    def leaf_hashes(self) -> tuple[bytes, ...]:
        """The hashes of the leaves, in their order."""
        return tuple(leaf_hash(encode_leaf(leaf)) for leaf in self.leaves)

    @cached_property
    def root(self) -> bytes:
        """The Merkle root over the leaves."""
        return root_of(self.leaf_hashes)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return sum(len(leaf.rows) for leaf in self.leaves)


def check_identifier(identifier: object, where: str = "identifier") -> str:
    """``identifier`` itself: 1 to 128 printable characters of ASCII without spaces.

    Raises ``malformed.list.leaf``. That it is a code of the scheme is ``schemes``' matter.
    """
    if type(identifier) is not str or not 0 < len(identifier) <= LONGEST_IDENTIFIER:
        raise LEAF.at(where, f"no text of 1 to {LONGEST_IDENTIFIER} characters")
    if not identifier.isascii() or not identifier.isprintable() or " " in identifier:
        raise LEAF.at(where, repr(identifier)[:80])
    return identifier


def document_of(rows: Iterable[tuple[str, ListRow]]) -> ListDocument:
    """The list of (identifier, row), in any order. Raises ``malformed.list.*``."""
    by_identifier: dict[str, dict[bytes, ListRow]] = {}
    for identifier, row in rows:
        of_one = by_identifier.setdefault(check_identifier(identifier), {})
        key = _encode_row(row)
        if key in of_one:
            raise ORDER.at(identifier, "a row stands twice")
        of_one[key] = row
    leaves = tuple(
        ListLeaf(identifier, tuple(row for _, row in sorted(of_one.items())))
        for identifier, of_one in sorted(by_identifier.items())
    )
    document = ListDocument(leaves)
    _check_sizes(document)
    return document


def encode_leaf(leaf: ListLeaf) -> bytes:
    """The bytes of a leaf; ``parse_leaf`` gives it back."""
    return cbor.encode([leaf.identifier, [_map_of(row) for row in leaf.rows]])


def parse_leaf(data: bytes, where: str = "leaf") -> ListLeaf:
    """The leaf in ``data``.

    Raises ``malformed.cbor.*``, ``malformed.list.leaf``, ``malformed.list.row``,
    ``malformed.list.order``. What is read encodes to the same bytes again.
    """
    value = cbor.decode(data, limits=_LEAF_LIMITS)
    if type(value) is not list or len(value) != 2 or type(value[1]) is not list or not value[1]:
        raise LEAF.at(where, "not [identifier, [row, …]]")
    identifier = check_identifier(value[0], where)
    leaf = ListLeaf(identifier, tuple(_parse_row(row, f"{where} {identifier}") for row in value[1]))
    if encode_leaf(leaf) != data:
        raise LEAF.at(f"{where} {identifier}", "null, or another form of a value")
    keys = [_encode_row(row) for row in leaf.rows]
    if any(after <= before for before, after in pairwise(keys)):
        raise ORDER.at(f"{where} {identifier}", "its rows")
    return leaf


def encode_document(document: ListDocument) -> bytes:
    """The bytes of a list document; ``parse_document`` gives it back."""
    leaves: list[Value] = [encode_leaf(leaf) for leaf in document.leaves]
    return cbor.encode({"type": TYPE, "version": 1, "leaves": leaves})


def parse_document(data: bytes) -> ListDocument:
    """The list in ``data``: sorted, each identifier and each row once.

    Raises ``malformed.cbor.*`` and ``malformed.list.*``. Whose list it is, nobody has checked:
    compare with a snapshot by ``check_root``.
    """
    value = cbor.decode(data, limits=_DOCUMENT_LIMITS)
    if type(value) is not dict or value.keys() != {"type", "version", "leaves"}:
        raise DOCUMENT.at("list document")
    rows = value["leaves"]
    if (value["type"], value["version"]) != (TYPE, 1) or type(rows) is not list:
        raise DOCUMENT.at("list document", "another type or version")
    leaves: list[ListLeaf] = []
    for position, leaf in enumerate(rows):
        if type(leaf) is not bytes:
            raise DOCUMENT.at(f"leaf {position}")
        leaves.append(parse_leaf(leaf, f"leaf {position},"))
    for before, after in pairwise(leaves):
        if after.identifier <= before.identifier:
            raise ORDER.at(after.identifier, f"it stands after {before.identifier}")
    document = ListDocument(tuple(leaves))
    _check_sizes(document)
    return document


def check_root(document: ListDocument, root: bytes, leaves: int, rows: int) -> None:
    """That ``document`` is the list that a snapshot states. Raises ``failed.list.root``."""
    if (len(document.leaves), document.rows) != (leaves, rows):
        found = f"{len(document.leaves)} identifiers and {document.rows} rows"
        raise ROOT.at("list document", f"{found}, the snapshot states {leaves} and {rows}")
    if document.root != root:
        raise ROOT.at("list document", "another root")


def _check_sizes(document: ListDocument) -> None:
    if len(document.leaves) > MAX_LEAVES or document.rows > MAX_ROWS:
        raise SIZE.at("list document", f"{document.rows} rows of at most {MAX_ROWS}")
    for leaf in document.leaves:
        if len(leaf.rows) > MAX_ROWS_OF_ONE:
            raise SIZE.at(leaf.identifier, f"{len(leaf.rows)} rows of at most {MAX_ROWS_OF_ONE}")


def _parse_row(value: Value, where: str) -> ListRow:
    try:
        return msgspec.convert(value, ListRow)
    except msgspec.ValidationError as error:
        raise ROW.at(where, str(error)[:200]) from None
    except CellbookError as error:
        raise error.error.at(f"{where}, {error.where}", error.detail) from None


def _map_of(row: ListRow) -> dict[cbor.Key, Value]:
    fields: dict[cbor.Key, Value] = msgspec.to_builtins(row)
    return fields


def _encode_row(row: ListRow) -> bytes:
    return cbor.encode(_map_of(row))
