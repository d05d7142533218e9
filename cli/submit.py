"""``cellbook submit``: hand in what was signed before, one statement or a night's worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from cli.output import WRITE, Example, Progress, json_option, print_result, progress
from cli.saving import save
from cli.submission import Item, Journal, batches, journal_beside, read_items
from keys.errors import CellbookError
from ledger.custody.sourcing import SAME

if TYPE_CHECKING:
    from cli.remote import Batch

UNDECIDED = frozenset({"busy", "unavailable", "undecided", "damaged"})
"""Classes of errors that say nothing about the statement: it may be submitted again."""

_SHOWN = 10
_Send = Callable[[Sequence[bytes]], "Batch"]


class Tally(msgspec.Struct):
    """What became of the statements of one run. ``skipped`` were recorded as done by an earlier
    run, ``repeated`` stood in the input before, ``duplicates`` the service had already: as the same
    bytes, or as the same event of the same source_ref under another signature."""

    statements: int = 0
    registered: int = 0
    duplicates: int = 0
    skipped: int = 0
    repeated: int = 0
    refused: list[tuple[Item, CellbookError]] = []
    undecided: list[tuple[Item, CellbookError]] = []

    @property
    def exit_code(self) -> int:
        """3 where something is open, since then the run is to be repeated."""
        return 3 if self.undecided else 1 if self.refused else 0


@click.command(
    epilog=Example(
        "cellbook submit removal.cose --url http://127.0.0.1:8417",
        "cellbook submit night.cbor-seq --url https://log.example.org --receipts receipts",
        "cellbook submit outbox/ --url https://log.example.org --json",
    )
)
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--url", required=True, help="Address of the service.")
@click.option(
    "--receipts",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write each receipt to DIR/<entry>.receipt.",
)
@click.option(
    "--journal",
    "journal_file",
    type=click.Path(path_type=Path),
    help="File that remembers what is registered. [default: .cellbook-submitted beside FILE]",
)
@json_option
def submit(
    files: tuple[Path, ...],
    url: str,
    receipts: Path | None,
    journal_file: Path | None,
    as_json: bool,
) -> int:
    """Submit the signed statements in FILEs to a service, in order.

    A FILE is one statement, a CBOR sequence of byte strings with one each, or a folder of such
    files (.cose, .cbor-seq, .seq), such as the outbox of `cellbook import`: what is refused of it
    comes back as a table of rows. When the service goes away, run the same command again: it
    goes on where it stopped. Submitting twice does no harm.

    Exit codes: 0 all are registered, 1 some were refused, 3 some could not be decided.
    """
    items = read_items(files)
    from cli.remote import Remote

    with Remote(url) as remote, progress("submitting", quiet=as_json) as show:
        journal = Journal(journal_file or journal_beside(files), remote.url)
        run = Submission(remote.submit, journal, receipts, show)
        tally = run.run(items)
    given_back = _give_back(files, tally)
    facts = submission_facts(tally)
    if given_back:
        facts["refused_files"] = given_back
    text = "\n".join(
        [submission_text(tally, remote.url), *(f"refused rows    {name}" for name in given_back)]
    )
    print_result(text, facts, as_json=as_json, ok=not tally.exit_code)
    return tally.exit_code


def _give_back(files: Sequence[Path], tally: Tally) -> list[str]:
    """What was refused of the outboxes of ``import``, as the rows that it was made of."""
    from cli.importing.outbox import is_outbox, rows_in
    from cli.importing.returned import refused_by_service, write_refused

    errors = {item.locator: error for item, error in tally.refused}
    written: list[Path] = []
    for folder in filter(is_outbox, files if errors else ()):
        written += write_refused(refused_by_service(rows_in(folder), errors), folder)
    return [str(file) for file in written]


class Submission:
    """One run: sends what is not done yet, and keeps what comes back."""

    def __init__(
        self, send: _Send, journal: Journal, receipts: Path | None, show: Progress
    ) -> None:
        self._send = send
        self._journal = journal
        self._receipts = receipts
        self._show = show
        self._tally = Tally()

    def run(self, items: Sequence[Item]) -> Tally:
        """Submit ``items`` in order. Later ones may stand on earlier ones, so the first that the
        service cannot decide ends the run."""
        self._tally.statements = len(items)
        waiting = list(self._to_send(items))
        portions = list(batches(waiting))
        done = 0
        for number, portion in enumerate(portions):
            error = self._submit(portion)
            if error is not None:
                rest = [item for later in portions[number + 1 :] for item in later]
                self._tally.undecided += [(item, error) for item in rest]
                break
            done += len(portion)
            self._show(done, len(waiting))
        return self._tally

    def _to_send(self, items: Sequence[Item]) -> list[Item]:
        seen: set[str] = set()
        waiting = []
        for item in items:
            if item.error is not None:
                self._tally.refused.append((item, item.error))
            elif item.locator in seen:
                self._tally.repeated += 1
            elif self._is_done(item):
                self._tally.skipped += 1
            else:
                waiting.append(item)
            seen.add(item.locator)
        return waiting

    def _is_done(self, item: Item) -> bool:
        if item.locator not in self._journal.done:
            return False
        return self._receipts is None or self._receipt_file(self._receipts, item).exists()

    def _submit(self, portion: list[Item]) -> CellbookError | None:
        """Send a portion; the error that ends the run, if the service could not decide it all."""
        try:
            batch = self._send([item.data for item in portion])
        except CellbookError as error:
            self._tally.undecided += [(item, error) for item in portion]
            return error
        self._tally.duplicates += batch.duplicates
        registered, last = [], None
        for item, answer in zip(portion, batch.answers, strict=True):
            if isinstance(answer, bytes):
                self._keep(item, answer)
                registered.append(item.locator)
            elif answer.code == SAME.code:
                self._tally.duplicates += 1
                registered.append(item.locator)
            elif answer.error_class.name in UNDECIDED:
                self._tally.undecided.append((item, answer))
                last = answer
            else:
                self._tally.refused.append((item, answer))
        self._tally.registered += len(registered)
        self._journal.record(registered)
        return last

    def _keep(self, item: Item, receipt: bytes) -> None:
        if self._receipts is None:
            return
        try:
            self._receipts.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WRITE.at(str(self._receipts), error.strerror or "") from None
        # There may be hundreds of thousands, and each can be had again: no wait for the disk.
        file = self._receipt_file(self._receipts, item)
        save(file, receipt, overwrite=True, durable=False)

    def _receipt_file(self, folder: Path, item: Item) -> Path:
        return folder / f"{item.locator}.receipt"


def submission_facts(tally: Tally) -> dict[str, Any]:
    """What ``--json`` prints of a run."""
    return {
        "statements": tally.statements,
        "registered": tally.registered,
        "duplicates": tally.duplicates,
        "skipped": tally.skipped,
        "repeated": tally.repeated,
        "refused": [_failure(*row) for row in tally.refused],
        "undecided": [_failure(*row) for row in tally.undecided],
    }


def _failure(item: Item, error: CellbookError) -> dict[str, Any]:
    return {"file": item.name, "entry": item.locator, **error.as_dict()}


def submission_text(tally: Tally, url: str) -> str:
    """What is printed of a run for people."""
    word = "statement" if tally.statements == 1 else "statements"
    lines = [f"{tally.statements} {word} for {url}", f"  registered      {tally.registered}"]
    for label, count in (
        ("of them before", tally.duplicates),
        ("done earlier", tally.skipped),
        ("repeated", tally.repeated),
        ("refused", len(tally.refused)),
        ("not decided", len(tally.undecided)),
    ):
        if count:
            lines.append(f"  {label:<15} {count}")
    lines += _by_code("REFUSED", tally.refused) + _by_code("NOT DECIDED", tally.undecided)
    if tally.undecided:
        lines.append("Run the same command again: it goes on where this one stopped.")
    return "\n".join(lines)


def _by_code(title: str, rows: list[tuple[Item, CellbookError]]) -> list[str]:
    """For each code: how often, what to do, and the first files with what was found."""
    codes: dict[str, list[tuple[Item, CellbookError]]] = {}
    for item, error in rows:
        codes.setdefault(error.code, []).append((item, error))
    lines = []
    for code, same in codes.items():
        lines.append(f"{title} {code} ({len(same)})")
        lines += [f"  {item.name}: {error.describe()}" for item, error in same[:_SHOWN]]
        if len(same) > _SHOWN:
            lines.append(f"  and {len(same) - _SHOWN} more; --json lists all")
        lines.append(f"  what to do: {same[0][1].remedy}")
    return lines
