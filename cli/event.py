"""``cellbook event KIND``: say what happened to a battery, sign it, and submit or keep it.

There is a command for each kind of event. Its options are made from the event's fields when it is
asked for, so that no other kind is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from cli.delivery import (
    OF_KEYS,
    deliver,
    delivery_options,
    family_of,
    here,
    issuer_of,
    read_delivery,
    time_of,
)
from cli.drafts import NO_BATTERY, draft_event, resolve_battery, sign_draft
from cli.event_fields import Field, fields_of
from cli.event_help import BATTERY, SIGNING, examples_of, field_help, help_of, summary
from cli.event_values import Values, read_fields, read_option
from cli.evidence import attached
from cli.output import Example, read_file
from cli.signing import load_signer
from keys.cose_key import from_cbor
from ledger.custody.events import EVENTS
from ledger.custody.names.parties import guest_uri

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
    yield delivery_options


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
    delivery = read_delivery(given, f"cellbook event {kind}")
    aud, at = family_of(delivery), time_of(delivery)
    sub = _battery(kind, given.get("battery"))
    draft = draft_event(kind, _values(kind, given, at), sub)
    if delivery.issuer not in OF_KEYS:
        issuer_of(delivery, b"")  # before a passphrase is asked for
    signer = load_signer(delivery.key, delivery.passphrase_file)
    issuer = issuer_of(delivery, signer.key.kid)
    deliver(kind, sign_draft(signer, draft, issuer=issuer, aud=aud, iat=at), delivery)


def _battery(kind: str, text: str | None) -> str | None:
    if text is not None:
        return resolve_battery(text)
    if kind not in ("model", "manufacture"):
        raise NO_BATTERY.at(f"cellbook event {kind}")
    return None


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
    if isinstance(key := values.get("guest_key"), bytes):
        values.setdefault("to", guest_uri(from_cbor(key).kid))
    if "occurred_at" not in values:
        values["occurred_at"] = here(at)
        values.setdefault("time_precision", "second")
    return values
