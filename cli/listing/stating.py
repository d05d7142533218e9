"""``cellbook list import``: a publisher copies a list from a table, signs it and hands it in."""

from __future__ import annotations

import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from cli import arguments
from cli.governing import confirm
from cli.listing.source import open_source
from cli.listing.table import Refused, read_list
from cli.output import json_option, one_line, print_note, print_result, read_file
from cli.saving import save
from cli.signing import load_signer, passphrase_option
from cli.trust import read_trust
from keys.errors import CellbookError, declare
from ledger.custody.governance.statements import ListSnapshot, encode_governance
from ledger.custody.lists.rows import (
    MAX_DOCUMENT,
    ListDocument,
    check_root,
    encode_document,
    parse_document,
)
from ledger.custody.lists.schemes import SCHEMES, check_scheme, list_uri
from ledger.custody.values.times import parse_date
from ledger.wire.base64text import encode_base64url
from ledger.wire.statement import TYP_GOVERNANCE, parse_statement, sign_statement

if TYPE_CHECKING:
    from keys.signer import Signer

ROWS = declare(
    "malformed.list.table",
    "Rows of the table are no rows of a list; nothing was signed.",
    "Correct the rows that are named, and import the whole table again.",
)

PUBLISHER_URI = "urn:cellbook:authority:publisher"
_SHOWN = 20
_MAP_OF_THREE = b"\xa3"
"""How a list document begins, and no text in UTF-8 or GB18030 that names columns."""
_PATH = click.Path(path_type=Path)


class Publisher(msgspec.Struct, frozen=True, kw_only=True):
    """Who signs, and where it goes."""

    key: Path
    issuer: str
    passphrase_file: Path | None
    trust: Path | None
    home: Path | None
    url: str | None
    out: Path | None
    yes: bool


