"""``cellbook demo``: one battery's life, end to end, with a real service and real keys."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from textwrap import fill, indent
from typing import TYPE_CHECKING, Any

import click

from cli.output import WRITE, Example, json_option, print_json, print_note
from cli.saving import save
from cli.story import CHAPTERS
from cli.story.cast import ACTORS, MAKER, REMOVED_ON, SECOND_LIFE, Step
from cli.story.service import run_cellbook, without_network
from keys.errors import CellbookError, declare

if TYPE_CHECKING:
    from cli.story.stage import Stage

FOLDER = declare(
    "usage.demo.folder",
    "The folder is not empty, and not one of an earlier demo.",
    "Name another folder with --folder.",
)
STORY = declare(
    "rejected.demo.story",
    "The ledger did not decide as the story says.",
    "Report it, with the folder of the demo.",
)

DEFAULT = Path("cellbook-demo")
NOTE = "README.txt"
NEXT_CODE = "4A6PCPM27KLPCLE742946320"
"""The next pack of that day, for going on by hand."""

_MADE_BY = "Made by `cellbook demo`."
_WIDTH, _INDENT = 92, " " * 12
_MOST_FOLDERS = 1_000
_Tell = Callable[[str], None]


@click.command(epilog=Example("cellbook demo", "cellbook demo --folder /tmp/demo"))
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=DEFAULT,
    show_default=True,
    help="Where to make it. If an earlier demo is there, the next one gets a number.",
)
@json_option
def demo(folder: Path, as_json: bool) -> int:
    """Tell the life of one battery, and do what is told.

    Makes a ledger and seven operators with keys, runs a service on a free port of this machine,
    and plays a battery's life through its HTTP API: made, sold, installed, removed, tested,
    repurposed, flooded, recycled. Then the service is stopped, and the battery's dossier verified
    without network; then one bit of it is changed, and it is verified again. All files stay.
    """
    place = fresh_folder(folder)
    play = Play(place, print_note if as_json else click.echo)
    facts = play.run()
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


class Play:
    """One performance. ``is_good`` when all went as the story says."""

    def __init__(self, folder: Path, tell: _Tell) -> None:
        self._folder = folder
        self._tell = tell
        self.is_good = False

    def run(self) -> dict[str, Any]:
        """Play it all; the facts for ``--json``."""
        from cli.story.stage import Stage

        self._title("A ledger")
        with closing(Stage(self._folder)) as stage:
            self._say(f"A new ledger is in {stage.ledger}, and its service runs at")
            self._say(f"{stage.remote.url}. Whoever verifies needs {stage.trust}, once.")
            self._enrol(stage)
            for title, steps in CHAPTERS:
                self._title(title)
                for step in steps:
                    self._play(stage, step)
            dossier = self._export(stage)
        verified = self._verify(stage, dossier)
        falsified = self._falsify(stage, dossier)
        self.is_good = verified == 0 and falsified == 1
        self._go_on(stage, dossier)
        return {
            "folder": str(self._folder),
            "battery": SECOND_LIFE,
            "dossier": str(dossier),
            "trust_file": str(stage.trust),
            "verify_exit": verified,
            "falsified_exit": falsified,
        }

    def _enrol(self, stage: Stage) -> None:
        self._title("Who takes part")
        for actor in ACTORS:
            stage.enrol(actor)
            self._tell(f"  {actor.name:<15} {actor.roles[0]:<12} {actor.uri}")
        self._say("")
        self._say("Each has made a key of its own, and shown that it has it; the registrar has")
        self._say("signed that the key is theirs. The ledger never sees a private key.")

    def _play(self, stage: Stage, step: Step) -> None:
        """Play a step and tell it. Raises ``rejected.demo.story`` where it goes otherwise."""
        self._tell("")
        self._tell(_told(step.at[:10], step.tale))
        signs = f'{step.by.name} signs "{step.kind}"'
        try:
            registered = stage.play(step)
        except CellbookError as error:
            if error.code != step.refused:
                raise
            self._tell(f"{_INDENT}{signs}, and is REFUSED: {error.code}")
            self._tell(_told("", error.describe()))
            return
        if step.refused is not None:
            raise STORY.at(step.name, f"{step.refused} was expected")
        self._tell(f"{_INDENT}{signs}: entry {registered.location.rpartition('/')[2]}")

    def _export(self, stage: Stage) -> Path:
        self._title("The dossier")
        subject = stage.remote.find(SECOND_LIFE)
        data = stage.remote.dossier(subject)
        file = self._folder / "battery.dossier"
        save(file, data)
        self._say(f"Both lives are in one file: {file}, {len(data)} bytes.")
        self._say("The service is stopped now. What follows needs nobody's word but the file's,")
        self._say("the trust file's, and that of this computer's clock.")
        return file

    def _verify(self, stage: Stage, dossier: Path, title: str = "The buyer checks it") -> int:
        self._title(title)
        prefix = without_network()
        arguments = ("verify", str(dossier), "--trust", str(stage.trust), "--label", SECOND_LIFE)
        self._tell(f"  $ {shlex.join((*prefix, 'cellbook', *arguments))}")
        if not prefix:
            self._say("(A process without network cannot be made here, so it runs with one.)")
        code, text = run_cellbook(arguments, prefix)
        self._tell("")
        self._tell(indent(text.rstrip(), "  | ", lambda line: True))
        self._say(f"exit code {code}")
        return code

    def _falsify(self, stage: Stage, dossier: Path) -> int:
        data, position, before, after = falsified(dossier.read_bytes())
        file = self._folder / "falsified.dossier"
        save(file, data)
        title = f"One bit is changed: the pack was removed on {after}, not on {before}"
        code = self._verify(stage, file, title)
        self._say(f"(It is byte {position} of {file}.)")
        return code

    def _go_on(self, stage: Stage, dossier: Path) -> None:
        commands = by_hand(stage, dossier)
        note = f"{_MADE_BY}\n\nGo on by hand, in the folder {os.getcwd()}:\n\n{commands}\n"
        save(self._folder / NOTE, note.encode(), overwrite=True)
        self._title("Go on by hand")
        self._tell(indent(commands, "  "))

    def _title(self, text: str) -> None:
        self._tell(f"\n{text}\n{'-' * len(text)}")

    def _say(self, text: str) -> None:
        self._tell(f"  {text}" if text else "")


def falsified(dossier: bytes) -> tuple[bytes, int, str, str]:
    """``dossier`` with one bit of the removal's date changed: the bytes, the place, and the dates
    before and after."""
    start = dossier.index(REMOVED_ON.encode(), dossier.index(b"removed_on"))
    position = start + REMOVED_ON.index("4")
    changed = bytearray(dossier)
    changed[position] ^= 1
    after = bytes(changed[start : start + len(REMOVED_ON)]).decode()
    return bytes(changed), position, REMOVED_ON, after


def by_hand(stage: Stage, dossier: Path) -> str:
    """The commands with which to go on, as they are typed in this folder."""
    made = next(step for _, steps in CHAPTERS for step in steps if step.kind == "manufacture")
    url, trust = "http://127.0.0.1:8417", shlex.quote(str(stage.trust))
    key, fields = (shlex.quote(str(p)) for p in (stage.key_of(MAKER), stage.event_file(made)))
    ledger = shlex.quote(str(stage.ledger))
    return f"""\
cellbook serve {ledger} &
cellbook event manufacture --battery {NEXT_CODE} \\
    --fields {fields} \\
    --key {key} --issuer {MAKER.uri} \\
    --trust {trust} --out next.cose
cellbook submit next.cose --url {url}
cellbook dossier {NEXT_CODE} --url {url} --out next.dossier
cellbook verify next.dossier --trust {trust} --label {NEXT_CODE}
cellbook inspect {shlex.quote(str(dossier))}
cellbook fsck {ledger}"""


def _told(date: str, text: str) -> str:
    return fill(text, _WIDTH, initial_indent=f"{date:<12}", subsequent_indent=_INDENT)
