"""``cellbook fsck``: recompute everything that a ledger stores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.output import Example, json_option, print_result, progress
from cli.trust import read_trust

if TYPE_CHECKING:
    from ledger.log.integrity.fsck import Report


@click.command(
    epilog=Example(
        "cellbook fsck shop",
        "cellbook fsck shop --trust trust-from-elsewhere.toml",
        "cellbook fsck shop --json",
    )
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--trust",
    type=click.Path(path_type=Path),
    help="Trust file of the log that is meant. [default: the one in FOLDER]",
)
@json_option
def fsck(folder: Path, trust: Path | None, as_json: bool) -> None:
    """Recompute the whole ledger in FOLDER from its stored entries.

    Checks every signature, every decision, heads and times, tiles, checkpoints, and the state, the
    entries and the terms of every subject. Names the first damaged row and exits with 1; exits
    with 3 when the store cannot be used. Stop the service first: nothing may write meanwhile.
    """
    from keys import pynacl
    from ledger.log.home import Home
    from ledger.log.integrity.fsck import fsck as check

    home = Home.open(folder)
    believed, _ = read_trust(trust or home.trust_path)
    store = home.open_store()
    try:
        with progress("checking entries", quiet=as_json) as tell:
            report = check(
                store,
                progress=tell,
                backend=pynacl.load(),
                genesis=believed.genesis,
                witnesses=home.witnesses(),
            )
    finally:
        store.close()
    print_result(_text(folder, report), _facts(folder, report), as_json=as_json)


def _facts(folder: Path, report: Report) -> dict[str, Any]:
    import msgspec

    return {
        "folder": str(folder),
        **msgspec.structs.asdict(report),
        "root": report.root.hex(),
    }


def _text(folder: Path, report: Report) -> str:
    waiting = f", {report.unpublished} heads wait for theirs" if report.unpublished else ""
    resting = f"; {report.resting} batteries rest on the log before" if report.resting else ""
    return f"""\
{folder}: no damage was found
  entries      {report.size}
  root         {report.root.hex()}
  heads        {report.heads}
  checkpoints  {report.checkpoints}{waiting}
  subjects     {report.subjects}, named {report.subject_entries} times{resting}
  terms        {report.terms}, by which they are found
  tiles        {report.tiles}
  lists        {report.list_documents} with their rows
Not checked: that others know this log. Compare a checkpoint that they hold."""
