"""``cellbook audit``: decide once more whatever a log has decided."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.log_source import open_source
from cli.output import (
    Example,
    flush,
    json_option,
    print_json,
    print_note,
    print_result,
    progress,
)
from cli.trust import read_trust
from cli.verify import TRUST
from keys.errors import BusyError, FailedError, MalformedError, MissingError, UnavailableError
from ledger.custody.times import format_moment

if TYPE_CHECKING:
    from ledger.monitor.audit import Auditor
    from ledger.monitor.run import Audited
    from ledger.monitor.source import LogSource


@click.command(
    epilog=Example(
        "cellbook audit https://log.example.org --state audit --trust trust.toml",
        "cellbook audit copy --state audit --trust trust.toml --json",
        "cellbook audit https://log.example.org --state audit --trust trust.toml --follow",
    )
)
@click.argument("place", metavar="URL|FOLDER")
@click.option(
    "--state",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder in which the audit keeps what it knows. It is made if there is none.",
)
@click.option(
    "--trust", required=True, type=click.Path(path_type=Path), help="The ledger's trust file."
)
@click.option("--follow", is_flag=True, help="Go on auditing what is new, until interrupted.")
@click.option(
    "--every",
    type=click.IntRange(1, 86_400),
    default=10,
    show_default=True,
    help="Seconds between two looks at the log, with --follow.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 1024),
    help="Processes that verify signatures. The default is one for each core.",
)
@json_option
def audit(
    place: str,
    state: Path,
    trust: Path,
    follow: bool,
    every: int,
    processes: int | None,
    as_json: bool,
) -> None:
    """Replay a whole published log from its tiles, and go on from there the next time.

    Checks the checkpoint, that nothing that was seen before has changed, every entry, every
    signature, and every decision under the policy then in force. Exit codes: 0 nothing is wrong,
    1 something is (its evidence is in the state folder), 3 it could not be told.
    """
    from ledger.monitor.audit import Auditor

    try:
        believed, _ = read_trust(trust)
    except MalformedError as error:
        # Exit code 1 says that the log is wrong.
        raise TRUST.at(str(trust), error.describe()) from error
    with open_source(place) as source, Auditor(believed, state, processes=processes) as auditor:
        try:
            _once(auditor, source, place, as_json)
            while follow:
                flush()
                time.sleep(every)
                _again(auditor, source, place, as_json)
        except (FailedError, MalformedError) as error:
            if not as_json:
                print_note(f"evidence: {error.facts.get('evidence', 'none')}")
            raise


def _once(auditor: Auditor, source: LogSource, place: str, as_json: bool) -> None:
    with progress("auditing entries", quiet=as_json) as tell:
        report = auditor.run(source, tell)
    print_result(_text(place, report), _facts(place, report), as_json=as_json)


def _again(auditor: Auditor, source: LogSource, place: str, as_json: bool) -> None:
    """One more look; what could not be looked at now is looked at the next time."""
    try:
        report = auditor.run(source)
    except (BusyError, MissingError, UnavailableError) as error:
        print_note(f"could not be audited now: {error.describe()}")
        return
    if not report.replayed:
        return
    if as_json:
        print_json({"ok": True, **_facts(place, report)})
    else:
        done = f"{report.replayed} new entries, {report.size} in all"
        click.echo(f"{format_moment(report.time, 0)}  {done}: nothing is wrong")


def _facts(place: str, report: Audited) -> dict[str, Any]:
    import msgspec

    facts = msgspec.structs.asdict(report)
    return {"log": place, **facts, "root": report.root.hex()}


def _text(place: str, report: Audited) -> str:
    withheld = f", {report.withheld} not replayable: withheld" if report.withheld else ""
    witnesses = ", ".join(report.witnesses) or "none that is known"
    resting = ""
    if report.resting:
        resting = f", {report.resting} of them as the log before knew them, which was not read"
    return f"""\
{place}: nothing is wrong
  log          {report.origin}
  entries      {report.size}, {report.before} of them audited before
  replayed     {report.replayed} decisions, their signatures verified{withheld}
  root         {report.root.hex()}
  heads        {report.heads}, the last one of {format_moment(report.time, 0)}
  policy       {report.policy}
  subjects     {report.subjects}{resting}
  cosigned by  {witnesses}
Not checked: that others see this log. Compare a checkpoint that they hold."""
