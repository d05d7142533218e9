"""``cellbook import``: a plant's table of events, signed into an outbox, and sent."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.importing.drafting import Drafting
from cli.importing.mapping import MAPPING, Mapping, check_columns, load_mapping
from cli.importing.outbox import Outbox, is_outbox
from cli.importing.report import facts_of, text_of
from cli.importing.returned import refused_by_service, write_refused
from cli.importing.run import Run, Signing, Tally
from cli.importing.sheet import Sheet, open_sheet, rows
from cli.output import WRITE, Example, json_option, print_result, progress, read_file
from cli.signing import load_signer, passphrase_option
from cli.trust import read_trust
from ledger.custody.identifiers import parse_operator_uri

if TYPE_CHECKING:
    from cli.submit import Tally as Sent

_FILE = click.Path(path_type=Path)
_SIGNING = "--key works.pem --issuer https://works.example --trust trust.toml"


@click.command(
    "import",
    epilog=Example(
        "cellbook schema manufacture --template csv --out templates",
        "cellbook import plant.csv --mapping plant.toml --issuer https://works.example --dry-run",
        f"cellbook import plant.csv --mapping plant.toml {_SIGNING} --outbox outbox",
        "cellbook submit outbox --url https://log.example.org",
        f"cellbook import outbox/refused.csv --mapping plant.toml {_SIGNING} --outbox outbox "
        "--url https://log.example.org",
    ),
)
@click.argument("file", metavar="FILE", type=_FILE)
@click.option(
    "--mapping",
    "mapping_file",
    type=_FILE,
    required=True,
    help="TOML file that says which column holds which field; `cellbook schema KIND --template "
    "mapping` prints one to begin with.",
)
@click.option("--key", type=_FILE, help="Key file of the issuer. Not needed with --dry-run.")
@click.option(
    "--issuer", metavar="URI", help="The operator who signs. [default: issuer in the mapping]"
)
@click.option("--trust", type=_FILE, help="Trust file of the ledger that the events are for.")
@click.option(
    "--outbox",
    type=_FILE,
    metavar="DIR",
    help="Folder for the signed events; made if it is not there, and gone on with if it is.",
)
@click.option("--url", help="Submit the outbox to the service at this address, too.")
@click.option(
    "--refused",
    "refused_file",
    type=_FILE,
    help="Write refused rows to this file. [default: refused.csv in the outbox]",
)
@click.option("--dry-run", is_flag=True, help="Read and check every row; sign and write nothing.")
@passphrase_option
@json_option
def import_(**given: Any) -> int:
    """Sign the events in a table, CSV or JSON lines, into an outbox.

    Every row is one event. The mapping names the columns that tell records apart (source_ref): a
    record is signed once and registered once, however often the command runs, so after any failure
    run it again. Nothing is sent without --url: look at the outbox first, then submit it.

    Rows that cannot be signed, or that the service refuses, come back as a table with the rule or
    code and what to do. Correct that table and import it with the same mapping and outbox.

    Exit codes: 0 all rows are signed (and registered), 1 some were refused, 3 the service could not
    decide some.
    """
    return _import(given)


def _import(given: dict[str, Any]) -> int:
    file: Path = given["file"]
    _check_options(given)
    where = str(given["mapping_file"])
    mapping = load_mapping(read_file(given["mapping_file"]), where)
    issuer = _issuer(mapping, given["issuer"], where)
    data = read_file(file)
    sheet, lines = open_sheet(
        str(file), data, encoding=mapping.encoding, delimiter=mapping.delimiter
    )
    if sheet.form == "csv":
        check_columns(mapping, sheet.columns, str(file))
    with ExitStack() as stack:
        outbox, signing = _opened(given, issuer, stack)
        tally = _take_rows(given, mapping, issuer, sheet, lines, outbox, signing)
        sent = None
        refused = tally.refused
        if given["url"] is not None and outbox is not None:
            sent, url = _send(outbox.folder, given["url"], quiet=given["as_json"])
            errors = {item.locator: error for item, error in sent.refused}
            refused = [*refused, *refused_by_service(outbox.rows(), errors)]
            given["url"] = url
        files = _write_refused(given, refused)
    facts = facts_of(sheet, mapping, tally, sent, files, given)
    code = _exit_code(tally, sent)
    print_result(
        text_of(sheet, tally, sent, facts, given), facts, as_json=given["as_json"], ok=not code
    )
    return code


def _check_options(given: dict[str, Any]) -> None:
    needed = () if given["dry_run"] else ("key", "trust", "outbox")
    missing = [f"--{name}" for name in needed if given[name] is None]
    if missing:
        raise click.UsageError(f"Missing option {', '.join(missing)} (or --dry-run).")
    if given["dry_run"] and given["url"] is not None:
        raise click.UsageError("--dry-run sends nothing: leave --url out.")
    refused = given["refused_file"]
    if refused is not None and refused.exists():
        # Known now, and not after an hour of work.
        raise WRITE.at(str(refused), "it exists already")


def _issuer(mapping: Mapping, stated: str | None, where: str) -> str:
    """Who signs: as the command says, or else as the mapping says."""
    constant = mapping.issuer if isinstance(mapping.issuer, str) else None
    if stated is None and constant is None:
        raise click.UsageError("Missing option --issuer: the mapping does not name the issuer.")
    if stated is not None and constant is not None and stated != constant:
        raise MAPPING.at(f"{where}, issuer", f"{constant!r:.80}, and --issuer says {stated!r:.80}")
    return parse_operator_uri(stated or constant or "", "--issuer")


def _opened(
    given: dict[str, Any], issuer: str, stack: ExitStack
) -> tuple[Outbox | None, Signing | None]:
    folder: Path | None = given["outbox"]
    if given["dry_run"]:
        if folder is None or given["trust"] is None or not is_outbox(folder):
            return None, None
        family = read_trust(given["trust"])[0].family
        return stack.enter_context(Outbox(folder, issuer, family)), None
    assert folder is not None  # noqa: S101 - the options were checked
    family = read_trust(given["trust"])[0].family
    signer = load_signer(given["key"], given["passphrase_file"])
    outbox = stack.enter_context(Outbox(folder, issuer, family))
    return outbox, Signing(signer, issuer, family)


def _take_rows(
    given: dict[str, Any],
    mapping: Mapping,
    issuer: str,
    sheet: Sheet,
    lines: list[bytes],
    outbox: Outbox | None,
    signing: Signing | None,
) -> Tally:
    run = Run(sheet, outbox, signing)
    drafting = Drafting(mapping, issuer, str(given["mapping_file"]), run.find)
    label = "checking" if signing is None else "signing"
    with progress(label, quiet=given["as_json"]) as show:
        return run.run(drafting, rows(sheet, lines), len(lines), show)


def _send(folder: Path, url: str, *, quiet: bool) -> tuple[Sent, str]:
    """Submit an outbox as ``cellbook submit`` does."""
    from cli.remote import Remote
    from cli.submission import Journal, journal_beside, read_items
    from cli.submit import Submission
    from cli.submit import Tally as SentTally

    if not any(folder.glob("*.cbor-seq")):
        return SentTally(), url
    items = read_items([folder])
    with Remote(url) as remote, progress("submitting", quiet=quiet) as show:
        journal = Journal(journal_beside([folder]), remote.url)
        return Submission(remote.submit, journal, None, show).run(items), remote.url


def _write_refused(given: dict[str, Any], refused: list[Any]) -> list[Path]:
    file, folder = given["refused_file"], given["outbox"]
    if given["dry_run"] and file is None:
        return []
    return write_refused(refused, folder or Path(), file)


def _exit_code(tally: Tally, sent: Sent | None) -> int:
    if sent is not None and sent.undecided:
        return 3
    return 1 if tally.refused or (sent is not None and sent.refused) else 0
