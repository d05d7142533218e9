"""A list as a table: CSV with a line of column names, or JSON lines, in either language.

A list is taken whole or not at all: every row that cannot be read is named, and none is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from cli.importing.cells import code_fault, error_fault, plain
from cli.importing.sheet import Row, open_sheet, rows
from keys.errors import CellbookError, declare
from ledger.custody.lists.rows import (
    ORDER,
    ROW,
    ListDocument,
    ListRow,
    check_identifier,
    document_of,
)
from ledger.custody.lists.schemes import SCHEMES, category_of
from ledger.custody.names.companies import parse_uscc
from ledger.custody.values.times import parse_date

COLUMNS = declare(
    "usage.list.columns",
    "The table lacks a column that a list needs, or has one that no list has.",
    "Name the columns identifier, name, category, and as needed batch, announcement, province, "
    "valid_from, valid_to, removal_reason; Chinese names do as well.",
)

NAMES = {
    "identifier": ("identifier", "uscc", "统一社会信用代码", "社会信用代码", "信用代码"),
    "name": ("name", "enterprise", "企业名称", "名称", "单位名称"),
    "category": ("category", "类别", "类型", "企业类型", "申报类型"),
    "batch": ("batch", "批次"),
    "announcement": ("announcement", "公告", "公告号", "公告编号"),
    "province": ("province", "省份", "所属省份", "地区", "所在地区"),
    "valid_from": ("valid_from", "生效日期", "起始日期", "有效期起"),
    "valid_to": ("valid_to", "失效日期", "截止日期", "有效期止"),
    "removal_reason": ("removal_reason", "撤销原因", "移除原因", "删除原因"),
}
"""What the columns of a list may be called."""
NUMBERS = ("number", "no", "no.", "序号", "编号")
"""Columns that count the rows and say nothing."""

_NEEDED = ("identifier", "name", "category")
_FIELDS = {name: field for field, names in NAMES.items() for name in names}
_SEVERAL = re.compile(r"\s*[、,;/+及和\n]\s*")
_DATE = re.compile(r"(\d{4})(?:-(\d\d?)-(\d\d?)|/(\d\d?)/(\d\d?)|年(\d\d?)月(\d\d?)日)")


class Refused(msgspec.Struct, frozen=True):
    """A line of the table that is no row of a list, and why."""

    line: int
    error: CellbookError


class ReadList(msgspec.Struct, frozen=True):
    """A table as a list, or why it is none; ``document`` is None where ``refused`` is not empty."""

    document: ListDocument | None
    refused: tuple[Refused, ...]
    encoding: str


def read_list(name: str, data: bytes, scheme: str) -> ReadList:
    """The list in the table ``data``, for ``scheme``.

    A cell with two categories gives two rows. Raises ``usage.import.*``, ``usage.list.columns``,
    ``malformed.list.size``.
    """
    sheet, lines = open_sheet(name, data)
    if sheet.form == "csv":
        _check_separator(name, sheet.columns)
        _check_columns(sheet.columns)
    found: dict[tuple[str, ListRow], int] = {}
    refused: list[Refused] = []
    for row in rows(sheet, lines):
        try:
            for item in _read(row, scheme):
                if item in found:
                    raise ORDER.at(item[0], f"the row of line {found[item]} again")
                found[item] = row.line
        except CellbookError as error:
            refused.append(Refused(row.line, error))
    document = None if refused else document_of(found)
    return ReadList(document, tuple(refused), sheet.encoding.shown)


def _check_columns(columns: tuple[str, ...]) -> None:
    fields = [_field(column) for column in columns]
    for column, field in zip(columns, fields, strict=True):
        if field is None and plain(column).lower() not in NUMBERS:
            raise COLUMNS.at(column)
    for needed in _NEEDED:
        if fields.count(needed) != 1:
            raise COLUMNS.at(needed, f"there are {fields.count(needed)} such columns")


def _check_separator(name: str, columns: tuple[str, ...]) -> None:
    for mark, called in ((";", "semicolons"), ("\t", "tabulators"), ("，", "full-width commas")):
        if len(columns) == 1 and mark in columns[0]:
            raise COLUMNS.at(name, f"its columns are separated by {called}, not by commas")


def _field(column: str) -> str | None:
    return _FIELDS.get(plain(column).lower())


def _read(row: Row, scheme: str) -> Iterator[tuple[str, ListRow]]:
    """The rows of the list in a row of the table: one for each category."""
    if row.fault is not None:
        raise row.fault
    texts = {}
    for column, cell in row.cells.items():
        field = _field(column)
        if not isinstance(cell, str) or (field is None and plain(column).lower() not in NUMBERS):
            raise COLUMNS.at(column)
        if field is not None and plain(cell):
            texts[field] = _text(field, cell)
    for needed in _NEEDED:
        if needed not in texts:
            raise ROW.at(needed, "the cell is empty")
    identifier = _identifier(texts.pop("identifier"), scheme)
    for text in _SEVERAL.split(texts.pop("category")):
        yield identifier, _row({**texts, "category": category_of(scheme, text)})


def _row(texts: dict[str, str]) -> ListRow:
    try:
        return msgspec.convert(texts, ListRow)
    except msgspec.ValidationError as error:
        raise ROW.at("", str(error)[:200]) from None


def _text(field: str, cell: str) -> str:
    if field in ("valid_from", "valid_to"):
        return _date(plain(cell), field)
    fault = error_fault(plain(cell))
    if fault is not None:
        raise fault.error.at(field, fault.detail)
    return plain(cell) if field in ("identifier", "category", "batch") else cell.strip()


def _date(text: str, field: str) -> str:
    """Year, month, day, in this order: others would be guesses."""
    match = _DATE.fullmatch(text)
    if match is None:
        return parse_date(text, field)
    year, month, day = (part for part in match.groups() if part is not None)
    return parse_date(f"{year}-{month:>02}-{day:>02}", field)


def _identifier(text: str, scheme: str) -> str:
    fault = code_fault(text)
    if fault is not None:
        raise fault.error.at("identifier", fault.detail)
    if scheme in SCHEMES:
        return parse_uscc(text.upper()).code
    return check_identifier(text)
