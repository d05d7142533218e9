"""``cellbook supplier``: what is known of an operator, and what of it is proved."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import click
import msgspec

from cli.asking import asking, asking_options, check_state, compare_state, state_options
from cli.listing.stating import day
from cli.output import Example, json_option, one_line, print_result, read_file
from cli.supplier_source import (
    MAX_FILE,
    ShownCounts,
    ShownFacility,
    ShownOperator,
    ShownUnit,
    by_service,
    in_folder,
)
from keys.errors import CellbookError

_PATH = click.Path(path_type=Path)
_CHECK = "cellbook supplier https://recycler.example --at 2026-07-30"


class _Supplier(click.Group):
    """A group in which the name of an operator stands for the command that asks about it."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or self.commands["check"]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] in self.commands:
            return super().resolve_command(ctx, args)
        return "check", self.commands["check"], args


@click.group(
    cls=_Supplier,
    epilog=Example(
        f"{_CHECK} --url http://127.0.0.1:8417 --out recycler.supplier",
        "cellbook supplier verify recycler.supplier --trust trust.toml",
    ),
)
def supplier() -> None:
    """Look at an operator before you buy from it: `cellbook supplier OPERATOR --at DATE`."""


@supplier.command(
    short_help="Ask about an operator; `check` may be left out.",
    epilog=Example(f"{_CHECK} --home shop", f"{_CHECK} --home shop --out recycler.supplier"),
)
@click.argument("operator")
@click.option(
    "--at", "date", required=True, callback=day, metavar="DATE", help="The day that is asked about."
)
@click.option("--url", help="Address of the service.")
@click.option("--home", type=_PATH, help="Folder of the ledger instead.")
@click.option(
    "--from", "copy", type=_PATH, help="Copy of the log instead, by `cellbook mirror`; with --out."
)
@click.option("--out", type=_PATH, help="Write the file that proves the registration and lists.")
@json_option
def check(
    operator: str,
    date: str,
    url: str | None,
    home: Path | None,
    copy: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Ask a service, or a ledger's folder, what it knows of OPERATOR (a URI).

    What is printed is the service's word. --out keeps the file from which `supplier verify` shows
    registration, keys and lists offline, with a trust file from somebody else. A copy of the log
    has nobody's word beside it: it gives the file only.
    """
    if copy is not None and out is not None and url is None and home is None:
        _check_copy(copy, operator, date, out, as_json)
        return
    if url is not None and home is None and copy is None:
        shown, data = by_service(url, operator, date)
    elif home is not None and url is None and copy is None:
        shown, data = in_folder(home, operator, date)
    else:
        raise click.UsageError("Give exactly one of --url, --home, and --from with --out.")
    facts = {
        **msgspec.to_builtins(shown),
        "day": date,
        "bytes": len(data),
        "sha256": sha256(data).hexdigest(),
    }
    text = _text(shown)
    if out is not None:
        text += "\n" + _written(out, data)
    print_result(text, {**facts, "file": None if out is None else str(out)}, as_json=as_json)


def _check_copy(copy: Path, operator: str, date: str, out: Path, as_json: bool) -> None:
    from cli.log_source import open_copy

    with open_copy(copy, quiet=as_json) as log:
        data = log.supplier(operator, date)
    text = _written(out, data)
    digest = sha256(data).hexdigest()
    facts = {"operator": operator, "day": date, "bytes": len(data), "sha256": digest}
    print_result(text, {**facts, "file": str(out)}, as_json=as_json)


def _written(out: Path, data: bytes) -> str:
    from cli.saving import save

    save(out, data)
    next_command = f"next  cellbook supplier verify {out} --trust TRUST"
    return f"written to {out}, {len(data)} bytes\n{next_command}"


@supplier.command(epilog=Example("cellbook supplier verify recycler.supplier --trust trust.toml"))
@click.argument("file", type=click.Path())
@click.option(
    "--trust", "trust_file", required=True, type=click.Path(), help="The ledger's trust file."
)
@click.option(
    "--at",
    metavar="TIME",
    help="Check as of this moment (2026-11-24T09:00:00+08:00). The default is now, by this "
    "computer's clock.",
)
@asking_options
@state_options
@json_option
def verify(
    file: str,
    trust_file: str,
    at: str | None,
    max_age: int | None,
    witness_policy: str | None,
    state: Path | None,
    log: str | None,
    as_json: bool,
) -> int:
    """Check the file that `cellbook supplier OPERATOR --out FILE` wrote, offline.

    Says whether the operator was registered on the day and is now, with its roles and keys, and
    what lists say of it on both days. Exit codes: 0 the file is genuine, whatever it says; 1 it is
    not; 2 the command or a file given to it is wrong; 3 it cannot be told.
    """
    from cli.mistaken import check_kind
    from cli.verify import believed, moment_of, print_with_trust
    from ledger.proof.report.export import refusal_facts
    from ledger.proof.report.refusal import print_refusal
    from ledger.proof.report.supplier import print_supplier
    from ledger.proof.report.supplier_shapes import supplier_facts
    from ledger.proof.supplier import decode_supplier
    from ledger.proof.verify_supplier import verify_supplier

    check_state(state, log)
    moment, offset = moment_of(at)
    data = read_file(file, MAX_FILE)
    trust, digest = believed(trust_file)
    trust = asking(trust, max_age, witness_policy)
    try:
        found = verify_supplier(data, trust, moment)
    except CellbookError as error:
        check_kind(error, data, file, "supplier file")
        text, facts = print_refusal(error), refusal_facts(error)
        print_with_trust(text, facts, trust, digest, as_json, ok=False)
        return error.exit_code
    compare_state(state, log, found.record, decode_supplier(data).checkpoint, quiet=as_json)
    text, facts = print_supplier(found, offset_minutes=offset), supplier_facts(found)
    print_with_trust(text, facts, trust, digest, as_json, ok=True)
    return 0


def _text(shown: ShownOperator) -> str:
    from ledger.proof.report.text import paragraph

    removed = "" if shown.removed is None else f", REMOVED by entry {shown.removed}"
    revoked = sum(key.revoked is not None for key in shown.keys)
    others = sum(key.compromised_since is not None for key in shown.keys)
    lines = [
        one_line(f"{shown.name}, {shown.country}: {shown.operator}"),
        "all of this is stated by the service, and not verified",
        f"  registered  by entry {shown.registered}{removed}",
        f"  roles       {one_line(', '.join(shown.roles)) or 'none'}",
        *(f"  facility    {one_line(_place(place))}" for place in shown.facilities),
        f"  keys        {len(shown.keys)}, {revoked} revoked, {others} once in other hands",
        f"  units       {shown.units}{' and more' if shown.more else ''} with its signature",
        *_activity(shown.counts),
        *paragraph(shown.activity, "  how", 14),
        f"  seed        {one_line(shown.seed)}",
    ]
    lines += [f"  sample      {one_line(_unit(unit))}" for unit in shown.sample]
    return "\n".join(lines)


def _place(place: ShownFacility) -> str:
    return ", ".join(part for part in (place.id, place.name, place.address, place.country) if part)


def _activity(counts: ShownCounts) -> list[str]:
    done = (
        f"{counts.taken_in} taken in, {counts.repurposed} repurposed, {counts.recycled} recycled, "
        f"{counts.in_stock} in stock by calculation"
    )
    found = (
        f"{counts.quarantined} quarantined, {counts.missing} missing, "
        f"{counts.open_disputes} with open disputes"
    )
    word = "(stated by the service, of the units with its signature)"
    return [f"  activity    {done}", f"  open        {found}", f"              {word}"]


def _unit(unit: ShownUnit) -> str:
    told = [unit.physical]
    told += ["held by it"] if unit.held else []
    told += ["QUARANTINED"] if unit.quarantined else []
    told += ["MISSING"] if unit.missing else []
    told += [f"{unit.disputes} OPEN DISPUTES"] if unit.disputes else []
    return f"{unit.subject}: {', '.join(told)}"
