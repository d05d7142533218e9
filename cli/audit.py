"""``cellbook audit``: decide once more whatever a log has decided."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.auditing import Look, checkpoints_in, cosigner_of
from cli.log_source import open_source
from cli.output import Example, flush, json_option, print_note
from cli.signing import passphrase_option
from cli.trust import read_trust
from cli.verify import TRUST
from keys.errors import FailedError, MalformedError

if TYPE_CHECKING:
    from ledger.monitor.auditing.past import PastLogs


def open_past(opened: ExitStack, copies: Sequence[Path]) -> PastLogs | None:
    """The logs before, out of copies, the newest first; they are closed with ``opened``. Raises
    what ``OfflineLog`` raises."""
    from ledger.monitor.auditing.past import PastLogs
    from ledger.monitor.copying.offline import OfflineLog

    logs = [opened.enter_context(OfflineLog(folder)) for folder in copies]
    return PastLogs(logs) if logs else None


@click.command(
    epilog=Example(
        "cellbook audit https://log.example.org --state audit --trust trust.toml",
        "cellbook audit copy --state audit --trust trust.toml --json",
        "cellbook audit https://log.example.org --state audit --trust trust.toml --follow",
        "cellbook audit https://log.example.org --state audit --trust trust.toml "
        "--cosign auditor.pem --name audits.example.net",
        "cellbook audit https://log.example.org --state audit --trust trust.toml "
        "--compare other-auditor",
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
@click.option(
    "--compare",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Another auditor's state folder, or a file with a checkpoint that somebody else was "
    "shown: do both see one history? May be given more than once.",
)
@click.option(
    "--cosign",
    type=click.Path(path_type=Path),
    help="The auditor's key file: after a whole audit in which nothing is wrong, cosign the "
    "checkpoint, and hand it in to the service. Never a witness's key.",
)
@click.option("--name", help="The auditor's name, as in its vkey.")
@click.option(
    "--before",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="COPY",
    help="Copy of the log that this one follows, by `cellbook mirror`: what was taken over from it "
    "is compared. Repeat it for the logs before that one.",
)
@passphrase_option
@json_option
def audit(
    place: str,
    state: Path,
    trust: Path,
    follow: bool,
    every: int,
    processes: int | None,
    compare: tuple[Path, ...],
    cosign: Path | None,
    name: str | None,
    passphrase_file: Path | None,
    before: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Replay a whole published log from its tiles, and go on from there the next time.

    Checks the checkpoint, that nothing that was seen before has changed, every entry, every
    signature, every decision under the policy then in force, and every index root. Exit codes:
    0 nothing is wrong, 1 something is (its evidence is in the state folder), 3 it could not be
    told.
    """
    from ledger.monitor.auditing.audit import Auditor

    try:
        believed, _ = read_trust(trust)
    except MalformedError as error:
        # Exit code 1 says that the log is wrong.
        raise TRUST.at(str(trust), error.describe()) from error
    others = [note for path in compare for note in checkpoints_in(path)]
    cosigner = cosigner_of(cosign, name, passphrase_file)
    with ExitStack() as opened:
        source = opened.enter_context(open_source(place))
        past = open_past(opened, before)
        auditor = opened.enter_context(Auditor(believed, state, processes=processes, past=past))
        look = Look(auditor, source, place, cosigner, as_json)
        try:
            look.once(others)
            while follow:
                flush()
                time.sleep(every)
                look.again()
        except (FailedError, MalformedError) as error:
            if not as_json:
                print_note(f"evidence: {error.facts.get('evidence', 'none')}")
            raise
