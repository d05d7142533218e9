"""``cellbook dossier``: fetch the one file from which a battery's life is verified offline."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
import msgspec

from cli.asking import check_state, state_options
from cli.output import Example, json_option, print_result
from cli.saving import save
from keys.errors import declare
from ledger.custody.identifiers import code_of
from ledger.proof.checkpoint import parse_body
from ledger.proof.dossier import Dossier, decode_dossier

SOURCE = declare(
    "usage.dossier.source",
    "It is not said, or said twice, where the dossier comes from.",
    "Give --url for a service, --home for a ledger's folder, or --from for a copy of the log.",
)
AUDITED = declare(
    "usage.dossier.audited",
    "A copy of a log has one checkpoint; it does not keep another that auditors have cosigned.",
    "Leave --audited out: where the copy's checkpoint has auditors' lines, the dossier has them.",
)
OTHER = declare(
    "unavailable.service.dossier",
    "The service gave the dossier of another battery than it found.",
    "Try again, and report it to whoever runs the service.",
)


class Fetched(msgspec.Struct, frozen=True):
    """A dossier as it came, and what it says of itself; nothing of it is verified."""

    data: bytes
    dossier: Dossier
    tree_size: int


@click.command(
    epilog=Example(
        "cellbook dossier 4A6PCPM27KLPCLE742946319 --url https://log.example.org "
        "--out pack.dossier",
        "cellbook dossier 4A6PCPM27KLPCLE742946319 --home shop --out pack.dossier",
        "cellbook dossier 4A6PCPM27KLPCLE742946319 --from copy --out pack.dossier",
        "cellbook dossier 4A6PCPM27KLPCLE742946319 --url https://log.example.org "
        "--out pack.dossier --state seen --trust trust.toml",
    )
)
@click.argument("identifier")
@click.option("--url", help="Address of the service.")
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    help="Folder of the ledger instead; no service needs to run.",
)
@click.option(
    "--from",
    "copies",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FOLDER",
    help="Copy of the log instead, by `cellbook mirror`. Repeat it for logs before this one.",
)
@click.option(
    "--audited",
    is_flag=True,
    help="As of the newest checkpoint that the log's auditors have cosigned.",
)
@state_options
@click.option(
    "--trust",
    "trust_file",
    type=click.Path(),
    metavar="FILE",
    help="The ledger's trust file, for --state: only a dossier that it accepts is compared.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="File to write; - for stdout."
)
@click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")
@json_option
def dossier(
    identifier: str,
    url: str | None,
    home: Path | None,
    copies: tuple[Path, ...],
    audited: bool,
    state: Path | None,
    log: str | None,
    trust_file: str | None,
    out: Path,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Fetch the dossier of the battery that IDENTIFIER names: a code as printed, or a URI.

    The file is written whole or not at all. It is not verified here: whoever relies on it does
    that, with a trust file from somebody else than the sender. Only --state verifies it as well,
    by --trust, and compares its checkpoint with the one seen before; a file that is refused is not
    written. --log is the place from which the file comes, unless it is given. From a copy of a log
    the file is made without the service, also when that is gone; the first time all entries are
    read.
    """
    check_state(state, log)
    if (state is None) != (trust_file is None):
        raise click.UsageError("Give --state and --trust together.")
    if (url is not None) + (home is not None) + bool(copies) != 1:
        raise SOURCE.at("cellbook dossier")
    if copies and audited:
        raise AUDITED.at("--audited")
    if copies:
        fetched = from_copies(copies, identifier, quiet=as_json)
    else:
        fetched = (
            from_service(url, identifier, audited=audited)
            if home is None
            else from_folder(home, identifier, audited=audited)
        )
    if state is not None and trust_file is not None:
        place = log or url or (str(copies[0]) if copies else None)
        _compare(state, place, trust_file, fetched, quiet=as_json)
    save(out, fetched.data, overwrite=overwrite)
    facts = {
        "file": str(out),
        "subject": fetched.dossier.subject,
        "entries": len(fetched.dossier.entries),
        "tree_size": fetched.tree_size,
        "bytes": len(fetched.data),
        "sha256": sha256(fetched.data).hexdigest(),
    }
    if str(out) != "-":
        print_result(_text(facts), facts, as_json=as_json)