def scheme_name(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """The name of a scheme, as an argument or an option."""
    try:
        return None if value is None else check_scheme(value)
    except CellbookError as error:
        raise click.BadParameter(error.remedy) from None


def day(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """A date."""
    try:
        return None if value is None else parse_date(value)
    except CellbookError as error:
        raise click.BadParameter(error.remedy) from None


@click.command("import")
@click.argument("file", type=_PATH)
@click.option("--scheme", required=True, callback=scheme_name, help="Name of the list's scheme.")
@click.option("--announcement", required=True, help="What made the list so, such as 20/2026.")
@click.option(
    "--effective", required=True, callback=day, metavar="DATE", help="First day of the list."
)
@click.option(
    "--utc-offset",
    type=click.IntRange(-840, 840),
    metavar="MINUTES",
    help="How far the list's days are ahead of UTC; known for schemes known by name.",
)
@click.option("--source", type=_PATH, help="The document that was copied. [default: FILE]")
@click.option("--key", type=_PATH, required=True, help="The publisher's key file.")
@click.option(
    "--issuer",
    default=PUBLISHER_URI,
    show_default=True,
    callback=arguments.uri,
    help="The publisher's name in the ledger's policy.",
)
@passphrase_option
@click.option("--trust", type=_PATH, help="Trust file of the ledger; --home knows its own.")
@click.option("--url", help="Register with the service at this address.")
@click.option("--home", type=_PATH, help="Register in the ledger in this folder.")
@click.option("--out", type=_PATH, help="Write the statement to OUT, the rows to OUT.list.")
@click.option("--dry-run", is_flag=True, help="Read the table and sign nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before signing.")
@json_option
def import_(
    file: Path,
    scheme: str,
    announcement: str,
    effective: str,
    utc_offset: int | None,
    source: Path | None,
    dry_run: bool,
    as_json: bool,
    **who: Any,
) -> None:
    """State the list in FILE, a CSV or JSON lines table, as its publisher copied it.

    The columns are identifier, name, category, and as needed batch, announcement, province,
    valid_from, valid_to, removal_reason, or what a Chinese list calls them. Encodings are UTF-8 and
    GB18030. One wrong row stops all: a list is stated whole or not at all.
    """
    publisher = Publisher(**who)
    data = read_file(file, MAX_DOCUMENT)
    document = _read(file, data, scheme)
    content = ListSnapshot(
        scheme=scheme,
        announcement=announcement,
        effective=effective,
        utc_offset_min=_offset(scheme, utc_offset),
        leaves=len(document.leaves),
        rows=document.rows,
        root=document.root,
        source_sha256=sha256(data if source is None else read_file(source)).digest(),
    )
    facts = {
        "scheme": scheme,
        "identifiers": content.leaves,
        "rows": content.rows,
        "root": encode_base64url(content.root),
        "source_sha256": content.source_sha256.hex(),
    }
    if not dry_run:
        facts |= _state(publisher, content, document)
    print_result(_text(facts), facts, as_json=as_json)


@click.command("hand-in")
@click.argument("file", type=_PATH)
@click.option("--scheme", required=True, callback=scheme_name, help="Name of the list's scheme.")
@click.option("--url", help="The service's address.")
@click.option("--home", type=_PATH, help="The ledger's folder.")
@json_option
def hand_in(file: Path, scheme: str, url: str | None, home: Path | None, as_json: bool) -> None:
    """Hand in the rows in FILE, once the statement about them is registered.

    FILE is what `list import --out` wrote, or the table itself. Anybody may hand in: they are the
    rows of a registered snapshot, or they are refused.
    """
    data = read_file(file, MAX_DOCUMENT)
    if data[:1] != _MAP_OF_THREE:
        data = encode_document(_read(file, data, scheme))
    root = encode_base64url(parse_document(data).root)
    with open_source(url, home) as lists:
        lists.put_rows(scheme, root, data)
    print_result(f"handed in: the rows of {root}", {"root": root}, as_json=as_json)


def _read(file: Path, data: bytes, scheme: str) -> ListDocument:
    """The list in a table. Names the rows that are none, and raises ``malformed.list.table``."""
    read = read_list(str(file), data, scheme)
    for item in read.refused[:_SHOWN]:
        print_note(_told(item))
    if read.document is None:
        raise ROWS.at(
            f"{file}, line {read.refused[0].line}",
            f"{len(read.refused)} in all, the first: {read.refused[0].error.describe()}",
            rows=len(read.refused),
        )
    return read.document


def _told(item: Refused) -> str:
    return one_line(f"line {item.line}: {item.error.code}: {item.error.describe()}")


def _offset(scheme: str, stated: int | None) -> int:
    known = SCHEMES.get(scheme)
    if known is not None and stated in (None, known.utc_offset_min):
        return known.utc_offset_min
    if known is not None:
        raise click.UsageError(f"The days of {scheme} are {known.utc_offset_min} min ahead of UTC.")
    if stated is None:
        raise click.UsageError("Give --utc-offset: 480 for days in China, 60 for Central Europe.")
    return stated


def _state(publisher: Publisher, content: ListSnapshot, document: ListDocument) -> dict[str, Any]:
    """Sign the snapshot, register it, and hand in its rows."""
    ways = (publisher.home, publisher.url, publisher.out)
    if sum(way is not None for way in ways) != 1:
        raise click.UsageError("Give exactly one of --url, --home and --out.")
    family = _family(publisher)
    payload, rows = encode_governance(content), encode_document(document)
    check_root(parse_document(rows), content.root, content.leaves, content.rows)
    subject = list_uri(content.scheme)
    confirm(f"The publisher {publisher.issuer}", payload, subject, yes=publisher.yes)
    signer = load_signer(publisher.key, publisher.passphrase_file)
    leaf = _signed(signer, publisher.issuer, subject, family, payload)
    facts: dict[str, Any] = {"subject": subject, "entry_id": parse_statement(leaf).locator}
    if publisher.out is not None:
        beside = publisher.out.with_name(publisher.out.name + ".list")
        save(publisher.out, leaf)
        save(beside, rows)
        return {**facts, "file": str(publisher.out), "rows_file": str(beside)}
    with open_source(publisher.url, publisher.home) as lists:
        facts["place"] = lists.register(leaf)
        lists.put_rows(content.scheme, encode_base64url(content.root), rows)
    return facts


def _signed(signer: Signer, issuer: str, subject: str, family: str, payload: bytes) -> bytes:
    return sign_statement(
        signer,
        typ=TYP_GOVERNANCE,
        iss=issuer,
        sub=subject,
        aud=family,
        iat=int(time.time()),
        payload=payload,
    )


def _family(publisher: Publisher) -> str:
    if publisher.trust is not None:
        return read_trust(publisher.trust)[0].family
    if publisher.home is None:
        raise click.UsageError("Give --trust, so that the statement names this ledger's family.")
    from ledger.log.home import Home

    return read_trust(Home.open(publisher.home).trust_path)[0].family


def _text(facts: dict[str, Any]) -> str:
    lines = [f"{facts['rows']} rows of {facts['identifiers']} identifiers, root {facts['root']}"]
    if "file" in facts:
        lines.append(f"written to {facts['file']}, its rows to {facts['rows_file']}")
        lines.append("register the first with `cellbook submit`, then `cellbook list hand-in`")
    elif "place" in facts:
        lines.append(f"registered: {facts['place']}, with its rows")
        lines.append(f"entry id  {facts['entry_id']}")
    else:
        lines.append("nothing was signed")
    return "\n".join(lines)
