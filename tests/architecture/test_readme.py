"""The documents: every command in them exists, and every file that they point to is there."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cli.main import cellbook

ROOT = Path(__file__).parents[2]
GENERATED = {"errors.md", "rules.md", "events.md"}
DOCUMENTS = sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))
WRITTEN = [path for path in DOCUMENTS if path.name not in GENERATED]
COMMAND = re.compile(r"(?:^|[|(`$ /])(cellbook .*)")


def name_of(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("document", WRITTEN, ids=name_of)
def test_commands_can_be_parsed(document: Path) -> None:
    for words in commands(document):
        parse(words)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_to_files(document: Path) -> None:
    text = document.read_text("utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        name, _, anchor = target.partition("#")
        if "://" in target:
            continue
        file = document.parent / name if name else document
        assert file.exists(), f"{document.name} points to {target}"
        if anchor:
            assert anchor in anchors(file), f"{document.name} points to {target}"


def test_the_readme_uses_every_command() -> None:
    """Somebody who reads it from the beginning to the end has met all of them."""
    text = (ROOT / "README.md").read_text("utf-8")
    missing = [name for name in cellbook.list_commands(click.Context(cellbook)) if name not in text]
    assert missing == []


def test_the_readme_names_the_targets_of_make() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    text = (ROOT / "README.md").read_text("utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    assert named == targets - {"clean"}


def test_the_readme_installs_extras_that_exist() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = set(re.findall(r"pip install '\.\[([a-z]+)\]'", text))
    assert extras == set(project["project"]["optional-dependencies"])


def test_documents_name_no_place_of_the_machine_that_wrote_them() -> None:
    for document in DOCUMENTS:
        text = document.read_text("utf-8")
        assert not re.search(r"(?<![\w.])/(home|work|root|Users)/", text), document.name


def commands(document: Path) -> Iterator[list[str]]:
    """The words of each command line in the document's blocks of code and in its backticks."""
    text = document.read_text("utf-8")
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for block in blocks:
        for line in block.replace("\\\n", " ").split("\n"):
            match = COMMAND.search(line)
            if match and not is_output(line):
                yield words_of(match[1])
    rest = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    for line in inline(rest):
        yield words_of(line)


def inline(text: str) -> list[str]:
    return [found for found in re.findall(r"`(cellbook [^`]+)`", text) if "COMMAND" not in found]


def is_output(line: str) -> bool:
    """Lines that speak of a command: what to do next, and lists of modules."""
    return line.startswith("next ") or re.match(r"[a-z_/]+\.py ", line) is not None


def words_of(line: str) -> list[str]:
    words = shlex.split(line, comments=True)
    for end in ("|", ">", "&", "<"):
        words = words[: words.index(end)] if end in words else words
    return words


def parse(words: list[str]) -> None:
    """Parse a command line as click would, without running it or looking at files."""
    command: click.Command = cellbook
    context = click.Context(cellbook, info_name="cellbook", resilient_parsing=True)
    rest = [word for word in words[1:] if word not in ("…", "...")]
    if rest and rest[0] in ("COMMAND", "--help"):
        return
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        if rest[0] == "KIND" or "|" in rest:
            return
        below = command.get_command(context, rest[0])
        assert below is not None, words
        context = click.Context(below, info_name=rest[0], parent=context, resilient_parsing=True)
        command, rest = below, rest[1:]
    known = {"--help"} | {
        name for option in command.params for name in (*option.opts, *option.secondary_opts)
    }
    for word in rest:
        if word.startswith("--"):
            assert word.partition("=")[0] in known, f"{word} of {words}"
    command.make_parser(context).parse_args(args=[word for word in rest if word != "--help"])


def anchors(file: Path) -> set[str]:
    """The anchors of a document's headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
