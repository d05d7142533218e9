"""``cellbook event KIND``: say what happened to a battery, sign it, and submit or keep it.

There is a command for each kind of event. Its options are made from the event's fields when it is
asked for, so that no other kind is read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from cli.drafts import NO_BATTERY, draft_event, resolve_battery, sign_draft
from cli.event_fields import Field, fields_of
from cli.event_help import BATTERY, SIGNING, examples_of, field_help, help_of, summary
from cli.event_values import Values, read_fields, read_option
from cli.evidence import attached
from cli.output import Example, json_option, print_result, read_file
from cli.saving import save
from cli.signing import load_signer, passphrase_option
from cli.trust import read_trust
from keys.errors import declare
from ledger.custody.events import EVENTS
from ledger.custody.identifiers import parse_operator_uri
from ledger.custody.times import format_moment, parse_moment
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
            formatter.write_dl([(kind, summary(kind)) for kind in KINDS])


@click.group(
    cls=Kinds,
    subcommand_metavar="KIND [OPTIONS]",
    epilog=Example(
        "cellbook event install --help",
        f"cellbook event decommission --battery {BATTERY} --fields removal.json \\\n"
        f"      {SIGNING} --attach photo:label.jpg --out removal.cose",
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
    command = click.command(kind, help=help_of(kind), epilog=examples_of(kind))
    return command(callback)


def _options(kind: str) -> Iterator[_Decorator]:
    if kind != "model":
        yield click.option(
            "--battery",
            metavar="CODE",
            help="The battery: its code as printed or scanned, a GS1 Digital Link, or its URI.",
        )
    yield from map(_field_option, fields_of(kind))
    file = click.Path(path_type=Path)
    yield click.option(
        "--fields",
        type=file,
        help="JSON file with fields, - for stdin: one object with the names of these options, "
        "written with _ for -. It takes quantities as text with a unit or in the field's own unit.",
    )
    yield click.option(
        "--attach",
        metavar="KIND:FILE",
        multiple=True,
        help="State a file as evidence: its digest, size and media type are computed, and the file "
        "stays with you. May be repeated.",
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
        help=field_help(field),
    )


def _parameter(field: Field) -> str:
    return "field_" + field.wire


def _run(kind: str, given: dict[str, Any]) -> None:
    if given["url"] is None and given["out"] is None:
        raise NOWHERE.at(f"cellbook event {kind}")
    if given["receipt"] is not None and given["url"] is None:
        raise click.UsageError("--receipt needs --url: only a service gives receipts.")
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
    if trust is not None and family is None:
        return read_trust(trust)[0].family
    if family is not None and trust is None:
        return family
    raise NO_FAMILY.at()


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
    if given["attach"]:
        values["evidence"] = [*values.get("evidence", ()), *map(attached, given["attach"])]
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
    if facts.get("file") != "-":
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
