"""The report on a record that is not genuine, not whole, or could not be judged.

There is no life table: nothing in such a file can be relied on.
"""

from __future__ import annotations

from keys.errors import CellbookError
from ledger.proof.report.text import paragraph


def print_refusal(error: CellbookError) -> str:
    """The report on a record that ``verify_dossier`` refused with ``error``, as text."""
    first, told, last = refusal_words(error)
    lines = [*paragraph(f"{first}: {told}", "", 0), *paragraph(last, "", 0), ""]
    lines += [*paragraph(error.remedy, "NEXT"), *paragraph(error.code, "Code")]
    return "\n".join(lines) + "\n"


def refusal_words(error: CellbookError) -> tuple[str, str, str]:
    """The first words, what is wrong in one sentence, and what follows from it."""
    first, last = _verdict(error)
    return first, _told(error), last


def _verdict(error: CellbookError) -> tuple[str, str]:
    """The first words, and what follows from them."""
    if error.exit_code == 3:
        if error.error_class.name == "unsupported":
            return (
                "CANNOT TELL",
                "Whether the file is forged was not established, nor anything else.",
            )
        return "CANNOT TELL", "Not a sign of forgery. Nothing in the file was established."
    if error.code in ("failed.dossier.missing", "failed.dossier.incomplete"):
        return "RECORD INCOMPLETE", "What is in the file may not be the whole history."
    return "RECORD NOT GENUINE", "Nothing in the file is reliable."


def _told(error: CellbookError) -> str:
    """What is wrong, in one sentence for people."""
    if error.code == "undecided.trust.other-ledger":
        ours, theirs = error.facts["trusted"], error.facts["found"]
        return f"your trust file is for ledger {ours}, this file is from ledger {theirs}."
    if error.code == "failed.dossier.incomplete":
        return _lacking(error)
    if error.code in ("failed.signature", "failed.algorithm") and "receipt" not in error.where:
        place = error.where.partition(",")[0]
        return f"{place} was changed after it was signed, or its signature is forged."
    return error.describe()


def _lacking(error: CellbookError) -> str:
    missing = int(error.facts["exist"]) - int(error.facts["held"])
    rest = "the missing one" if missing == 1 else f"the {missing} missing ones"
    return f"{error.detail}. Ask the sender for {rest}."
