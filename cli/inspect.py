"""``cellbook inspect``: look into a file of ours, whatever it is."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import click

from cli.content import Content
from cli.notation import as_json as to_json
from cli.notation import notation
from cli.output import Example, json_option, one_line, print_result, read_file
from cli.recognise import recognise

_WARNING = "NOTHING WAS VERIFIED: this is what the bytes say, and anybody can write such bytes."


@click.command(
    epilog=Example(
        "cellbook inspect battery.dossier",
        "cellbook inspect install.cose --json",
        "curl -s http://127.0.0.1:8417/checkpoint | cellbook inspect -",
    )
)
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@json_option
def inspect(file: Path, as_json: bool) -> None:
    """Show what FILE holds, as CBOR diagnostic notation, and verify nothing.

    Knows dossiers, supplier and participation files, statements, receipts of inclusion and of
    consistency, signed roots, checkpoints, trust files, lists, lots and their proofs, requests to
    the registrar, public keys, batches, entry bundles, tiles (by their path, such as tile/0/000),
    and other CBOR in deterministic encoding. <<…>> is a byte string that holds CBOR. `-` reads
    standard input.
    """
    data = read_file(file)
    content = recognise(data, str(file))
    facts = {
        "file": str(file),
        "kind": content.kind,
        "bytes": len(data),
        "sha256": sha256(data).hexdigest(),
        "verified": False,
        "facts": content.facts,
        "diagnostic": _shown(content),
        "value": content.text if content.text is not None else to_json(content.value),
    }
    print_result(_text(content, len(data), facts["sha256"]), facts, as_json=as_json)


def _shown(content: Content) -> str:
    return content.text if content.text is not None else notation(content.value)


def _text(content: Content, size: int, digest: object) -> str:
    rows = [f"{label:14} {one_line(value)}" for label, value in content.facts.items()]
    parts = [f"{content.kind}, {size} bytes, SHA-256 {digest}\n{_WARNING}"]
    if rows:
        parts.append("\n".join(rows))
    return "\n\n".join([*parts, _shown(content)])
