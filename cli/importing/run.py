"""One run over one table: each row drafted, compared with what is signed already, and signed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cli.drafts import sign_draft
from cli.importing.drafting import Drafted, Drafting
from cli.importing.outbox import Outbox
from cli.importing.sheet import Row, Sheet
from cli.output import Progress, read_file
from cli.submission import JOURNAL
from keys.errors import CellbookError, declare
from keys.signer import Signer
from ledger.custody.sourcing import said_by
from ledger.wire.base64text import encode_base64url

TWICE = declare(
    "malformed.row.repeated",
    "Another row of the table has the same source_ref and says something else.",
    "Correct one of them, or name the records by more columns.",
)
REGISTERED = declare(
    "conflict.import.registered",
    "This record is registered, and the row says something else now.",
    "If the registered event is wrong, sign a correction of it: `cellbook event correction`.",
)

_STEP = 500


class Refused(msgspec.Struct, frozen=True):
    """A row and all that is wrong with it."""

    sheet: Sheet
    line: int
    original: tuple[str, ...]
    errors: tuple[CellbookError, ...]


class Tally(msgspec.Struct):
    """What became of the rows of one run. ``earlier`` were signed by an earlier run, ``repeated``
    stood in the table before, ``replaced`` of the signed ones take the place of others."""

    rows: int = 0
    signed: int = 0
    earlier: int = 0
    repeated: int = 0
    replaced: int = 0
    normalised: int = 0
    refused: list[Refused] = []


class Signing(msgspec.Struct, frozen=True):
    """With what rows are signed."""

    signer: Signer
    issuer: str
    family: str


class Run:
    """Takes the rows of ``sheet``. Without ``signing`` nothing is signed or written.

    ``outbox`` remembers what was signed before, where there is one.
    """

    def __init__(self, sheet: Sheet, outbox: Outbox | None, signing: Signing | None) -> None:
        self.tally = Tally()
        self._sheet = sheet
        self._outbox = outbox
        self._signing = signing
        self._seen: dict[str, tuple[bytes, int]] = {}
        self._done = frozenset() if outbox is None else registered_in(outbox.folder)

    def run(self, drafting: Drafting, found: Iterator[Row], total: int, show: Progress) -> Tally:
        """Take all rows; ``total`` is what the progress bar counts to, in lines."""
        for row in found:
            self.tally.rows += 1
            if self.tally.rows % _STEP == 0:
                show(row.line, total)
            errors = self._take(row, drafting.draft(row))
            if errors:
                refused = Refused(self._sheet, row.line, tuple(row.original), tuple(errors))
                self.tally.refused.append(refused)
        if self._outbox is not None and self._signing is not None:
            self._outbox.flush(self._sheet)
        self.tally.normalised = drafting.normalised
        return self.tally

    def find(self, source_ref: str) -> bytes | None:
        """The entry of an event of this run or of the outbox. In a dry run, entries that are not
        signed have no id yet: zeros stand for them."""
        entry_id = None if self._outbox is None else self._outbox.find(source_ref)
        unsigned = self._signing is None and source_ref in self._seen
        return bytes(32) if entry_id is None and unsigned else entry_id

    def _take(self, row: Row, made: Drafted | list[CellbookError]) -> list[CellbookError]:
        if not isinstance(made, Drafted):
            return made
        said = said_by(made.draft.sub, made.draft.payload)
        before = self._seen.get(made.source_ref)
        if before is not None:
            return self._repeated(made.source_ref, said, *before)
        known = None if self._outbox is None else self._outbox.known.get(made.source_ref)
        if known is not None and known.said == said:
            self.tally.earlier += 1
        elif known is not None and encode_base64url(known.entry_id) in self._done:
            locator = encode_base64url(known.entry_id)
            return [REGISTERED.at("source_ref", f"entry {locator}", location=locator)]
        else:
            self.tally.replaced += known is not None
            self._sign(row, made)
        self._seen[made.source_ref] = (said, row.line)
        return []

    def _repeated(
        self, source_ref: str, said: bytes, before: bytes, line: int
    ) -> list[CellbookError]:
        if said != before:
            return [TWICE.at("source_ref", f"{source_ref!r:.80}, as in line {line}")]
        self.tally.repeated += 1
        return []

    def _sign(self, row: Row, made: Drafted) -> None:
        self.tally.signed += 1
        if self._signing is None or self._outbox is None:
            return
        with_key = self._signing
        statement = sign_draft(
            with_key.signer,
            made.draft,
            issuer=with_key.issuer,
            aud=with_key.family,
            iat=int(time.time()),
        )
        self._outbox.add(row, made.source_ref, made.draft.kind, statement, self._sheet)


def registered_in(folder: Path) -> frozenset[str]:
    """The locators that the journal of an outbox has as registered, by whatever service."""
    journal = folder / JOURNAL
    if not journal.exists():
        return frozenset()
    lines = read_file(journal).decode(errors="replace").split("\n")[:-1]
    return frozenset(line.partition(" ")[0] for line in lines)
