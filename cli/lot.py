"""``cellbook lot``: many units under one root, and the proof for one that tells no other."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import arguments
from cli.drafts import resolve_battery
from cli.mistaken import check_kind
from cli.output import Example, json_option, print_result, read_file
from cli.saving import save
from keys import keyfile
from keys.errors import CellbookError, declare
from ledger.custody.lots import (
    SECRET_SIZE,
    LotProof,
    StatedLot,
    encode_lot,
    encode_lot_proof,
    lot_of,
    lots_in,
    parse_lot,
    parse_lot_proof,
    prove_unit,
    verify_lot_proof,
)

if TYPE_CHECKING:
    from ledger.custody.events import Event
    from ledger.wire.statement import Statement

NOT_STATED = declare(
    "failed.lot.not-stated",
    "No event in the dossier states the lot of this proof.",
    "Ask for the dossier of the battery in whose event the lot is stated.",
)

_FILE = click.Path(path_type=Path)


@click.group(
    epilog=Example(
        "cellbook lot make cells.txt --out cells.lot",
        "cellbook lot prove cells.lot 4A6CCPM27KLPCLE742946319 --out cell.proof",
        "cellbook lot verify cell.proof --dossier pack.dossier --trust trust.toml",
    )
)
def lot() -> None:
    """State many units by count and root, and prove that a unit is among them.

    An event states the root where units are too many to be named, or belong to several customers.
    Each customer gets the proof for its own unit, which tells no other.
    """


@lot.command(epilog=Example("cellbook lot make cells.txt --out cells.lot"))
@click.argument("file", type=_FILE)
@click.option("--out", type=_FILE, required=True, help="File to write. Keep it: it is secret.")
@json_option
def make(file: Path, out: Path, as_json: bool) -> None:
    """Make the lot of the units in FILE, one code on a line.

    The file that is written holds the codes and a secret. Without it no unit can be proved.
    """
    made = lot_of(_codes(read_file(file), str(file)), os.urandom(SECRET_SIZE))
    keyfile.write_private(out, encode_lot(made))
    facts = {"file": str(out), "count": made.count, "root": made.root.hex()}
    text = f"written to {out}\ncount  {made.count}\nroot   {made.root.hex()}"
    print_result(text, facts, as_json=as_json)


def _codes(data: bytes, where: str) -> Iterator[str]:
    """The subjects in a text file, each line's fault with its number."""
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise click.BadParameter(f"{where} is not text in UTF-8") from None
    for number, line in enumerate(lines, 1):
        if code := line.strip():
            try:
                yield resolve_battery(code)
            except CellbookError as error:
                raise error.error.at(f"{where}, line {number}", error.detail) from None


@lot.command(
    epilog=Example("cellbook lot prove cells.lot 4A6CCPM27KLPCLE742946319 --out cell.proof")
)
@click.argument("file", type=_FILE)
@click.argument("code")
@click.option("--out", type=_FILE, required=True, help="File to write, for who has the unit.")
@json_option
def prove(file: Path, code: str, out: Path, as_json: bool) -> None:
    """Write the proof that the unit CODE is in the lot in FILE."""
    proof = prove_unit(parse_lot(read_file(file)), resolve_battery(code))
    save(out, encode_lot_proof(proof))
    facts = {"file": str(out), **_facts(proof)}
    print_result(f"written to {out}\n{_text(proof)}", facts, as_json=as_json)


@lot.command(
    epilog=Example(
        "cellbook lot verify cell.proof --dossier pack.dossier --trust trust.toml",
        f"cellbook lot verify cell.proof --count 4000 --root {'3f' * 32}",
    )
)
@click.argument("file", type=_FILE)
@click.option("--dossier", type=_FILE, help="Dossier with the event that states the lot.")
@click.option("--trust", type=_FILE, help="With --dossier: trust file of its ledger.")
@click.option("--at", callback=arguments.moment, help="Time of the check. [default: now]")
@click.option("--count", type=int, help="Or the count of units, as you know it.")
@click.option("--root", metavar="HEX", help="With --count: the root, as you know it.")
@json_option
def verify(file: Path, as_json: bool, **given: Any) -> None:
    """Check the proof in FILE, offline: that its unit is in the lot.

    With a dossier, the lot is one that a verified event states. Otherwise it is the one that you
    name with --count and --root.
    """
    proof = _read_proof(file)
    by_dossier = given["dossier"] is not None and given["trust"] is not None
    by_hand = given["count"] is not None and given["root"] is not None
    if by_dossier == by_hand:
        raise click.UsageError("Give --dossier and --trust, or --count and --root.")
    if by_hand:
        verify_lot_proof(proof, given["count"], _root(given["root"]))
        stated = "by the count and the root that were given"
    else:
        stated = _stated(proof, given)
    facts = {**_facts(proof), "stated": stated}
    text = f"IN THE LOT {proof.unit}\n{_text(proof)}\nstated     {stated}\n{_NOT_CHECKED}"
    print_result(text, facts, as_json=as_json)


_NOT_CHECKED = "NOT CHECKED that the lot has no unit twice, and that the label is on the right box"


def _read_proof(file: Path) -> LotProof:
    data = read_file(file)
    try:
        return parse_lot_proof(data)
    except CellbookError as error:
        check_kind(error, data, str(file), "proof of a unit in a lot")
        raise


def _stated(proof: LotProof, given: dict[str, Any]) -> str:
    """Which event of the verified dossier states the lot. Raises as ``verify`` does."""
    from cli.trust import read_trust
    from ledger.custody.events import parse_event
    from ledger.proof.dossier import decode_dossier
    from ledger.proof.verify import verify_dossier
    from ledger.wire.statement import TYP_EVENT, parse_statement

    data = read_file(given["dossier"])
    at = int(time.time()) if given["at"] is None else given["at"]
    verify_dossier(data, read_trust(given["trust"])[0], at)
    statements = (parse_statement(entry.leaf) for entry in decode_dossier(data).entries)
    for statement in statements:
        if statement.typ == TYP_EVENT:
            event = parse_event(statement.payload)
            for stated in lots_in(event):
                if (stated.count, stated.root) == (proof.count, proof.root):
                    verify_lot_proof(proof, stated.count, stated.root)
                    return _where(stated, event, statement)
    raise NOT_STATED.at(str(given["dossier"]), f"{proof.count} units, root {proof.root.hex()}")


def _where(stated: StatedLot, event: Event, statement: Statement) -> str:
    named = "" if stated.name is None else f" {stated.name}"
    kind = str(type(event).__struct_config__.tag)
    day = event.occurred_at[:10]
    return f"as {stated.role}{named} by {statement.iss}: {kind} of {statement.sub}, {day}"


def _root(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise click.BadParameter("--root: 64 hexadecimal digits") from None


def _facts(proof: LotProof) -> dict[str, Any]:
    return {
        "unit": proof.unit,
        "count": proof.count,
        "root": proof.root.hex(),
        "index": proof.index,
    }


def _text(proof: LotProof) -> str:
    return f"unit       {proof.unit}\nlot        {proof.count} units, root {proof.root.hex()}"
