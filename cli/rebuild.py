"""``cellbook rebuild``: everything that a ledger has derived from its entries, made anew."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.output import Example, Progress, json_option, print_result, progress
from cli.trust import read_trust

if TYPE_CHECKING:
    from ledger.log.home import Home
    from ledger.log.integrity.rebuild import Rebuilt


@click.command(
    epilog=Example(
        "cellbook rebuild shop", "cellbook rebuild shop --from copy", "cellbook fsck shop"
    )
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "copy",
    type=click.Path(path_type=Path),
    metavar="COPY",
    help="The database is lost: fill an empty one from the newest copy by `cellbook mirror`.",
)
@click.option(
    "--trust",
    type=click.Path(path_type=Path),
    help="Trust file of the log that is meant. [default: the one in FOLDER]",
)
@json_option
def rebuild(folder: Path, copy: Path | None, trust: Path | None, as_json: bool) -> None:
    """Make anew all that the ledger in FOLDER has derived from its entries.

    Those are tiles, states and chains of subjects, the index, and the terms of the search. Entries,
    checkpoints and the rows of lists stay as they are. Every entry is decided once more; what comes
    out must be what heads and checkpoints state, or nothing is changed, and the command exits with
    1. Stop the service first: nothing can be registered meanwhile.

    With --from, entries and rows of lists come from a copy of the log, and the keys in FOLDER go on
    signing it. What was registered after the copy was made is lost. A log that goes on without what
    it has published contradicts itself, and everybody can prove it: take the newest copy.
    """
    from ledger.log.home import Home

    home = Home.open(folder)
    believed, _ = read_trust(trust or home.trust_path)
    with progress("deciding entries", quiet=as_json) as tell:
        if copy is None:
            done = _anew(home, believed.genesis, tell)
        else:
            done = _restored(home, copy, believed.genesis, tell)
    print_result(_text(folder, done), _facts(folder, done), as_json=as_json)


def _anew(home: Home, genesis: bytes, tell: Progress) -> Rebuilt:
    from ledger.log.integrity.rebuild import rebuild as make

    with closing(home.open_store()) as store:
        return make(store, genesis=genesis, progress=tell)


def _restored(home: Home, copy: Path, genesis: bytes, tell: Progress) -> Rebuilt:
    from ledger.log.integrity.restore import restore
    from ledger.store.sql import SqlStore

    with closing(SqlStore.open(home.store_url())) as store:
        store.create()
        return restore(store, home.signers(), copy, genesis, tell)


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
