"""What ``cellbook audit`` does with an audit: what it prints, cosigns, and compares with."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.output import print_json, print_note, print_result, progress, read_file
from cli.signing import load_signer
from keys.errors import (
    BusyError,
    CellbookError,
    MissingError,
    UnavailableError,
    UndecidedError,
)
from ledger.custody.values.times import format_moment

if TYPE_CHECKING:
    from ledger.monitor.auditing.audit import Auditor
    from ledger.monitor.auditing.audited import Audited
    from ledger.monitor.auditing.cosigning import Cosigner
    from ledger.monitor.source import LogSource


def cosigner_of(
    key: Path | None, name: str | None, passphrase_file: Path | None
) -> Cosigner | None:
    """Who cosigns. Raises ``usage.passphrase.*``, ``usage.audit.cosigner``."""
    from ledger.monitor.auditing.cosigning import Cosigner

    if (key is None) != (name is None):
        raise click.UsageError("--cosign and --name belong together.")
    if key is None or name is None:
        return None
    cosigner = Cosigner(name, load_signer(key, passphrase_file))
    # Not after an hour's audit: what is wrong with the name or the key.
    _ = cosigner.verifier
    return cosigner


def checkpoints_in(path: Path) -> list[bytes]:
    """The checkpoints in a state folder, or the one in a file."""
    from ledger.monitor.auditing.faults import OTHERS
    from ledger.monitor.auditing.state import known_checkpoints
    from ledger.wire.note import MAX_NOTE

    notes = known_checkpoints(path) if path.is_dir() else [read_file(path, MAX_NOTE)]
    if not notes:
        raise OTHERS.at(str(path), "no checkpoint in this folder")
    return notes


class Look:
    """One auditor's looks at one log, and what it says of them."""

    def __init__(
        self,
        auditor: Auditor,
        source: LogSource,
        place: str,
        cosigner: Cosigner | None,
        as_json: bool,
    ) -> None:
        self._auditor = auditor
        self._source = source
        self._place = place
        self._cosigner = cosigner
        self._as_json = as_json

    def once(self, others: list[bytes]) -> None:
        """The first one; raises what is wrong."""
        with progress("auditing entries", quiet=self._as_json) as tell:
            report = self._auditor.run(self._source, tell, others=others)
        text, facts = _text(self._place, report), _facts(self._place, report)
        if self._cosigner is not None:
            word, cosigned = self._cosign(self._cosigner, report)
            text, facts = f"{text}\n{word}", {**facts, "cosigned": cosigned}
        print_result(text, facts, as_json=self._as_json)

    def again(self) -> None:
        """One more; what could not be looked at now is looked at the next time."""
        try:
            report = self._auditor.run(self._source)
            if report.replayed:
                self._tell(report)
        except (BusyError, MissingError, UnavailableError, UndecidedError) as error:
            print_note(f"could not be audited now: {error.describe()}")

    def _tell(self, report: Audited) -> None:
        facts = _facts(self._place, report)
        done = f"{report.replayed} new entries, {report.size} in all"
        text = f"{format_moment(report.time, 0)}  {done}: nothing is wrong"
        if self._cosigner is not None:
            word, facts["cosigned"] = self._cosign(self._cosigner, report)
            text = f"{text}; {word}"
        if self._as_json:
            print_json({"ok": True, **facts})
        else:
            click.echo(text)

    def _cosign(self, cosigner: Cosigner, report: Audited) -> tuple[str, dict[str, Any]]:
        cosigned = self._auditor.cosign(cosigner, int(time.time()))
        error = self._hand_in(cosigned.note)
        facts = {
            "vkey": cosigned.vkey,
            "size": cosigned.size,
            "time": cosigned.time,
            "named": cosigned.is_named,
            "handed_in": error is None,
            "note": cosigned.note.decode(),
        }
        word = f"cosigned as {cosigner.name} at {format_moment(cosigned.time, 0)}"
        if report.withheld:
            word += f", but for {report.withheld} decisions on values that are withheld"
        if not cosigned.is_named:
            word += "; the log's policy does not name this auditor, so nobody counts it"
        if error is not None:
            word += f"; not handed in: {error}"
        return word, facts

    def _hand_in(self, note: bytes) -> str | None:
        """Give the note to the service, where it is one; why it does not have it."""
        from cli.log_source import RemoteSource

        if not isinstance(self._source, RemoteSource):
            return "this is no service"
        try:
            self._source.hand_in(note)
        except CellbookError as error:
            return error.describe()
        return None


def _facts(place: str, report: Audited) -> dict[str, Any]:
    import msgspec

    facts = msgspec.structs.asdict(report)
    return {"log": place, **facts, "root": report.root.hex()}


def _text(place: str, report: Audited) -> str:
    withheld = f", {report.withheld} not replayable: withheld" if report.withheld else ""
    witnesses = ", ".join((*report.witnesses, *report.auditors)) or "none that is known"
    last = format_moment(report.time, 0)
    others = "Not checked: that others see this log. Compare a checkpoint that they hold."
    if report.compared:
        sizes = ", ".join(map(str, report.compared))
        others = f"The checkpoints to compare with are of this history: {sizes} entries."
    resting = ""
    if report.resting:
        resting = f", {report.resting} of them as the log before knew them, which was not read"
    return f"""\
{place}: nothing is wrong
  log          {report.origin}
  entries      {report.size}, {report.before} of them audited before
  replayed     {report.replayed} decisions, their signatures verified{withheld}
  root         {report.root.hex()}
  heads        {report.heads}, their index roots recomputed; the last one of {last}
  policy       {report.policy}
  subjects     {report.subjects}{resting}
  cosigned by  {witnesses}
{others}"""
