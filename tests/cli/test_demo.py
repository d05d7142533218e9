"""``cellbook demo``: it runs whole, says what it did, and leaves files with which to go on."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cli import demo as demo_module
from cli.demo import DEFAULT, fresh_folder
from cli.event_fields import fields_of
from cli.story import STORIES, TWO_LIVES, modules, service
from cli.story.cast import ACTORS, PACK, PAPERS, SECOND_LIFE, Paper, Ref, Step, Story
from cli.story.play import falsified
from cli.story.service import without_network
from cli.story.splitting import MODULES, SPARE, STORAGE_UNIT
from keys.errors import CellbookError
from ledger.custody.identifiers import parse_gbt34014, parse_operator_uri
from ledger.custody.values.times import parse_moment
from ledger.proof.dossier import decode_dossier
from ledger.wire.statement import parse_statement
from tests.cli.running import clean_environment, console, refused, run, run_json
from tests.service import running_service

STEPS = TWO_LIVES.steps
README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def told(place: Path) -> str:
    """What the demo printed, run as a newcomer runs it."""
    done = console("demo", cwd=place, env=clean_environment())
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_it_tells_every_step_and_who_signs_it(told: str) -> None:
    words = " ".join(told.split())
    for title, _ in TWO_LIVES.chapters:
        assert title in told
    for step in STEPS:
        assert f"{step.at[:10]} {step.tale}" in words
        end = f", and is REFUSED: {step.refused}" if step.refused else ": entry "
        assert f'{step.by.name} signs "{step.kind}"{end}' in words
    for actor in ACTORS:
        assert actor.uri in told
    assert "was never assessed" in words


def test_the_dossier_is_genuine_and_the_falsified_one_is_not(told: str) -> None:
    first, second = told.split("The buyer checks it")[1].split("One bit is changed")
    assert "| RECORD    GENUINE" in first
    assert f"| LABEL     MATCHES {SECOND_LIFE}" in first
    assert "exit code 0" in first
    assert "RECORD NOT GENUINE: entry " in second
    assert "failed.signature" in second
    assert "exit code 1" in second
    assert "removed on 2025-05-10, not on 2025-04-10" in second
    if without_network():
        assert "$ unshare " in first


def test_both_lives_are_in_the_file(told: str, place: Path) -> None:
    dossier = decode_dossier((place / DEFAULT / "battery.dossier").read_bytes())
    subjects = {parse_statement(entry.leaf).sub.rpartition(":")[2] for entry in dossier.entries}
    assert {PACK, SECOND_LIFE} < subjects
    changed = (place / DEFAULT / "falsified.dossier").read_bytes()
    data = (place / DEFAULT / "battery.dossier").read_bytes()
    assert sum((a ^ b).bit_count() for a, b in zip(data, changed, strict=True)) == 1
    assert falsified(data)[0] == changed


def test_its_files_are_kept_and_keys_are_private(told: str, place: Path) -> None:
    folder = place / DEFAULT
    statements = sorted(file.stem for file in (folder / "statements").iterdir())
    receipts = sorted(file.stem for file in (folder / "receipts").iterdir())
    assert len(statements) == len(ACTORS) + len(STEPS)
    assert [name for name in statements if name not in receipts] == ["18-too-early"]
    for secret in (*folder.rglob("*.pem"), *folder.rglob("passphrase")):
        assert secret.stat().st_mode & 0o077 == 0, secret
    assert sorted(file.name for file in (folder / "papers").iterdir()) == sorted(PAPERS)
    assert not list((folder / "ledger").rglob("root.pem"))
    assert (folder / ".gitignore").read_text() == "*\n"


def test_the_commands_at_the_end_work(told: str, place: Path) -> None:
    text = told.split("Go on by hand\n-------------\n")[1]
    note = (place / DEFAULT / "README.txt").read_text().partition(":\n\n")[2]
    assert text.split() == note.split()
    text = text.replace("\\\n", " ")
    lines = [shlex.split(line)[1:] for line in text.split("\n") if "cellbook " in line]
    assert [words[0] for words in lines] == [
        "serve",
        "event",
        "submit",
        "dossier",
        "verify",
        "inspect",
        "fsck",
    ]
    with running_service(place / DEFAULT / "ledger") as running:
        for words in lines[1:]:
            here = [re.sub(r"^http://127\.0\.0\.1:\d+$", running.url, word) for word in words]
            done = console(*here, cwd=place, env=clean_environment())
            assert done.returncode == 0, (words, done.stdout, done.stderr)


def test_a_second_demo_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    assert fresh_folder(folder) == folder
    assert fresh_folder(folder) == tmp_path / "demo-2"
    assert fresh_folder(folder) == tmp_path / "demo-3"


def test_a_folder_of_somebody_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    refused("usage.demo.folder", "demo", "--folder", tmp_path, code=2)
    (tmp_path / "README.txt").write_text("My own project.\n")
    refused("usage.demo.folder", "demo", "--folder", tmp_path, code=2)
    refused("usage.file.write", "demo", "--folder", tmp_path / "mine.txt" / "x", code=2)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["README.txt", "mine.txt"]


def test_json_is_one_object_and_the_story_goes_to_stderr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And where no namespace can be made, it says so."""
    monkeypatch.setattr(service, "_NAMESPACES", (("no-such-program",), ("false",)))
    result = run("demo", "--folder", tmp_path / "d", "--json")
    facts = json.loads(result.stdout)
    assert (facts["ok"], facts["verify_exit"], facts["falsified_exit"]) == (True, 0, 1)
    assert facts["battery"] == SECOND_LIFE
    assert "Go on by hand" in result.stderr
    assert "$ cellbook verify" in result.stderr
    assert "A process without network cannot be made here" in result.stderr


