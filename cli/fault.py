"""``cellbook fault``: check the evidence that an audit or a verifier has kept against a log."""

from __future__ import annotations

from pathlib import Path

import click

from cli.output import Example, json_option, print_result

_UNDECIDED = 3


@click.command(
    epilog=Example(
        "cellbook fault audit/evidence/0001-failed.audit.fork "
        "--log-key log.example.org/batteries+1f0b3c52+AeKm1…",
    )
)
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--log-key",
    "log_keys",
    metavar="VKEY",
    multiple=True,
    required=True,
    help="The log's checkpoint key, as `cellbook policy show` prints it, and "
    "`cellbook verify --json` (record.log_key). "
    "Repeat it for a log that has changed its key.",
)
@json_option
def fault(folder: Path, log_keys: tuple[str, ...], as_json: bool) -> int:
    """Check evidence against a log, which somebody has kept in FOLDER.

    Exit codes: 0 the log's own signatures prove the fault; 3 they prove what was signed, and the
    rest must be found out by `cellbook audit`; 1 the evidence is none.
    """
    from ledger.monitor.auditing.evidence_check import verify_evidence
    from ledger.wire.verifier import Verifier

    shown = verify_evidence(folder, [Verifier.parse(key) for key in log_keys])
    head = "PROVED" if shown.is_proved else "NOT PROVED by signatures alone"
    text = f"{head}: {shown.code}\nlog     {shown.origin}\n{shown.says}"
    facts = {
        "code": shown.code,
        "origin": shown.origin,
        "size": shown.size,
        "proved": shown.is_proved,
        "says": shown.says,
    }
    print_result(text, facts, as_json=as_json, ok=shown.is_proved)
    return 0 if shown.is_proved else _UNDECIDED
