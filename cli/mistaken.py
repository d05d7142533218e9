"""A file of another kind than a command takes: the buyer's mistake, and no sign of forgery."""

from __future__ import annotations

from contextlib import suppress

from keys.errors import CellbookError, declare

KIND = declare(
    "usage.file.kind",
    "The file is of another kind than this command takes.",
    "Name the right file; `cellbook inspect FILE` shows what one says.",
)

TAKEN_BY = {
    "dossier": "cellbook verify",
    "supplier file": "cellbook supplier verify",
    "participation file": "cellbook list verify",
    "proof of a unit in a lot": "cellbook lot verify",
    "list document": "cellbook list hand-in",
    "Signed Statement": "cellbook submit",
    "batch": "cellbook submit",
    "trust file": "the option --trust",
}
"""What takes which kind of file."""


def check_kind(error: CellbookError, data: bytes, file: str, wanted: str) -> None:
    """Raise ``usage.file.kind`` where ``data``, which was refused with ``error``, is another of
    our files than a ``wanted`` one.

    Only what could not be read at all is looked at: a file of the right kind that is forged stays
    what it was called.
    """
    if error.error_class.name != "malformed":
        return
    kind = _kind_of(data)
    if kind in TAKEN_BY and kind != wanted:
        raise KIND.at(file, f"it is a {kind}, which is for {TAKEN_BY[kind]}, and no {wanted}")


def _kind_of(data: bytes) -> str:
    from cli.recognise import recognise

    with suppress(CellbookError):
        return recognise(data, "").kind
    return ""
