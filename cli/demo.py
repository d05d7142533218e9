"""``cellbook demo``: the lives of batteries, end to end, with a real service and real keys."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

import click

from cli.output import WRITE, Example, json_option, print_json, print_note
from cli.saving import save
from cli.story import STORIES, TWO_LIVES
from cli.story.cast import MAKER, Story
from keys.errors import declare

if TYPE_CHECKING:
    from cli.story.stage import Stage

FOLDER = declare(
    "usage.demo.folder",
    "The folder is not empty, and not one of an earlier demo.",
    "Name another folder with --folder.",
)

DEFAULT = Path("cellbook-demo")
NOTE = "README.txt"
NEXT_CODE = "4A6PCPM27KLPCLE742946320"
"""The next pack of that day, for going on by hand."""

_MADE_BY = "Made by `cellbook demo`."
_MOST_FOLDERS = 1_000


@click.command(
    epilog=Example(
        "cellbook demo", "cellbook demo --story modules", "cellbook demo --folder /tmp/demo"
    )
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=DEFAULT,
    show_default=True,
    help="Where to make it. If an earlier demo is there, the next one gets a number.",
)
@click.option(
    "--story",
    "name",
    type=click.Choice(tuple(STORIES)),
    default=TWO_LIVES.name,
    show_default=True,
    help="One pack in two lives, or a pack whose modules part, with a public list.",
)
@json_option
def demo(folder: Path, name: str, as_json: bool) -> int:
    """Tell the life of one battery, and do what is told.

    Makes a ledger and operators with keys, runs a service on a free port of this machine, and plays
    a battery's life through its HTTP API: made, sold, installed, removed, tested, repurposed,
    flooded, recycled. Then the service is stopped, and the battery's dossier verified without
    network; then one bit of it is changed, and it is verified again. All files stay.
    """
    from cli.story.play import Play

    story, place = STORIES[name], fresh_folder(folder)
    tell = print_note if as_json else click.echo
    play = Play(story, place, tell)
    stage, facts = play.run()
    commands = by_hand(story, stage)
    note = f"{_MADE_BY}\n\nGo on by hand, in the folder {os.getcwd()}:\n\n{commands}\n"
    save(place / NOTE, note.encode(), overwrite=True)
    tell("\nGo on by hand\n-------------")
    tell(indent(commands, "  "))
    if as_json:
        print_json({"ok": play.is_good, **facts})
    return 0 if play.is_good else 1


def fresh_folder(folder: Path) -> Path:
    """``folder``, or the next one with a number if an earlier demo is in it; made, with its note.

    Raises ``usage.demo.folder`` and ``usage.file.write``.
    """
    names = (folder, *(folder.with_name(f"{folder.name}-{n}") for n in range(2, _MOST_FOLDERS)))
    for place in names:
        try:
            if not place.exists() or not any(place.iterdir()):
                place.mkdir(parents=True, exist_ok=True)
                save(place / NOTE, f"{_MADE_BY}\n".encode())
                # Its keys are real, and a demo is often run inside of a checkout.
                save(place / ".gitignore", b"*\n")
                return place
        except OSError as error:
            raise WRITE.at(str(place), error.strerror or "") from None
        if not _is_demo(place):
            raise FOLDER.at(str(place))
    raise FOLDER.at(str(folder))


def _is_demo(place: Path) -> bool:
    try:
        return (place / NOTE).read_text(errors="replace").startswith(_MADE_BY)
    except OSError:
        return False


def by_hand(story: Story, stage: Stage) -> str:
    """The commands with which to go on, as they are typed in this folder."""
    made = next(step for step in story.steps if step.kind == "manufacture")
    url, trust = "http://127.0.0.1:8417", shlex.quote(str(stage.trust))
    key, fields = (shlex.quote(str(p)) for p in (stage.key_of(MAKER), stage.event_file(made)))
    ledger = shlex.quote(str(stage.ledger))
    dossier = shlex.quote(str(stage.folder / story.checks[0].file))
    return f"""\
cellbook serve {ledger} &
cellbook event manufacture --battery {NEXT_CODE} \\
    --fields {fields} \\
    --key {key} --issuer {MAKER.uri} \\
    --trust {trust} --out next.cose
cellbook submit next.cose --url {url}
cellbook dossier {NEXT_CODE} --url {url} --out next.dossier
cellbook verify next.dossier --trust {trust} --label {NEXT_CODE}
cellbook inspect {dossier}
cellbook fsck {ledger}"""
