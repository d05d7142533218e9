"""Every refusal of Cellbook: a stable code, what is wrong, where, and what to do next.

A code is ``class.name``. The class fixes the exit code of the command line, the HTTP status and
the SCRAPI title; the name is never reused for another meaning. Codes are declared next to the
code that raises them, and ``docs/errors.md`` is generated from the declarations.
"""

from __future__ import annotations

from typing import NamedTuple


class ErrorClass(NamedTuple):
    """What the class of an error fixes."""

    name: str
    exit_code: int
    http_status: int
    title: str
    meaning: str


CLASSES: dict[str, ErrorClass] = {
    row.name: row
    for row in (
        ErrorClass("malformed", 1, 400, "Malformed request", "the bytes are not of the format"),
        ErrorClass("failed", 1, 400, "Rejected", "a cryptographic check was made and failed"),
        ErrorClass("rejected", 1, 400, "Rejected", "a rule or the policy refuses it"),
        ErrorClass("conflict", 1, 409, "Rejected", "it contradicts what is registered"),
        ErrorClass("damaged", 1, 500, "Damaged", "stored data are not what was written"),
        ErrorClass("usage", 2, 400, "Malformed request", "the command or the request is wrong"),
        ErrorClass("unsupported", 3, 400, "Rejected", "this version does not know it"),
        ErrorClass("undecided", 3, 409, "Undecided", "a required check could not be made"),
        ErrorClass("missing", 3, 404, "Not Found", "there is no such thing here"),
        ErrorClass("busy", 3, 429, "Too Many Requests", "more than the service takes at once"),
        ErrorClass("unavailable", 3, 503, "Unavailable", "a store or a service cannot be used"),
    )
}


class CellbookError(Exception):
    """Something was refused, or could not be decided.

    ``code`` is stable and for machines; ``where`` names the place (a field, an entry, a file);
    ``detail`` says what was found; ``remedy`` says what to do. ``facts`` carries what a machine
    needs to go on, such as the ``location`` of a registered entry.
    """

    def __init__(
        self, error: ErrorCode, where: str, detail: str, facts: dict[str, str | int]
    ) -> None:
        self.error = error
        self.where = where
        self.detail = detail
        self.facts = facts
        super().__init__(self.describe())

    @property
    def code(self) -> str:
        return self.error.code

    @property
    def error_class(self) -> ErrorClass:
        return self.error.error_class

    @property
    def exit_code(self) -> int:
        return self.error.error_class.exit_code

    @property
    def http_status(self) -> int:
        return self.error.error_class.http_status

    @property
    def title(self) -> str:
        return self.error.title

    @property
    def remedy(self) -> str:
        return self.error.remedy

    def describe(self) -> str:
        """One sentence or two: what is wrong, where, and what was found."""
        text = self.error.meaning
        if self.detail:
            text = f"{text.rstrip('.')}: {self.detail}"
        return f"{self.where}: {text}" if self.where else text

    def as_dict(self) -> dict[str, object]:
        """For ``--json`` and problem documents."""
        return {
            "code": self.code,
            "detail": self.describe(),
            "where": self.where,
            "remedy": self.remedy,
            **self.facts,
        }


class MalformedError(CellbookError):
    """The bytes are not of the format."""


class FailedError(CellbookError):
    """A cryptographic check was made and failed."""


class RejectedError(CellbookError):
    """A rule or the policy refuses it."""


class ConflictError(CellbookError):
    """It contradicts what is registered."""


class DamagedError(CellbookError):
    """Stored data are not what was written."""


class UsageError(CellbookError):
    """The command or the request is wrong."""


class UnsupportedError(CellbookError):
    """This version does not know it."""


class UndecidedError(CellbookError):
    """A required check could not be made. Never a kind of "the check failed"."""


class MissingError(CellbookError):
    """There is no such thing here."""


class BusyError(CellbookError):
    """More than the service takes at once."""


class UnavailableError(CellbookError):
    """A store or a service cannot be used."""


_EXCEPTIONS: dict[str, type[CellbookError]] = {
    "malformed": MalformedError,
    "failed": FailedError,
    "rejected": RejectedError,
    "conflict": ConflictError,
    "damaged": DamagedError,
    "usage": UsageError,
    "unsupported": UnsupportedError,
    "undecided": UndecidedError,
    "missing": MissingError,
    "busy": BusyError,
    "unavailable": UnavailableError,
}


class ErrorCode(NamedTuple):
    """A declared code. ``raise CODE.at(where, detail)`` makes the exception of its class."""

    code: str
    meaning: str
    remedy: str
    title: str

    @property
    def error_class(self) -> ErrorClass:
        return CLASSES[self.code.partition(".")[0]]

    def at(self, where: str = "", detail: str = "", **facts: str | int) -> CellbookError:
        """The exception to raise: ``where`` it is, ``detail`` of what was found."""
        return _EXCEPTIONS[self.error_class.name](self, where, detail, facts)


_catalogue: dict[str, ErrorCode] = {}


def declare(code: str, meaning: str, remedy: str, *, title: str = "") -> ErrorCode:
    """Declare ``code`` once, at module level, beside the code that raises it.

    ``title`` replaces the class's SCRAPI title where SCRAPI names a narrower one.
    Raises ``ValueError`` for an unknown class or a code that is declared twice.
    """
    error_class = CLASSES.get(code.partition(".")[0])
    if error_class is None or code in _catalogue:
        raise ValueError(f"unknown class or declared twice: {code}")
    _catalogue[code] = declared = ErrorCode(code, meaning, remedy, title or error_class.title)
    return declared


def catalogue() -> tuple[ErrorCode, ...]:
    """All codes declared by the modules loaded so far, sorted."""
    return tuple(_catalogue[code] for code in sorted(_catalogue))
