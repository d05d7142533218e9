"""How commands end: every error and every signal is an exit code and a message.

Exit codes: 0 done, 1 false or refused, 2 usage, 3 could not be done (also for a fault of the
program itself); 130 interrupted, 141 the reader of our output went away (as shells report it).
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence

import click

from cli.output import flush, print_error
from keys.errors import CellbookError, declare

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
    known = as_cellbook_error(error)
    try:
        print_error(known, as_json=wants_json(args))
        flush()
    except BrokenPipeError:
        _forget_stdout()
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
    return COMMAND_LINE.at(where, error.format_message())


def _forget_stdout() -> None:
    # The interpreter flushes stdout once more at its end, and would complain.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
