"""``cellbook rebuild``: everything that a ledger has derived from its entries, made anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.output import Example, json_option, print_result, progress
from cli.trust import read_trust

if TYPE_CHECKING:
    from ledger.log.rebuild import Rebuilt


@click.command(epilog=Example("cellbook rebuild shop", "cellbook fsck shop"))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--trust",
    type=click.Path(path_type=Path),
    help="Trust file of the log that is meant. [default: the one in FOLDER]",
)
@json_option
def rebuild(folder: Path, trust: Path | None, as_json: bool) -> None:
    """Make anew all that the ledger in FOLDER has derived from its entries.

    Those are tiles, states and chains of subjects, the index, and the terms of the search. Entries,
    checkpoints and the rows of lists stay as they are. Every entry is decided once more; what comes
    out must be what heads and checkpoints state, or nothing is changed, and the command exits with
    1. Stop the service first: nothing can be registered meanwhile.
    """
    from ledger.log.home import Home
    from ledger.log.rebuild import rebuild as make

    home = Home.open(folder)
    believed, _ = read_trust(trust or home.trust_path)
    store = home.open_store()
    try:
        with progress("deciding entries", quiet=as_json) as tell:
            done = make(store, genesis=believed.genesis, progress=tell)
    finally:
        store.close()
    print_result(_text(folder, done), _facts(folder, done), as_json=as_json)


def _facts(folder: Path, done: Rebuilt) -> dict[str, Any]:
    import msgspec

    return {"folder": str(folder), **msgspec.structs.asdict(done), "root": done.root.hex()}


def _text(folder: Path, done: Rebuilt) -> str:
    waiting = f", {done.unpublished} more when the service starts" if done.unpublished else ""
    return f"""\
{folder}: everything derived is new
  entries      {done.size}, decided once more
  root         {done.root.hex()}
  heads        {done.heads}, each with the index that it states
  checkpoints  {done.checkpoints}{waiting}
next  cellbook fsck {folder}"""
