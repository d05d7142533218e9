"""How commands speak: results on stdout, errors and progress on stderr, JSON where asked."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

from keys.errors import CellbookError, declare

READ = declare(
    "usage.file.read", "The file cannot be read.", "Check its name, its size and whose it is."
)
WRITE = declare(
    "usage.file.write",
    "The file cannot be written.",
    "Check that its folder exists and is yours, and that no file of this name is there.",
)

MAX_FILE = 256 * 1024 * 1024
"""What ``read_file`` reads at most, in bytes."""

_EXAMPLE_WIDTH = 92
_KEPT = frozenset("\n\u3000")
"""Not printable for Python: the end of a line, and the space of Chinese and Japanese texts."""
_Command = TypeVar("_Command", bound=Callable[..., Any])

Progress = Callable[[int, int], None]
"""Called with (done, in all)."""


class Example(str):
    """An epilog of commands that work: ``epilog=Example("cellbook init shop", …)``."""

    __slots__ = ()

    def __new__(cls, *commands: str) -> Example:
        # \b keeps click from filling the lines.
        return super().__new__(cls, "\b\nExamples:\n" + "\n".join(map(_example, commands)))


def _example(command: str) -> str:
    """A command line, broken before its options where it is long."""
    first, *options = command.split(" --")
    lines = [f"  {first}"]
    for part in (f"--{option}" for option in options):
        if len(lines[-1]) + len(part) > _EXAMPLE_WIDTH and "\n" not in command:
            lines[-1] += " \\"
            lines.append("     ")
        lines[-1] += f" {part}"
    return "\n".join(lines)


def json_option(command: _Command) -> _Command:
    """The option ``--json``; the command gets ``as_json``."""
    option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
    return option(command)


def print_result(text: str, facts: dict[str, Any], *, as_json: bool, ok: bool = True) -> None:
    """Print what a command established: ``text`` for people, or ``facts`` with ``ok`` as JSON."""
    if as_json:
        print_json({"ok": ok, **facts})
    else:
        click.echo(printable(text))


def print_json(value: object) -> None:
    """One JSON object on stdout."""
    click.echo(printable(json.dumps(value, ensure_ascii=False, indent=2)))


def print_note(text: str) -> None:
    """A line for people beside the result, on stderr."""
    click.echo(printable(text), err=True)


def print_error(error: CellbookError, *, as_json: bool) -> None:
    """What is wrong, where, its code, and what to do; as JSON on stdout."""
    if as_json:
        print_json({"ok": False, "error": error.as_dict()})
        return
    print_note(f"error: {error.describe()}")
    print_note(f"code: {error.code}")
    print_note(f"what to do: {error.remedy}")


def printable(text: str) -> str:
    r"""``text`` with what would steer a terminal written as JSON escapes (``\u001b``).

    Names and files come from strangers: an escape sequence in one could paint a verdict of its
    own, and a bidirectional override turn a line around. Line ends stay: see ``one_line``.
    """
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(c if c in _KEPT or c.isprintable() else json.dumps(c)[1:-1] for c in text)


def one_line(value: object) -> str:
    """``value`` as text that cannot pass for several lines of our own."""
    return printable(str(value)).replace("\n", "\\n")


def read_file(path: str | os.PathLike[str], limit: int = MAX_FILE) -> bytes:
    """The bytes of a file, or of stdin for ``-``. Raises ``usage.file.read``."""
    name = os.fspath(path)
    try:
        if name == "-":
            data = sys.stdin.buffer.read(limit + 1)
        else:
            with open(name, "rb") as file:
                data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise READ.at(name, getattr(error, "strerror", None) or "not a file name") from None
    if len(data) > limit:
        raise READ.at(name, f"more than {limit} bytes")
    return data


def write_file(path: str | os.PathLike[str], data: bytes, *, overwrite: bool = False) -> None:
    """Write a file that is not secret, or stdout for ``-``. Raises ``usage.file.write``, also
    where the file exists and ``overwrite`` is not given."""
    name = os.fspath(path)
    if name == "-":
        sys.stdout.buffer.write(data)
        return
    try:
        with open(name, "wb" if overwrite else "xb") as file:
            file.write(data)
    except (OSError, ValueError) as error:
        raise WRITE.at(name, getattr(error, "strerror", None) or "not a file name") from None


@contextlib.contextmanager
def progress(label: str, *, quiet: bool = False) -> Iterator[Progress]:
    """A progress bar on stderr while the block runs; nothing where stderr is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def flush() -> None:
    """Write out what is buffered now, so that a reader who went away is noticed here."""
    sys.stdout.flush()
