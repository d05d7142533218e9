"""Values on the command line that click does not know: each gives a usage error if it is wrong."""

from __future__ import annotations

import re

import click
import msgspec

from keys.errors import CellbookError
from ledger.custody.governance.base import Facility
from ledger.custody.identifiers import parse_operator_uri
from ledger.custody.values.times import parse_moment


def country(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """The code of a country."""
    if value is not None and not re.fullmatch("[A-Z]{2}", value):
        raise click.BadParameter("two capital letters of ISO 3166, such as CN")
    return value


def maker_codes(
    context: click.Context, option: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...] | None:
    """Maker codes of GB/T 34014; None where none is given."""
    return _each(value, "[A-Z0-9]{3}", "three capitals or digits, such as 4A6")


def gs1_prefixes(
    context: click.Context, option: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...] | None:
    """GS1 company prefixes; None where none is given."""
    return _each(value, "[0-9]{4,12}", "4 to 12 digits, such as 9506000")


def facilities(
    context: click.Context, option: click.Parameter, value: tuple[tuple[str, str, str, str], ...]
) -> tuple[Facility, ...] | None:
    """Places; None where none is given."""
    places = []
    for place, where, name, address in value:
        stated = {"id": place, "country": where, "name": name or None, "address": address or None}
        try:
            places.append(msgspec.convert(stated, Facility))
        except (msgspec.ValidationError, CellbookError) as error:
            raise click.BadParameter(str(error)[:200]) from None
    return tuple(places) or None


def _each(values: tuple[str, ...], pattern: str, form: str) -> tuple[str, ...] | None:
    for value in values:
        if not re.fullmatch(pattern, value):
            raise click.BadParameter(f"{value!r:.40} is not {form}")
    return values or None


def kid(context: click.Context, option: click.Parameter, value: str) -> bytes:
    """The bytes of a kid."""
    if not re.fullmatch("[0-9a-fA-F]{64}", value):
        raise click.BadParameter("64 hexadecimal digits, as `operator show` prints them")
    return bytes.fromhex(value)


def uri(context: click.Context, argument: click.Parameter, value: str) -> str:
    """An operator's name in its one form."""
    try:
        return parse_operator_uri(value)
    except CellbookError as error:
        raise click.BadParameter(error.detail) from None


def with_offset(text: str) -> str:
    """A moment whose offset is written as ``Z``, as many programs do, with the offset in digits."""
    return f"{text[:-1]}+00:00" if text[-1:] in ("Z", "z") else text


def moment(context: click.Context, option: click.Parameter, value: str | None) -> int | None:
    """Unix seconds of a moment."""
    try:
        return None if value is None else parse_moment(with_offset(value))
    except CellbookError as error:
        raise click.BadParameter(error.remedy) from None
