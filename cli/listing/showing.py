"""``cellbook list show`` and ``diff``: what a service or a folder says of lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from cli.listing.source import ListSource, ShownList, ShownSnapshot, open_source
from cli.listing.stating import day, scheme_name
from cli.output import json_option, one_line, print_result
from keys.errors import declare
from ledger.custody.lists.rows import ListDocument, ListLeaf, ListRow
from ledger.custody.values.times import format_moment

NONE = declare(
    "missing.list.day",
    "No snapshot of this scheme, or several, have this effective date.",
    "`cellbook list show SCHEME` prints them; name one publisher with --publisher.",
)

_PATH = click.Path(path_type=Path)
_publisher = click.option("--publisher", help="Only the snapshots of this publisher.")
_url = click.option("--url", help="Address of the service.")
_home = click.option("--home", type=_PATH, help="Folder of the ledger instead.")


@click.command()
@click.argument("scheme", required=False, callback=scheme_name)
@click.option(
    "--effective", callback=day, metavar="DATE", help="Print the rows of the list of this date."
)
@_publisher
@_url
@_home
@json_option
def show(
    scheme: str | None,
    effective: str | None,
    publisher: str | None,
    url: str | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Print the schemes, the snapshots of SCHEME, or with --effective the rows of one.

    This is the word of the service. `list prove` and `list verify` prove what a list says.
    """
    with open_source(url, home) as lists:
        if scheme is None:
            schemes = lists.schemes()
            text = "\n".join(schemes) or "no list is stated in this ledger"
            print_result(text, {"lists": schemes}, as_json=as_json)
            return
        view = lists.view(scheme)
        if effective is None:
            print_result(_snapshots(view), _facts(view), as_json=as_json)
            return
        document = _rows_of(lists, view, effective, publisher)
    facts = {"scheme": scheme, "effective": effective, "rows": _row_facts(document)}
    print_result(_rows(document), facts, as_json=as_json)


@click.command()
@click.argument("scheme", callback=scheme_name)
@click.argument("before", callback=day, metavar="FROM")
@click.argument("after", callback=day, metavar="TO")
@_publisher
@click.option("--against", help="Take the list TO from this publisher: do two of them agree?")
@_url
@_home
@json_option
def diff(
    scheme: str,
    before: str,
    after: str,
    publisher: str | None,
    against: str | None,
    url: str | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Print what changed in SCHEME between the lists with the effective dates FROM and TO.

    With --publisher and --against, and one date twice: how the copies of two publishers differ.
    """
    with open_source(url, home) as lists:
        view = lists.view(scheme)
        older = _rows_of(lists, view, before, publisher)
        newer = _rows_of(lists, view, after, against or publisher)
    old = {leaf.identifier: leaf for leaf in older.leaves}
    new = {leaf.identifier: leaf for leaf in newer.leaves}
    added = [new[name] for name in sorted(new.keys() - old.keys())]
    removed = [old[name] for name in sorted(old.keys() - new.keys())]
    both = sorted(old.keys() & new.keys())
    changed = [(old[name], new[name]) for name in both if old[name] != new[name]]
    facts = {
        "scheme": scheme,
        "from": before,
        "to": after,
        "added": [leaf.identifier for leaf in added],
        "removed": [leaf.identifier for leaf in removed],
        "changed": [leaf.identifier for leaf, _ in changed],
    }
    print_result(_difference(added, removed, changed), facts, as_json=as_json)


def _rows_of(
    lists: ListSource, view: ShownList, effective: str, publisher: str | None
) -> ListDocument:
    found = [
        item
        for item in view.snapshots
        if item.effective == effective and publisher in (None, item.publisher)
    ]
    if len(found) != 1:
        names = "".join(f"; {item.publisher}" for item in found)
        raise NONE.at(view.scheme, f"{effective}: {len(found)} snapshots{names}")
    return lists.rows(view.scheme, found[0].root)


def _snapshots(view: ShownList) -> str:
    hours, minutes = divmod(abs(view.utc_offset_min), 60)
    sign = "-" if view.utc_offset_min < 0 else "+"
    lines = [f"{view.scheme}, days at UTC{sign}{hours:02}:{minutes:02}"]
    lines += [_snapshot(item) for item in view.snapshots]
    return "\n".join(lines)


def _snapshot(item: ShownSnapshot) -> str:
    logged = "waits for its head" if item.log_time is None else format_moment(item.log_time)
    rows = "" if item.rows_path else ", rows not handed in"
    return one_line(
        f"{item.effective}  announcement {item.announcement}, {item.identifiers} identifiers, "
        f"{item.rows} rows{rows}; copied by {item.publisher}; entry {item.index}, logged {logged}"
    )


def _facts(view: ShownList) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.to_builtins(view)
    return facts


def _row_facts(document: ListDocument) -> list[dict[str, Any]]:
    return [
        {"identifier": leaf.identifier, **msgspec.to_builtins(row)}
        for leaf in document.leaves
        for row in leaf.rows
    ]


def _rows(document: ListDocument) -> str:
    return "\n".join(_leaf(leaf) for leaf in document.leaves) or "nobody is listed"


def _leaf(leaf: ListLeaf) -> str:
    return "\n".join(f"{leaf.identifier}  {row_text(row)}" for row in leaf.rows)


def row_text(row: ListRow) -> str:
    """A row for people, on one line."""
    parts = [row.name, row.category]
    if row.valid_from is not None or row.valid_to is not None:
        parts.append(f"{row.valid_from or '…'} to {row.valid_to or 'further notice'}")
    parts += [f"batch {row.batch}"] if row.batch else []
    parts += [f"announcement {row.announcement}"] if row.announcement else []
    parts += [part for part in (row.province, row.removal_reason) if part]
    return one_line(", ".join(parts))


def _difference(
    added: list[ListLeaf], removed: list[ListLeaf], changed: list[tuple[ListLeaf, ListLeaf]]
) -> str:
    lines = [f"+ {line}" for leaf in added for line in _leaf(leaf).split("\n")]
    lines += [f"- {line}" for leaf in removed for line in _leaf(leaf).split("\n")]
    for older, newer in changed:
        lines += [
            f"- {older.identifier}  {row_text(row)}" for row in older.rows if row not in newer.rows
        ]
        lines += [
            f"+ {newer.identifier}  {row_text(row)}" for row in newer.rows if row not in older.rows
        ]
    return "\n".join(lines) or "nothing changed"