@pytest.mark.parametrize("story", STORIES.values(), ids=lambda story: str(story.name))
def test_the_stories_are_consistent(story: Story) -> None:
    """Their data, before anything is run: names, references, dates and codes."""
    names = [step.name for step in story.steps]
    assert len(set(names)) == len(names)
    moments = [parse_moment(step.at) for step in story.steps]
    assert moments == sorted(set(moments))
    for position, step in enumerate(story.steps):
        known = {field.wire for field in fields_of(step.kind)}
        assert set(step.says) <= known, step.name
        assert step.by in story.actors
        for leaf in _leaves(dict(step.says)):
            if isinstance(leaf, Ref):
                assert leaf.step in names[:position], step.name
            if isinstance(leaf, Paper):
                assert leaf.file in PAPERS
    for actor in story.actors:
        assert parse_operator_uri(actor.uri) == actor.uri
    assert [step.refused for step in story.steps if step.refused] == ["rejected.ORD-4"]


def test_second_life_codes_follow_from_the_first() -> None:
    days = {step.name: step.at[:10] for story in STORIES.values() for step in story.steps}
    old = parse_gbt34014(PACK)
    assert old.dates == (days["made"],)
    for code, day, level in ((SECOND_LIFE, days["repurposed"], "P"), (SPARE, days["split"], "M"),
                             (STORAGE_UNIT, days["merged"], "P")):  # fmt: skip
        new = parse_gbt34014(code)
        assert (new.maker, new.chemistry, new.specification) == (
            old.maker,
            old.chemistry,
            old.specification,
        )
        assert (new.dates, code[3], code[-1]) == ((day,), level, level)
    for number, code in enumerate(MODULES, 1):
        assert parse_gbt34014(code).dates == (days["made"],)
        assert code.endswith(str(number))


@pytest.fixture(scope="module")
def parted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of the story of the modules, and what was printed."""
    place = tmp_path_factory.mktemp("modules")
    done = console("demo", "--story", "modules", cwd=place, env=clean_environment())
    assert (done.returncode, done.stderr) == (0, "")
    return place / DEFAULT, done.stdout


def test_the_listed_recycler_and_the_unlisted_one(parted: tuple[Path, str]) -> None:
    folder, told = parted
    verdicts = {check.title: told.split(check.title)[1] for check in modules.STORY.checks}
    unit, third, spare, listed, stranger = verdicts.values()
    assert f"LABEL     MATCHES {STORAGE_UNIT}" in unit
    assert f"Made from {MODULES[0]} and {MODULES[1]}" in unit
    recycled = "'recycled' of 2025-07-1"
    assert f"[LST-1]   {recycled}" not in third.split("The module that the unlisted")[0]
    assert f"[LST-1]   {recycled}1: not listed for recycling" in spare.split("Was Recycler G")[0]
    assert "LISTED    YES on 2025-07-10: recycling" in listed.split("Was Scrap Dealer")[0]
    assert "LISTED    NO, not on 2025-07-11" in stranger
    trust = ("--trust", folder / "trust.toml")
    run("fsck", folder / "ledger")
    run("verify", folder / "spare-module.dossier", *trust, "--strict", code=1)


def test_the_readme_prints_what_is_printed(told: str, parted: tuple[Path, str]) -> None:
    """Line by line, but for times and places in the log, and for what is left out."""
    for heading, text in (("Try it", told), ("The modules of a pack", parted[1])):
        section = README.read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
        lines = [line for line in section.split("\n") if line.startswith("  | ")]
        assert lines
        printed = [_timeless(line) for line in text.split("\n")]
        for line in lines:
            assert _timeless(line) in printed, line


def _timeless(line: str) -> str:
    line = re.sub(r" up to .* UTC", " up to", line)
    line = re.sub(r" entry \d+", " entry", line)
    return re.sub(r"\((just now|.* ago)\)", "", line).rstrip()


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _of(*steps: Step) -> Story:
    return msgspec.structs.replace(TWO_LIVES, chapters=(("All", steps),))


@pytest.mark.parametrize("expected", ["rejected.ORD-3", None])
def test_a_ledger_that_decides_otherwise_ends_the_demo(
    expected: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [
        msgspec.structs.replace(step, refused=expected) if step.refused else step for step in STEPS
    ]
    monkeypatch.setitem(STORIES, TWO_LIVES.name, _of(*steps))
    found = run_json("demo", "--folder", tmp_path / "d", code=1)
    assert found["error"]["code"] == "rejected.ORD-4"


def test_a_refusal_that_does_not_come_ends_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = msgspec.structs.replace(STEPS[0], refused="rejected.ORD-4")
    monkeypatch.setitem(STORIES, TWO_LIVES.name, _of(first))
    refused("rejected.demo.story", "demo", "--folder", tmp_path / "d", code=1)


def test_the_number_of_folders_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_module, "_MOST_FOLDERS", 3)
    fresh_folder(tmp_path / "demo")
    fresh_folder(tmp_path / "demo")
    with pytest.raises(CellbookError) as caught:
        fresh_folder(tmp_path / "demo")
    assert caught.value.code == "usage.demo.folder"
