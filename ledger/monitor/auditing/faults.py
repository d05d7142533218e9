"""What an auditor can find to be wrong with a log as a whole, or with one of its entries."""

from __future__ import annotations

from keys.errors import CellbookError, declare

ENTRY = declare(
    "failed.audit.entry",
    "The log holds an entry that it had to refuse.",
    "Keep the evidence and show it to others; trust nothing that rests on this entry.",
)
GENESIS = declare(
    "failed.audit.genesis",
    "The log's first entry is not the genesis that the trust file names.",
    "Check the address and the trust file; if both are right, this is not the ledger it claims.",
)
ROLLBACK = declare(
    "failed.audit.rollback",
    "The log publishes a smaller tree than it did before.",
    "Keep the evidence: both checkpoints are signed. Ask whoever runs the ledger, or try a newer "
    "mirror.",
)
BEHIND = declare(
    "undecided.audit.behind",
    "The copy of the log is behind what was seen of it before.",
    "Fetch a newer one: `cellbook mirror`.",
)
FORK = declare(
    "failed.audit.fork",
    "The log that was seen before is not the beginning of this one.",
    "Keep the evidence: both checkpoints are signed, and show that the log tells two histories.",
)
INDEX = declare(
    "failed.audit.index",
    "A head states an index that does not follow from the entries before it.",
    "Keep the evidence and show it to others; rely on no statement that a file of this log is "
    "complete.",
)
TIME = declare(
    "failed.audit.time",
    "The checkpoint was cosigned before the time that its head states.",
    "Keep the evidence; the log's times cannot be relied on.",
)

NEWER = declare(
    "undecided.audit.newer",
    "A checkpoint to compare with is of a larger tree than the one that was audited.",
    "Audit the log where that checkpoint is from, with --compare and this state; or try again when "
    "this place has grown.",
)
OTHERS = declare(
    "usage.audit.compare",
    "What is to be compared with is no checkpoint that this log has signed.",
    "Name another audit's state folder, or a file with a checkpoint of this log.",
)

_PASSED_ON = frozenset({"unsupported", "undecided", "missing", "busy", "unavailable"})
"""Classes of errors that say that something could not be decided: of nobody's fault."""


def wrong_entry(index: int, error: CellbookError) -> CellbookError:
    """The fault that ``error`` is, raised by the decision about entry ``index``."""
    where = f"entry {index}" + (f", {error.where}" if error.where else "")
    if error.error_class.name in _PASSED_ON:
        return error.error.at(where, error.detail, **error.facts)
    detail = f"{error.code}: {error.error.meaning} {error.detail}".strip()
    return ENTRY.at(where, detail, entry=index, reason=error.code)
