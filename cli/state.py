"""``--state``: what a verifier remembers of logs between two checks."""

from __future__ import annotations

import shlex
from contextlib import ExitStack, closing
from pathlib import Path

from cli.log_source import open_source
from cli.output import print_note
from keys.errors import CellbookError
from ledger.monitor.kept import KeptCheckpoint
from ledger.proof.verdict.values import Record
from ledger.wire.verifier import Verifier


def compare(folder: Path, log: str | None, record: Record, note: bytes, *, quiet: bool) -> None:
    """Compare the verified checkpoint in ``note`` with what ``folder`` has kept of its log; proofs
    are read from ``log``, a URL or a folder. Raises what ``KeptCheckpoint`` raises."""
    with ExitStack() as stack:
        kept = stack.enter_context(closing(KeptCheckpoint(folder, record.origin)))
        source = None if log is None else stack.enter_context(open_source(log))
        try:
            kept.see(note, Verifier.parse(record.signed_by), source)
        except CellbookError as error:
            if "evidence" in error.facts and not quiet:
                place = shlex.quote(str(error.facts["evidence"]))
                print_note(f"evidence: {error.facts['evidence']}")
                print_note(f"check it: cellbook fault {place} --log-key {record.signed_by}")
            raise
