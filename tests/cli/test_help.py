"""Every command and option explains itself, and its examples are commands that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from cli.main import COMMANDS, cellbook


def walk(command: click.Command, context: click.Context) -> Iterator[click.Context]:
    """The contexts of ``command`` and of all commands below it."""
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None, f"{context.command_path} {name}"
            yield from walk(below, click.Context(below, parent=context, info_name=name))


@pytest.fixture(params=COMMANDS)
def tree(request: pytest.FixtureRequest) -> list[click.Context]:
    root = click.Context(cellbook, info_name="cellbook")
    command = cellbook.get_command(root, request.param)
    assert command is not None
    return list(walk(command, click.Context(command, parent=root, info_name=request.param)))


def test_every_command_has_help_with_an_example(tree: list[click.Context]) -> None:
    for context in tree:
        assert context.command.help, context.command_path
        assert context.command.get_short_help_str(200), context.command_path
        if context.parent is not None and context.parent.command_path == "cellbook event":
            # One example stands for kinds of events that differ in their fields only.
            continue
        assert "cellbook " in (context.command.epilog or ""), context.command_path


def test_every_option_has_help(tree: list[click.Context]) -> None:
    for context in tree:
        for parameter in context.command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{context.command_path} {parameter.opts}"


def test_every_command_has_json(tree: list[click.Context]) -> None:
    for context in tree:
        if isinstance(context.command, click.Group):
            continue
        assert "--json" in options(context.command), context.command_path


def test_examples_use_commands_and_options_that_exist(tree: list[click.Context]) -> None:
    for context in tree:
        for example in examples(context.command.epilog or ""):
            check_example(example)


def test_examples_of_the_group_exist() -> None:
    for example in examples(cellbook.epilog or ""):
        if "COMMAND" not in example:
            check_example(example)


def test_help_fits_a_terminal(tree: list[click.Context]) -> None:
    for context in tree:
        text = context.command.get_help(context)
        assert text.startswith("Usage: cellbook ")


def options(command: click.Command) -> set[str]:
    return {name for p in command.params for name in (*p.opts, *p.secondary_opts)}


def examples(epilog: str) -> list[list[str]]:
    """The words of each command line in an epilog, without what is piped into it."""
    lines = epilog.replace("\\\n", " ").split("\n")
    found = [match[0] for line in lines if (match := re.search(r"(^|[| ])cellbook .*", line))]
    return [shlex.split(line.strip("| ")) for line in found]


def check_example(words: list[str]) -> None:
    command: click.Command = cellbook
    context = click.Context(cellbook, info_name="cellbook")
    words = words[1:]
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        below = command.get_command(context, words[0])
        assert below is not None, words
        command, context, words = below, click.Context(below, parent=context), words[1:]
    known = options(command) | {"--help"}
    for word in words:
        if word.startswith("--"):
            assert word.partition("=")[0] in known, f"{word} of {words}"
