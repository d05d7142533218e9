"""``cellbook verify``: the buyer's command. It loads no web, database or HTTP library."""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.arguments import with_offset
from cli.asking import asking, asking_options, check_state, compare_state, state_options
from cli.mistaken import check_kind
from cli.output import Example, json_option, print_json, printable, read_file
from cli.saving import save
from keys.errors import CellbookError, declare
from ledger.custody.profiles import choose
from ledger.custody.values.times import parse_moment
from ledger.proof.dossier import decode_dossier
from ledger.proof.report.refusal import print_refusal
from ledger.proof.report.text import print_verdict
from ledger.proof.trust import Trust, load_trust, trust_digest
from ledger.proof.verdict.required import check_rules
from ledger.proof.verdict.values import Verdict
from ledger.proof.verify import verify_dossier

if TYPE_CHECKING:
    from ledger.proof.verdict.evidence import EvidenceMatch

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
        "cellbook verify battery.dossier --trust trust.toml --max-age 30 "
        "--witness-policy witnesses.policy",
        "cellbook verify battery.dossier --trust trust.toml --state seen "
        "--log https://log.example.org",
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
@asking_options
@state_options
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
    max_age: int | None,
    witness_policy: str | None,
    state: Path | None,
    log: str | None,
    strict: bool,
    verbose: bool,
    as_json: bool,
) -> int:
    """Check a battery's dossier offline.

    Says whether the record is genuine, whether the history in it meets the rules, and whether the
    code on the battery is this record's. Exit codes: 0 every required check was made and passed,
    1 something is false, 2 the command or a file given to it is wrong, 3 it cannot be told.
    """
    check_state(state, log)
    moment, offset = moment_of(at)
    chosen = choose(profiles, "--profile") if profiles else None
    check_rules(required)
    data = read_file(file)
    trust, digest = believed(trust_file)
    trust = asking(trust, max_age, witness_policy)
    show = _Showing(trust, digest, moment, offset, report, as_json)
    held = None if evidence is None else _held(evidence)
    try:
        verdict = verify_dossier(
            data, trust, moment, label=label, profiles=chosen, required=required
        )
    except CellbookError as error:
        check_kind(error, data, file, "dossier")
        show.refusal(error, sha256(data).digest())
        return error.exit_code
    if state is not None:
        note = decode_dossier(data).checkpoint
        compare_state(state, log, verdict.record, note, quiet=as_json)
    match = None if held is None else held(verdict)
    failed = verdict.fails(strict=strict) or (match is not None and match.contradicts)
    passed = not failed and not verdict.is_undecided
    show.verdict(verdict, match, strict=strict, verbose=verbose, passed=passed)
    return _BREACH_EXIT if failed else _UNDECIDED_EXIT if verdict.is_undecided else 0


class _Showing:
    """Text, JSON or a page of what was found. What only one of them needs is imported for it."""

    def __init__(
        self,
        trust: Trust,
        digest: bytes,
        moment: int,
        offset: int,
        report: str | None,
        as_json: bool,
    ) -> None:
        self._trust = trust
        self._digest = digest
        self._moment = moment
        self._offset = offset
        self._report = report
        self._as_json = as_json

    def refusal(self, error: CellbookError, file_sha256: bytes) -> None:
        """A record that is not genuine, not whole, or could not be judged."""
        if self._report is not None:
            from ledger.proof.report.page import refusal_page

            page = refusal_page(
                error,
                self._moment,
                self._trust,
                self._digest,
                file_sha256,
                offset_minutes=self._offset,
            )
            save(self._report, page.encode())
        text, facts = print_refusal(error), dict[str, object]()
        if self._as_json:
            from ledger.proof.report.export import refusal_facts

            facts = refusal_facts(error)
        print_with_trust(text, facts, self._trust, self._digest, self._as_json, ok=False)

    def verdict(
        self,
        verdict: Verdict,
        match: EvidenceMatch | None,
        *,
        strict: bool,
        verbose: bool,
        passed: bool,
    ) -> None:
        """A genuine record, and which of its documents the buyer holds."""
        if self._report is not None:
            from ledger.proof.report.page import verdict_page

            page = verdict_page(verdict, self._digest, offset_minutes=self._offset, documents=match)
            save(self._report, page.encode())
        text, facts = "", dict[str, object]()
        if self._as_json:
            from ledger.proof.report.export import verdict_facts

            facts = verdict_facts(verdict, strict=strict)
        else:
            text = print_verdict(verdict, offset_minutes=self._offset, verbose=verbose)
        if match is not None:
            from cli.evidence import evidence_facts, evidence_text

            text, facts = text + evidence_text(match), {**facts, "evidence": evidence_facts(match)}
        print_with_trust(text, facts, self._trust, self._digest, self._as_json, ok=passed)


def _held(folder: Path) -> Callable[[Verdict], EvidenceMatch]:
    """Compares the documents of a verdict with the files in ``folder``, which are read now."""
    from cli.evidence import held_files
    from ledger.proof.verdict.evidence import match_evidence

    files = held_files(folder)
    return lambda verdict: match_evidence(verdict.documents, files)


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
    at = with_offset(at)
    try:
        seconds = parse_moment(at, "--at")
    except CellbookError as error:
        raise click.BadParameter(error.remedy, param_hint="--at") from error
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
