"""The command ``cellbook``: a table of commands, each imported only when it runs.

A verifier must not load a web framework or a database, so this module imports none of its
commands, and the help of the group is written from the table.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

import click

from cli.ending import failure_exit, open_output, reader_watched
from cli.output import Example, flush


class Entry(NamedTuple):
    """Where a command is, and its line in the list of commands."""

    place: str
    line: str


COMMANDS: dict[str, Entry] = {
    "init": Entry("cli.init:init", "Make a ledger: folder, keys, database, trust file."),
    "serve": Entry("cli.serve:serve", "Run the service of a ledger."),
    "keygen": Entry("cli.keygen:keygen", "Make an encrypted key file."),
    "operator": Entry("cli.operator:operator", "Register operators and their keys."),
    "policy": Entry("cli.policy:policy", "Show a ledger's policy, change it, end the log."),
    "list": Entry("cli.listing.command:list_", "State public lists, and prove who was on them."),
    "event": Entry("cli.event:event", "Sign an event of a battery, and submit or keep it."),
    "import": Entry("cli.importing.command:import_", "Sign a table of events into an outbox."),
    "schema": Entry("cli.schema:schema", "Print how events are written, or templates for them."),
    "envelope": Entry("cli.envelope:envelope", "Sign that a document existed, by its digest."),
    "mandate": Entry("cli.mandate:mandate", "Let another operator, or a device, sign for you."),
    "lot": Entry("cli.lot:lot", "Put units under one root; prove that one is among them."),
    "submit": Entry("cli.submit:submit", "Submit signed statements to a service."),
    "search": Entry("cli.search:search", "Find batteries by serial, operator, passport or batch."),
    "dossier": Entry("cli.dossier:dossier", "Fetch the dossier of a battery."),
    "verify": Entry("cli.verify:verify", "Check a dossier offline against a trust file."),
    "supplier": Entry("cli.supplier:supplier", "Look at an operator before you buy from it."),
    "trust": Entry("cli.trust:trust", "Show what a trust file makes you rely on."),
    "inspect": Entry("cli.inspect:inspect", "Show the content of a file; verify nothing."),
    "audit": Entry("cli.audit:audit", "Replay a published log, and go on from there."),
    "fault": Entry("cli.fault:fault", "Check the evidence of a fault that somebody has kept."),
    "mirror": Entry("cli.mirror:mirror", "Copy a published log as static files."),
    "witness": Entry("cli.witness:witness", "Cosign checkpoints of logs, of one history each."),
    "fsck": Entry("cli.fsck:fsck", "Recompute a whole ledger and name the first damage."),
    "rebuild": Entry("cli.rebuild:rebuild", "Make anew what a ledger derives from its entries."),
    "demo": Entry("cli.demo:demo", "Tell the life of one battery, with a real service."),
}


class Commands(click.Group):
    """The group whose commands are in a table. Every way out of it is an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.place.partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.place} is not a command")
        command.short_help = entry.line
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.line) for name, entry in COMMANDS.items()])

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        with reader_watched():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with reader_watched():
            return super().invoke(ctx)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Run, and leave by ``sys.exit``: errors are printed as ``cli.ending`` says."""
        given = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(given, *rest, **{**extra, "standalone_mode": False})
            with reader_watched():
                flush()
        # Ending by a signal or an error is reported in one place, whatever the command did.
        except BaseException as error:
            code = failure_exit(error, given)
        sys.exit(code if type(code) is int else 0)


@click.group(
    cls=Commands,
    epilog=Example(
        "cellbook demo",
        "cellbook verify battery.dossier --trust trust.toml",
        "cellbook COMMAND --help",
    ),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="cellbook", message="cellbook %(version)s")
def cellbook() -> None:
    """A chain-of-custody ledger for batteries.

    Every event in a battery's life is signed by who did it and kept in an append-only log. Whoever
    holds a battery's dossier and the ledger's trust file can check the history offline.

    Exit codes: 0 every required check was made and passed; 1 something is false, refused or
    damaged; 2 the command line, or a file that it names, cannot be used; 3 a required check or
    action could not be made.
    """


def main() -> None:
    """The console script."""
    open_output()
    cellbook.main(prog_name="cellbook")
