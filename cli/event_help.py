"""What ``cellbook event KIND --help`` says, made from the fields of the event."""

from __future__ import annotations

from textwrap import wrap

from cli.event_fields import Field, fields_of, written_as
from cli.output import Example
from ledger.custody.events import EVENTS

SIGNING = "--key works.pem --issuer https://works.example --trust trust.toml"
BATTERY = "4A6PCPM27KLPCLE742946319"
"""As in all examples."""

_NEED = {"R": "Required", "C": "Wanted under a condition", "O": "Optional"}


def summary(kind: str) -> str:
    """One line about a kind of event."""
    return (EVENTS[kind, 1].__doc__ or "").partition("\n")[0].replace("``", "`")


def help_of(kind: str) -> str:
    """The text above the options."""
    return f"""Sign an event "{kind}": {summary(kind)}

    The first options are the battery and the fields of the event, required ones first. Parts with
    several fields are JSON objects. References to entries and digests are base64url or hex.
    """


def examples_of(kind: str) -> Example:
    """One with a file, and one with every required option."""
    named = "" if kind == "model" else f" --battery {BATTERY}"
    required = " ".join(
        f"{field.option} …" for field in fields_of(kind) if field.need == "R" and not field.filled
    )
    lines = wrap(required, 84, break_long_words=False, break_on_hyphens=False)
    by_file = (f"cellbook event {kind}{named} --fields {kind}.json", SIGNING)
    by_options = (f"cellbook event {kind}{named}", *lines, SIGNING)
    return Example(
        " \\\n      ".join((*by_file, "--url http://127.0.0.1:8417")),
        " \\\n      ".join((*by_options, f"--out {kind}.cose")),
    )


def field_help(field: Field) -> str:
    """The help of a field's option: need, form, how often."""
    if field.wire == "occurred_at":
        return "When it happened, such as 2026-06-03T10:00:00+08:00. [default: now]"
    if field.wire == "time_precision":
        return "How exact occurred_at is. Required unless that is now."
    if field.wire == "ids":
        return "JSON object with scheme, value; may be repeated. [default: the battery's code]"
    parts = [_NEED[field.need]]
    if written_as(field):
        parts.append(written_as(field))
    if field.many:
        parts.append("may be repeated")
    if field.may_be_empty:
        parts.append("'' says that there are none")
    return ": ".join(parts[:2]) + "".join(f"; {part}" for part in parts[2:]) + "."
