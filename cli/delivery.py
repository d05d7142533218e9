"""What commands share that sign one statement: for which family, and where it goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from cli.arguments import with_offset
from cli.output import json_option, print_result
from cli.saving import save
from cli.signing import passphrase_option
from cli.trust import read_trust
from keys.errors import declare
from ledger.custody.identifiers import parse_operator_uri
from ledger.custody.names.parties import device_uri, guest_uri, parse_issuer_uri
from ledger.custody.values.times import format_moment, parse_moment
from ledger.wire.statement import Statement

NOWHERE = declare(
    "usage.event.nowhere",
    "It is not said where the signed statement shall go.",
    "Submit it with --url, write it with --out, or both.",
)
NO_FAMILY = declare(
    "usage.event.family",
    "It is not said, or said twice, for which log family the statement is signed.",
    "Name the ledger's trust file with --trust, or its family with --family.",
)

_Command = TypeVar("_Command", bound=Callable[..., Any])
OF_KEYS = {"guest": guest_uri, "device": device_uri}
"""Issuers whose name is that of their key."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """The options that all commands share which sign one statement."""

    key: Path
    issuer: str
    trust: Path | None
    family: str | None
    at: str | None
    url: str | None
    out: Path | None
    receipt: Path | None
    passphrase_file: Path | None
    as_json: bool


def delivery_options(command: _Command) -> _Command:
    """The options of a :class:`Delivery`, last in the command's help."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_FILE = click.Path(path_type=Path)
_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--key", type=_FILE, required=True, help="Key file of the issuer."),
    click.option(
        "--issuer",
        metavar="URI",
        required=True,
        help="The operator who signs; or `guest`, or `device`, whose name is that of the key.",
    ),
    click.option("--trust", type=_FILE, help="Trust file of the ledger that it is for."),
    click.option("--family", metavar="URI", help="The log family, instead of a trust file."),
    click.option("--at", metavar="TIME", help="When it is signed. [default: now]"),
    click.option("--url", help="Submit it to the service at this address."),
    click.option("--out", type=_FILE, help="Write the signed statement to this file."),
    click.option("--receipt", type=_FILE, help="With --url: write the receipt to this file."),
    passphrase_option,
    json_option,
)


def read_delivery(given: dict[str, Any], command: str) -> Delivery:
    """The shared options among ``given``. Raises ``usage.event.nowhere``."""
    delivery = Delivery(**{name: given[name] for name in Delivery.__struct_fields__})
    if delivery.url is None and delivery.out is None:
        raise NOWHERE.at(command)
    if delivery.receipt is not None and delivery.url is None:
        raise click.UsageError("--receipt needs --url: only a service gives receipts.")
    return delivery


def family_of(delivery: Delivery) -> str:
    """The log family for which it is signed. Raises ``usage.event.family``."""
    trust, family = delivery.trust, delivery.family
    if trust is not None and family is None:
        return read_trust(trust)[0].family
    if family is not None and trust is None:
        return family
    raise NO_FAMILY.at()


def issuer_of(delivery: Delivery, kid: bytes) -> str:
    """Who signs, with the key of thumbprint ``kid``. Raises ``rejected.operator.uri``."""
    name = OF_KEYS.get(delivery.issuer)
    return parse_issuer_uri(delivery.issuer, "--issuer") if name is None else name(kid)


def operator_of(delivery: Delivery) -> str:
    """The operator who signs. Raises ``rejected.operator.uri``."""
    return parse_operator_uri(delivery.issuer, "--issuer")


def time_of(delivery: Delivery) -> int:
    """When it is signed, in Unix seconds."""
    return (
        int(time.time()) if delivery.at is None else parse_moment(with_offset(delivery.at), "--at")
    )


def here(at: int) -> str:
    """The moment ``at`` by the clock of this place."""
    return format_moment(at, time.localtime(at).tm_gmtoff // 60)


def deliver(kind: str, signed: Statement, delivery: Delivery, **more: str) -> None:
    """Write it, submit it, and say where it is; ``more`` are facts to show with it."""
    facts: dict[str, Any] = {
        "kind": kind,
        "subject": signed.sub,
        "issuer": signed.iss,
        "signed_at": here(signed.iat),
        "entry": signed.locator,
        **more,
    }
    if delivery.out is not None:
        save(delivery.out, signed.leaf)
        facts["file"] = str(delivery.out)
    if delivery.url is not None:
        facts |= _submit(delivery.url, signed, delivery.receipt)
    if facts.get("file") != "-":
        text = "\n".join(_lines(facts, more))
        print_result(text, facts, as_json=delivery.as_json)


def _submit(url: str, signed: Statement, receipt: Path | None) -> dict[str, Any]:
    from cli.remote import Remote

    with Remote(url) as remote:
        registered = remote.register(signed.leaf)
    facts = {"location": registered.location, "duplicate": registered.duplicate}
    if receipt is None:
        return facts
    save(receipt, registered.receipt)
    return {**facts, "receipt": str(receipt)}


def _lines(facts: dict[str, Any], more: dict[str, str]) -> list[str]:
    lines = [
        f"{facts['kind']} of {facts['subject']}",
        f"signed by   {facts['issuer']}",
        f"signed at   {facts['signed_at']} (this computer's clock, unless --at was given)",
        f"entry       {facts['entry']}",
        *(f"{name:11} {text}" for name, text in more.items()),
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
    return lines
