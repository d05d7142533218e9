"""How commands end: every error and every signal is an exit code and a message.

Exit codes: 0 done, 1 false or refused, 2 usage, 3 could not be done (also where the result cannot
be written, and for a fault of the program itself); 130 interrupted, 141 the reader of our output
went away (as shells report it).
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from cli.output import flush, print_error
from keys.errors import CellbookError, declare

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

COMMAND_LINE = declare(
    "usage.command-line",
    "The command line is not right.",
    "Read the command's help: add `--help`.",
)
FAULT = declare(
    "undecided.fault",
    "The program met a fault of its own and stopped; nothing can be concluded from it.",
    "Run it again with CELLBOOK_DEBUG=1 in the environment and report what it prints.",
)
SERVER_PACKAGES = declare(
    "unavailable.packages.server",
    "This command runs or reads a ledger's store, and packages for that are not installed.",
    "Run `pip install 'cellbook[server]'`.",
)
CLIENT_PACKAGES = declare(
    "unavailable.packages.client",
    "This command speaks to a service, and the package for that is not installed.",
    "Run `pip install 'cellbook[client]'`.",
)
OUTPUT = declare(
    "unavailable.output",
    "The result could not be written to standard output, so there is none.",
    "Send it to a place with room, and run the command again.",
)
INTERRUPTED, READER_GONE = 130, 141

_CLIENT = frozenset({"httpx", "httpcore", "anyio"})
_SERVER = frozenset(
    {
        *("alembic", "psycopg", "pysqlite3", "sqlalchemy", "sqlmodel"),
        *("fastapi", "httptools", "pydantic", "starlette", "uvicorn", "uvloop"),
    }
)


class ReaderGone(Exception):
    """Whoever read our output has gone away."""


class OutputLost(OSError):
    """Standard output did not take what was written: no room, or a fault of the device."""


class _Output(io.FileIO):
    """Standard output, whose errors can be told from those of other files."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputLost(error.errno, error.strerror) from error


def open_output() -> None:
    """Make of stdout what commands write to. A terminal of another encoding shows escapes, rather
    than ending the command half-way.

    Whoever closed stdout or stderr wants the exit code alone; and no file of ours may be opened in
    their places.
    """
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is None:
            setattr(sys, stream, open(os.devnull, "w"))  # noqa: SIM115 - until the end
    if sys.__stdout__ is not None and sys.stdout is sys.__stdout__:
        binary = io.BufferedWriter(_Output(sys.stdout.fileno(), "wb", closefd=False))
        sys.stdout = io.TextIOWrapper(
            binary,
            encoding=sys.stdout.encoding,
            errors="backslashreplace",
            line_buffering=sys.stdout.isatty(),
        )


@contextlib.contextmanager
def reader_watched() -> Iterator[None]:
    """Turns a broken pipe into ``ReaderGone``: click would make exit code 1 of it, which says that
    something is false."""
    try:
        yield
    except BrokenPipeError:
        raise ReaderGone from None


def failure_exit(error: BaseException, args: Sequence[str]) -> int:
    """Report why a command ended early, and give its exit code. ``SystemExit`` is raised again."""
    if isinstance(error, (SystemExit, GeneratorExit)):
        raise error
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    if isinstance(error, ReaderGone):
        _forget_stdout()
        return READER_GONE
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and not wants_json(args):
        click.echo(error.format_message(), err=True)
        return error.exit_code
    if isinstance(error, OutputLost):
        _forget_stdout()
        error = OUTPUT.at("stdout", error.strerror or "")
    known = as_cellbook_error(error)
    try:
        print_error(known, as_json=wants_json(args) and known.error is not OUTPUT)
        flush()
    except BrokenPipeError:
        _forget_stdout()
    except OutputLost:
        _forget_stdout()
        print_error(known, as_json=False)
    return known.exit_code


def as_cellbook_error(error: BaseException) -> CellbookError:
    """The error as one with a code: usage, a missing package, or a fault of the program."""
    if isinstance(error, CellbookError):
        return error
    if isinstance(error, click.ClickException):
        return _usage(error)
    if isinstance(error, ModuleNotFoundError):
        package = (error.name or "").partition(".")[0]
        if package in _CLIENT | _SERVER:
            code = CLIENT_PACKAGES if package in _CLIENT else SERVER_PACKAGES
            return code.at("", f"{package} is missing")
    if os.environ.get("CELLBOOK_DEBUG") == "1":
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    return FAULT.at("", f"{type(error).__name__}: {error}"[:500])


def wants_json(args: Sequence[str]) -> bool:
    """Whether ``--json`` stands among the options of a command line, even of a wrong one."""
    options = args[: args.index("--")] if "--" in args else args
    return "--json" in options


def _usage(error: click.ClickException) -> CellbookError:
    context = error.ctx if isinstance(error, click.UsageError) else None
    where = context.command_path if context is not None else ""
    # Choices come in lines of their own.
    return COMMAND_LINE.at(where, " ".join(error.format_message().split()))


def _forget_stdout() -> None:
    # The interpreter flushes stdout once more at its end, and would complain.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
