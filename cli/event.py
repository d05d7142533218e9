"""``cellbook event KIND``: say what happened to a battery, sign it, and submit or keep it.

There is a command for each kind of event. Its options are made from the event's fields when it is
asked for, so that no other kind is read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import wrap
from typing import Any

import click

from cli.drafts import NO_BATTERY, draft_event, resolve_battery, sign_draft
from cli.event_fields import Field, Values, fields_of, read_fields, read_option, written_as
from cli.output import Example, json_option, print_result, read_file
from cli.saving import save
from cli.signing import load_signer, passphrase_option
from keys.errors import declare
from ledger.custody.events import EVENTS
from ledger.custody.identifiers import parse_operator_uri
from ledger.custody.times import format_moment, parse_moment
from ledger.proof.trust import load_trust
from ledger.wire.statement import Statement

NOWHERE = declare(
    "usage.event.nowhere",
    "It is not said where the signed event shall go.",
    "Submit it with --url, write it with --out, or both.",
)
NO_FAMILY = declare(
    "usage.event.family",
    "It is not said, or said twice, for which log family the event is signed.",
    "Name the ledger's trust file with --trust, or its family with --family.",
)

KINDS = tuple(kind for kind, _ in EVENTS)
_NEED = {"R": "Required", "C": "Wanted under a condition", "O": "Optional"}
_SIGNING = "--key works.pem --issuer https://works.example --trust trust.toml"
_BATTERY = "4A6PCPM27KLPCLE742946319"

_Callback = Callable[..., Any]
_Decorator = Callable[[_Callback], _Callback]


class Kinds(click.Group):
    """A group with a command for each kind of event, made when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(KINDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return _command(cmd_name) if cmd_name in KINDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Kinds"):
            formatter.write_dl([(kind, _summary(kind)) for kind in KINDS])


@click.group(
    cls=Kinds,
    subcommand_metavar="KIND [OPTIONS]",
    epilog=Example(
        "cellbook event install --help",
        f"cellbook event decommission --battery {_BATTERY} --fields removal.json \\\n"
        f"      {_SIGNING} --out removal.cose",
    ),
)
def event() -> None:
    """Sign an event of KIND, and submit it or write it to a file.

    The fields come from options, from a JSON file, or from both; options win. A quantity is
    written with its unit (280 Ah) and converted exactly, or refused.
    """


def _command(kind: str) -> click.Command:
    """The command of one kind of event."""

    def run(**given: Any) -> None:
        _run(kind, given)

    callback: _Callback = run
    for option in reversed(tuple(_options(kind))):
        callback = option(callback)
    command = click.command(kind, help=_help(kind), epilog=_examples(kind))
    return command(callback)


def _options(kind: str) -> Iterator[_Decorator]:
    if kind != "model":
        yield click.option(
            "--battery", metavar="CODE", help="The battery: its code as printed, or its URI."
        )
    yield from map(_field_option, fields_of(kind))
    file = click.Path(path_type=Path)
    yield click.option(
        "--fields",
        type=file,
        help="JSON file with fields, - for stdin: one object with the names of these options, "
        "written with _ for -. It takes quantities as text with a unit or in the field's own unit.",
    )
    yield click.option("--key", type=file, required=True, help="Key file of the issuer.")
    yield click.option("--issuer", metavar="URI", required=True, help="The operator who signs.")
    yield click.option("--trust", type=file, help="Trust file of the ledger that it is for.")
    yield click.option("--family", metavar="URI", help="The log family, instead of a trust file.")
    yield click.option("--at", metavar="TIME", help="When it is signed. [default: now]")
    yield click.option("--url", help="Submit it to the service at this address.")
    yield click.option("--out", type=file, help="Write the signed event to this file.")
    yield click.option("--receipt", type=file, help="With --url: write the receipt to this file.")
    yield passphrase_option
    yield json_option


def _field_option(field: Field) -> _Decorator:
    choices = ("true", "false") if field.holds is bool else field.choices
    return click.option(
        _parameter(field),
        field.option,
        type=click.Choice(choices) if choices else None,
        metavar=None if choices else field.metavar,
        multiple=field.many,
        help=_field_help(field),
    )


def _field_help(field: Field) -> str:
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


def _parameter(field: Field) -> str:
    return "field_" + field.wire


def _summary(kind: str) -> str:
    return (EVENTS[kind, 1].__doc__ or "").partition("\n")[0].replace("``", "`")


def _help(kind: str) -> str:
    return f"""Sign an event "{kind}": {_summary(kind)}

    The first options are the battery and the fields of the event, required ones first. Parts with
    several fields are JSON objects. References to entries and digests are base64url or hex.
    """


def _examples(kind: str) -> Example:
    named = "" if kind == "model" else f" --battery {_BATTERY}"
    required = " ".join(
        f"{field.option} …" for field in fields_of(kind) if field.need == "R" and not field.filled
    )
    lines = wrap(required, 84, break_long_words=False, break_on_hyphens=False)
    by_file = (f"cellbook event {kind}{named} --fields {kind}.json", _SIGNING)
    by_options = (f"cellbook event {kind}{named}", *lines, _SIGNING)
    return Example(
        " \\\n      ".join((*by_file, "--url http://127.0.0.1:8417")),
        " \\\n      ".join((*by_options, f"--out {kind}.cose")),
    )


def _run(kind: str, given: dict[str, Any]) -> None:
    if given["url"] is None and given["out"] is None:
        raise NOWHERE.at(f"cellbook event {kind}")
    aud = _family(given["trust"], given["family"])
    issuer = parse_operator_uri(given["issuer"], "--issuer")
    at = int(time.time()) if given["at"] is None else parse_moment(given["at"], "--at")
    sub = _battery(kind, given.get("battery"))
    draft = draft_event(kind, _values(kind, given, at), sub)
    signer = load_signer(given["key"], given["passphrase_file"])
    signed = sign_draft(signer, draft, issuer=issuer, aud=aud, iat=at)
    _deliver(kind, signed, given)


def _battery(kind: str, text: str | None) -> str | None:
    if text is not None:
        return resolve_battery(text)
    if kind not in ("model", "manufacture"):
        raise NO_BATTERY.at(f"cellbook event {kind}")
    return None


def _family(trust: Path | None, family: str | None) -> str:
    if (trust is None) == (family is None):
        raise NO_FAMILY.at()
    return family if trust is None else load_trust(read_file(trust)).family  # type: ignore[return-value]


def _values(kind: str, given: dict[str, Any], at: int) -> Values:
    """The event's fields from the file and the options; options win."""
    file = given["fields"]
    values: Values = {} if file is None else read_fields(kind, read_file(file), str(file))
    for field in fields_of(kind):
        stated = given[_parameter(field)]
        if field.many and stated:
            values[field.wire] = [read_option(field, text) for text in stated if text]
        elif stated is not None and not field.many:
            values[field.wire] = read_option(field, stated)
    if "occurred_at" not in values:
        values["occurred_at"] = _here(at)
        values.setdefault("time_precision", "second")
    return values


def _here(at: int) -> str:
    """The moment ``at`` by the clock of this place."""
    return format_moment(at, time.localtime(at).tm_gmtoff // 60)


def _deliver(kind: str, signed: Statement, given: dict[str, Any]) -> None:
    facts: dict[str, Any] = {
        "kind": kind,
        "subject": signed.sub,
        "issuer": signed.iss,
        "signed_at": _here(signed.iat),
        "entry": signed.locator,
    }
    if given["out"] is not None:
        save(given["out"], signed.leaf)
        facts["file"] = str(given["out"])
    if given["url"] is not None:
        from cli.remote import Remote

        with Remote(given["url"]) as remote:
            registered = remote.register(signed.leaf)
        facts["location"] = registered.location
        facts["duplicate"] = registered.duplicate
        if given["receipt"] is not None:
            save(given["receipt"], registered.receipt)
            facts["receipt"] = str(given["receipt"])
    print_result(_text(facts), facts, as_json=given["as_json"])


def _text(facts: dict[str, Any]) -> str:
    lines = [
        f"{facts['kind']} of {facts['subject']}",
        f"signed by   {facts['issuer']}",
        f"signed at   {facts['signed_at']} (this computer's clock, unless --at was given)",
        f"entry       {facts['entry']}",
    ]
    if "file" in facts:
        lines.append(f"written to  {facts['file']}")
    if "location" in facts:
        before = " (it was before)" if facts["duplicate"] else ""
        lines.append(f"registered  {facts['location']}{before}")
    if "receipt" in facts:
        lines.append(f"receipt     {facts['receipt']}")
    if "location" not in facts:
        lines.append(f"next        cellbook submit {facts['file']} --url URL")
    return "\n".join(lines)