def _compare(
    state: Path, log: str | None, trust_file: str, fetched: Fetched, *, quiet: bool
) -> None:
    """An unverified note could put another log's checkpoint in the place of this one's."""
    from cli.asking import compare_state
    from cli.verify import believed
    from ledger.proof.verify import verify_dossier

    trust, _ = believed(trust_file)
    verdict = verify_dossier(fetched.data, trust, int(time.time()))
    compare_state(state, log, verdict.record, fetched.dossier.checkpoint, quiet=quiet)


def from_service(url: str | None, identifier: str, *, audited: bool = False) -> Fetched:
    """The dossier by a service. Raises ``missing.battery``, ``unavailable.service.*`` and what
    ``decode_dossier`` raises; with ``audited``, ``missing.audited``."""
    from cli.remote import Remote

    with Remote(url or "") as remote:
        subject = remote.find(identifier)
        return read_dossier(remote.dossier(subject, audited=audited), subject)


def from_folder(folder: Path, identifier: str, *, audited: bool = False) -> Fetched:
    """The dossier out of a ledger's folder. Raises ``usage.home.*``, ``missing.battery``,
    ``unavailable.*``; with ``audited``, ``missing.audited``."""
    from ledger.log.home import Home
    from ledger.log.ledger import Ledger
    from ledger.log.predecessor import PastLogs

    home = Home.open(folder)
    with closing(home.open_store()) as store, ExitStack() as opened:
        past = PastLogs.of(home)
        if past is not None:
            opened.callback(past.close)
        ledger = Ledger(store, home.signers(), clock=lambda: int(time.time()), past=past)
        # It ends the epoch of a service that was killed, so that the newest entries are covered.
        ledger.start()
        with closing(ledger):
            subject = ledger.find(identifier)
            make = ledger.audited_dossier if audited else ledger.dossier
            return read_dossier(make(subject), subject)


def from_copies(copies: Sequence[Path], identifier: str, *, quiet: bool = True) -> Fetched:
    """The dossier out of the copy of a log, and of those before it, newest first. Raises
    ``missing.battery`` and what ``OfflineLog`` raises."""
    from cli.log_source import open_copy
    from ledger.proof.assembly.dossier import assemble

    with ExitStack() as stack:
        log, *pasts = [stack.enter_context(open_copy(folder, quiet=quiet)) for folder in copies]
        subject = log.find(identifier)
        return read_dossier(assemble(log, subject, log.documents, pasts), subject)


def read_dossier(data: bytes, subject: str) -> Fetched:
    """The dossier in ``data``, which must be one of ``subject``; nothing in it is verified.

    Raises what ``decode_dossier`` and ``parse_body`` raise, and ``unavailable.service.dossier``.
    """
    parsed = decode_dossier(data)
    if parsed.subject != subject:
        raise OTHER.at(subject, parsed.subject)
    body = parse_body(parsed.checkpoint.rpartition(b"\n\n")[0] + b"\n")
    return Fetched(data, parsed, body.size)


def _text(facts: dict[str, Any]) -> str:
    file = shlex.quote(facts["file"])
    code = code_of(facts["subject"])
    return f"""\
written to  {facts["file"]}
battery     {facts["subject"]}
holds       {facts["entries"]} entries of a log of {facts["tree_size"]}, {facts["bytes"]} bytes
SHA-256     {facts["sha256"]}
next        cellbook verify {file} --trust TRUST --label {shlex.quote(code)}
            with the ledger's trust file, got from somebody whom you trust"""
