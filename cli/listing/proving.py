"""``cellbook list prove`` and ``verify``: one file that shows who was listed on a day."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import click

from cli.asking import asking, asking_options, check_state, compare_state, state_options
from cli.listing.stating import day, scheme_name
from cli.output import json_option, print_result, read_file
from keys.errors import CellbookError
from ledger.custody.lists.rows import check_identifier

_PATH = click.Path(path_type=Path)
_MAX_FILE = 32 << 20


def listed_identifier(context: click.Context, argument: click.Parameter, value: str) -> str:
    """A code, or an operator's name, under which lists name it."""
    from ledger.custody.lists.schemes import identifier_of

    try:
        return check_identifier(identifier_of(value))
    except CellbookError as error:
        raise click.BadParameter(error.detail) from None


@click.command()
@click.argument("identifier", callback=listed_identifier)
@click.option("--scheme", required=True, callback=scheme_name, help="Name of the list's scheme.")
@click.option(
    "--at",
    "date",
    required=True,
    callback=day,
    metavar="DATE",
    help="The day that is asked about, in the scheme's time zone.",
)
@click.option("--url", help="Address of the service.")
@click.option("--home", type=_PATH, help="Folder of the ledger instead.")
@click.option("--from", "copy", type=_PATH, help="Copy of the log instead, by `cellbook mirror`.")
@click.option("--out", type=_PATH, required=True, help="File to write; - for stdout.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")
@json_option
def prove(
    identifier: str,
    scheme: str,
    date: str,
    url: str | None,
    home: Path | None,
    copy: Path | None,
    out: Path,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Fetch the file that shows whether IDENTIFIER was listed on a day: a code, or an operator.

    It is not verified here. Whoever relies on it does that, with `list verify` and a trust file
    from somebody else than the sender.
    """
    from cli.listing.source import open_source
    from cli.log_source import open_copy
    from cli.saving import save

    if (url is not None) + (home is not None) + (copy is not None) != 1:
        raise click.UsageError("Give exactly one of --url, --home and --from.")
    _check_code(scheme, identifier)
    if copy is not None:
        with open_copy(copy, quiet=as_json) as log:
            data = log.participation(scheme, identifier, date)
    else:
        with open_source(url, home) as lists:
            data = lists.participation(scheme, identifier, date)
    save(out, data, overwrite=overwrite)
    facts = {
        "file": str(out),
        "scheme": scheme,
        "identifier": identifier,
        "day": date,
        "bytes": len(data),
        "sha256": sha256(data).hexdigest(),
    }
    text = f"written to {out}, {len(data)} bytes\nnext  cellbook list verify {out} --trust TRUST"
    if str(out) != "-":
        print_result(text, facts, as_json=as_json)


def _check_code(scheme: str, identifier: str) -> None:
    """A code with a wrong check character is nobody's: that it is on no list says nothing."""
    from ledger.custody.lists.schemes import SCHEMES
    from ledger.custody.names.companies import parse_uscc

    if scheme in SCHEMES:
        try:
            parse_uscc(identifier)
        except CellbookError as error:
            told = error.describe().partition(": ")[2]
            raise click.BadParameter(told, param_hint="IDENTIFIER") from None


@click.command()
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
    """Check the file that `list prove` wrote, offline.

    Says what each publisher's list says of the identifier on the day, as the ledger knew it then
    and as it knows it now. Exit codes: 0 the file is genuine, whatever it says; 1 it is not; 2 the
    command or a file given to it is wrong; 3 it cannot be told.
    """
    from cli.mistaken import check_kind
    from cli.verify import believed, moment_of, print_with_trust
    from ledger.proof.participation import decode_participation
    from ledger.proof.report.export import refusal_facts
    from ledger.proof.report.participation import participant_facts, print_participant
    from ledger.proof.report.refusal import print_refusal
    from ledger.proof.verify_participation import verify_participation

    check_state(state, log)
    moment, offset = moment_of(at)
    data = read_file(file, _MAX_FILE)
    trust, digest = believed(trust_file)
    trust = asking(trust, max_age, witness_policy)
    try:
        found = verify_participation(data, trust, moment)
    except CellbookError as error:
        check_kind(error, data, file, "participation file")
        text, facts = print_refusal(error), refusal_facts(error)
        print_with_trust(text, facts, trust, digest, as_json, ok=False)
        return error.exit_code
    compare_state(state, log, found.record, decode_participation(data).checkpoint, quiet=as_json)
    text, facts = print_participant(found, offset_minutes=offset), participant_facts(found)
    print_with_trust(text, facts, trust, digest, as_json, ok=True)
    return 0
