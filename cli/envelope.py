"""``cellbook envelope``: sign that a document existed, by its digest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cli.delivery import (
    deliver,
    delivery_options,
    family_of,
    operator_of,
    read_delivery,
    time_of,
)
from cli.drafts import resolve_battery
from cli.evidence import digest_of, media_type_of
from cli.output import Example
from cli.signing import load_signer
from ledger.wire.hash_envelope import HashEnvelope
from ledger.wire.statement import parse_statement, sign_envelope


@click.command(
    epilog=Example(
        "cellbook envelope report.pdf --battery 4A6PCPM27KLPCLE742946319 --key lab.pem "
        "--issuer https://lab.example --trust trust.toml --url http://127.0.0.1:8417"
    )
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--battery", metavar="CODE", required=True, help="The battery that it is about.")
@click.option("--media-type", help="What FILE is, such as application/pdf. [default: by its name]")
@click.option("--location", metavar="URI", help="Where it may be had; it is public.")
@delivery_options
def envelope(file: Path, **given: Any) -> None:
    """Sign the SHA-256 of FILE, of any size, in a statement about a battery.

    It proves that the document existed when the statement was registered, and nothing more. FILE
    itself stays here.
    """
    delivery = read_delivery(given, "cellbook envelope")
    family, at = family_of(delivery), time_of(delivery)
    media_type = given["media_type"] or media_type_of(file.name) or "application/octet-stream"
    sub = resolve_battery(given["battery"])
    content = HashEnvelope(digest_of(file)[0], media_type, given["location"])
    issuer = operator_of(delivery)
    signer = load_signer(delivery.key, delivery.passphrase_file)
    leaf = sign_envelope(signer, content, iss=issuer, sub=sub, aud=family, iat=at)
    more = {"sha256": content.sha256.hex(), "media_type": media_type}
    deliver("document", parse_statement(leaf), delivery, **more)
