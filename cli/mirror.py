"""``cellbook mirror``: a static copy of a published log."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from cli.log_source import open_source
from cli.output import Example, json_option, print_result, progress


@click.command(
    epilog=Example(
        "cellbook mirror https://log.example.org copy",
        "cellbook audit copy --state audit --trust trust.toml",
        "cellbook dossier 4A6PCPM27KLPCLE742946319 --from copy --out pack.dossier",
    )
)
@click.argument("place", metavar="URL|FOLDER")
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
def mirror(place: str, folder: Path, as_json: bool) -> None:
    """Copy a published log into FOLDER as static files: all that is left when the service is gone.

    That is the checkpoint, tiles and entry bundles, the signed root from which receipts are made,
    and the rows of public lists. Any web server can serve them; `cellbook audit` and `cellbook
    dossier --from` read them. Run it again for what is new. Every file is checked against the
    checkpoint before it is written; issuers' signatures are not: audit the copy.
    """
    from ledger.monitor.copying.mirror import mirror as copy

    with open_source(place) as source, progress("copying files", quiet=as_json) as tell:
        done = copy(source, folder, tell)
    facts = {
        "folder": str(folder),
        "origin": done.origin,
        "size": done.size,
        "before": done.before,
        "root": done.root.hex(),
        "written": done.written,
        "without_rows": done.without_rows,
    }
    print_result(_text(facts), facts, as_json=as_json)


def _text(facts: dict[str, Any]) -> str:
    folder = shlex.quote(facts["folder"])
    lists = ""
    if facts["without_rows"]:
        lists = f"\nlists      of {facts['without_rows']} snapshots the rows are not published"
    return f"""\
copied to  {facts["folder"]}
log        {facts["origin"]}
entries    {facts["size"]}, {facts["before"]} of them before
files      {facts["written"]} new{lists}
root       {facts["root"]}
next       cellbook audit {folder} --state STATE --trust TRUST
           since neither signatures nor decisions were checked here"""
