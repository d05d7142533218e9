"""``cellbook verify``: the buyer's command. It loads no web, database or HTTP library."""

from __future__ import annotations

import time
from hashlib import sha256
from pathlib import Path

import click

from cli.evidence import evidence_facts, evidence_text, held_files
from cli.output import Example, json_option, print_json, printable, read_file
from cli.saving import save
from keys.errors import CellbookError, declare
from ledger.custody.profiles import choose
from ledger.custody.times import parse_moment
from ledger.proof.evidence import match_evidence
from ledger.proof.export import refusal_facts, verdict_facts
from ledger.proof.page import refusal_page, verdict_page
from ledger.proof.refusal import print_refusal
from ledger.proof.report import print_verdict
from ledger.proof.required import check_rules
from ledger.proof.trust import Trust, load_trust, trust_digest
from ledger.proof.verify import verify_dossier

TRUST = declare(
    "usage.trust",
    "The trust file cannot be used.",
    "Name the trust file that you got from somebody whom you trust, not from the seller.",
)

_BREACH_EXIT, _UNDECIDED_EXIT = 1, 3


@click.command(
    epilog=Example(
        "cellbook verify battery.dossier --trust trust.toml",
        "cellbook verify battery.dossier --trust trust.toml --label 4A6PCPM27KLPCLE742946319",
        "cellbook verify battery.dossier --trust trust.toml --evidence documents",
        "cellbook verify battery.dossier --trust trust.toml --profile cn-2026 --require ORD-4",
        "cellbook verify battery.dossier --trust trust.toml --report verdict.html",
        "cellbook verify battery.dossier --trust trust.toml --at 2026-11-24T09:00:00+08:00 --json",
    )
)
@click.argument("file", metavar="DOSSIER", type=click.Path())
@click.option(
    "--trust", "trust_file", required=True, type=click.Path(), help="The ledger's trust file."
)
@click.option(
    "--at",
    metavar="TIME",
    help="Check as of this moment (2026-11-24T09:00:00+08:00). The default is now, by this "
    "computer's clock.",
)
@click.option("--label", metavar="CODE", help="The code that you read on the battery.")
@click.option(
    "--evidence",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder with the documents that you got: say which of those stated in the dossier they "
    "are, by their digests.",
)
@click.option(
    "--profile",
    "profiles",
    metavar="NAME[@VERSION]",
    multiple=True,
    help="Judge by these rules, and core, instead of those of the ledger's policy: cn-2026, "
    "eu-2023-1542, core@1 ... May be given more than once.",
)
@click.option(
    "--require",
    "required",
    metavar="RULE",
    multiple=True,
    help="This rule must have been judged and hold: exit 1 where it is broken, 3 where it could "
    "not be judged. May be given more than once.",
)
@click.option(
    "--report",
    metavar="FILE",
    type=click.Path(),
    help="Write the verdict as one page (HTML) too, for reading and for print.",
)
@click.option("--strict", is_flag=True, help="Count remarks as failures: exit 1.")
@click.option("-v", "--verbose", is_flag=True, help="Add indexes, hashes and entry ids.")
@json_option
def verify(
    file: str,
    trust_file: str,
    at: str | None,
    label: str | None,
    evidence: Path | None,
    profiles: tuple[str, ...],
    required: tuple[str, ...],
    report: str | None,
    strict: bool,
    verbose: bool,
    as_json: bool,
) -> int:
    """Check a battery's dossier offline.

    Says whether the record is genuine, whether the history in it meets the rules, and whether the
    code on the battery is this record's. Exit codes: 0 every required check was made and passed,
    1 something is false, 2 the command or a file given to it is wrong, 3 it cannot be told.
    """
    moment, offset = moment_of(at)
    chosen = choose(profiles, "--profile") if profiles else None
    check_rules(required)
    files = None if evidence is None else held_files(evidence)
    data = read_file(file)
    trust, digest = believed(trust_file)
    try:
        verdict = verify_dossier(
            data, trust, moment, label=label, profiles=chosen, required=required
        )
    except CellbookError as error:
        if report is not None:
            about = sha256(data).digest()
            page = refusal_page(error, moment, trust, digest, about, offset_minutes=offset)
            save(report, page.encode())
        print_with_trust(
            print_refusal(error), refusal_facts(error), trust, digest, as_json, ok=False
        )
        return error.exit_code
    match = None if files is None else match_evidence(verdict.documents, files)
    failed = verdict.fails(strict=strict) or (match is not None and match.contradicts)
    text = print_verdict(verdict, offset_minutes=offset, verbose=verbose)
    facts = verdict_facts(verdict, strict=strict)
    if match is not None:
        text, facts = text + evidence_text(match), {**facts, "evidence": evidence_facts(match)}
    if report is not None:
        page = verdict_page(verdict, digest, offset_minutes=offset, documents=match)
        save(report, page.encode())
    passed = not failed and not verdict.is_undecided
    print_with_trust(text, facts, trust, digest, as_json, ok=passed)
    return _BREACH_EXIT if failed else _UNDECIDED_EXIT if verdict.is_undecided else 0


def believed(file: str) -> tuple[Trust, bytes]:
    """The trust file and its SHA-256. Raises ``usage.trust``."""
    data = read_file(file)
    try:
        return load_trust(data), trust_digest(data)
    except CellbookError as error:
        raise TRUST.at(file, error.describe()) from error


def moment_of(at: str | None) -> tuple[int, int]:
    """Unix seconds, and the offset in minutes at which times are printed."""
    if at is None:
        local = time.localtime()
        return int(time.time()), local.tm_gmtoff // 60
    try:
        seconds = parse_moment(at, "--at")
    except CellbookError as error:
        raise click.BadParameter(error.describe(), param_hint="--at") from error
    sign = -1 if at[19] == "-" else 1
    return seconds, sign * (int(at[20:22]) * 60 + int(at[23:25]))


def print_with_trust(
    text: str, facts: dict[str, object], trust: Trust, digest: bytes, as_json: bool, *, ok: bool
) -> None:
    """Every verdict names the trust file by its digest and origin."""
    if as_json:
        by = {"sha256": digest.hex(), "origin": trust.origin, "name": trust.name}
        print_json({"ok": ok, **facts, "trust": by})
        return
    click.echo(printable(text), nl=False)
    click.echo(f"SHA-256 of your trust file:\n          {digest.hex()}")
