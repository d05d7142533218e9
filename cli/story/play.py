"""One performance of a story: a ledger and its service, the steps, and the buyer's checks."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from textwrap import fill, indent
from typing import Any

from cli.saving import save
from cli.story.cast import REMOVED_ON, Check, PublicList, Step, Story
from cli.story.service import run_cellbook, without_network
from cli.story.stage import Stage
from keys.errors import CellbookError, declare

STORY = declare(
    "rejected.demo.story",
    "The ledger did not decide as the story says.",
    "Report it, with the folder of the demo.",
)

_WIDTH, _INDENT = 92, " " * 12
Tell = Callable[[str], None]


class Play:
    """One performance. ``is_good`` when all went as the story says."""

    def __init__(self, story: Story, folder: Path, tell: Tell) -> None:
        self._story = story
        self._folder = folder
        self._tell = tell
        self.is_good = False

    def run(self) -> tuple[Stage, dict[str, Any]]:
        """Play it all; the stage, whose service is stopped, and the facts for ``--json``."""
        self._title("A ledger")
        with closing(Stage(self._folder, self._story.profiles)) as stage:
            self._say(f"A new ledger is in {stage.ledger}, and its service runs at")
            self._say(f"{stage.remote.url}. Whoever verifies needs {stage.trust}, once.")
            self._enrol(stage)
            self._publish(stage)
            for title, steps in self._story.chapters:
                self._title(title)
                for step in steps:
                    self._play(stage, step)
            self._export(stage)
        codes = {check.file: self._verify(stage, check) for check in self._story.checks}
        self.is_good = all(codes[check.file] == check.expected for check in self._story.checks)
        first = self._story.checks[0]
        facts: dict[str, Any] = {
            "story": self._story.name,
            "folder": str(self._folder),
            "battery": first.of,
            "dossier": str(self._folder / first.file),
            "trust_file": str(stage.trust),
            "verify_exit": codes[first.file],
            "checks": codes,
        }
        if self._story.is_falsified:
            facts["falsified_exit"] = self._falsify(stage, first)
            self.is_good = self.is_good and facts["falsified_exit"] == 1
        return stage, facts

    def _enrol(self, stage: Stage) -> None:
        self._title("Who takes part")
        for actor in self._story.actors:
            stage.enrol(actor)
            self._tell(f"  {actor.name:<15} {actor.roles[0]:<12} {actor.uri}")
        self._say("")
        self._say("Each has made a key of its own, and shown that it has it; the registrar has")
        self._say("signed that the key is theirs. The ledger never sees a private key.")

    def _publish(self, stage: Stage) -> None:
        if not self._story.lists:
            return
        self._title("A public list")
        self._say("A publisher, whom the root has named in the policy, copies the ministry's list")
        self._say("into the ledger, and signs that it did. The ministry itself does not sign.")
        stage.name_publisher()
        for number, stated in enumerate(self._story.lists, 1):
            self._tell("")
            self._tell(_told(stated.effective, _listed(stated)))
            self._tell(f"{_INDENT}The publisher signs it: entry {stage.state(stated, number)}")

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

    def _export(self, stage: Stage) -> None:
        self._title("The dossier" if len(self._story.checks) == 1 else "The files")
        for check in self._story.checks:
            size = stage.export(check)
            self._say(f"{self._folder / check.file}, {size} bytes: {_contents(check)}")
        self._say("The service is stopped now. What follows needs nobody's word but the file's,")
        self._say("the trust file's, and that of this computer's clock.")

    def _verify(self, stage: Stage, check: Check) -> int:
        self._title(check.title)
        command = ("verify",) if check.day is None else ("list", "verify")
        label = () if check.day is not None else ("--label", check.of)
        arguments = (*command, str(self._folder / check.file), "--trust", str(stage.trust), *label)
        prefix = without_network()
        self._tell(f"  $ {shlex.join((*prefix, 'cellbook', *arguments))}")
        if not prefix:
            self._say("(A process without network cannot be made here, so it runs with one.)")
        code, text = run_cellbook(arguments, prefix)
        self._tell("")
        self._tell(indent(text.rstrip(), "  | ", lambda line: True))
        self._say(f"exit code {code}")
        return code

    def _falsify(self, stage: Stage, check: Check) -> int:
        data, position, before, after = falsified((self._folder / check.file).read_bytes())
        file = self._folder / "falsified.dossier"
        save(file, data)
        title = f"One bit is changed: the pack was removed on {after}, not on {before}"
        code = self._verify(stage, Check(title=title, file=file.name, of=check.of))
        self._say(f"(It is byte {position} of {file}.)")
        return code

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


def _contents(check: Check) -> str:
    if check.day is None:
        return f"all that the ledger has of {check.of}"
    return f"what the list says of {check.of}"


def _listed(stated: PublicList) -> str:
    rows = stated.table.count("\n") - 1
    return f"The list of announcement {stated.announcement}, {rows} rows, in force from this day."


def _told(date: str, text: str) -> str:
    return fill(text, _WIDTH, initial_indent=f"{date:<12}", subsequent_indent=_INDENT)
