"""What the registrar's commands share: where the family comes from, signing, handing in."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from cli.output import json_option, print_note, print_result, write_file
from cli.signing import load_signer, passphrase_option

if TYPE_CHECKING:
    from ledger.custody.governance.statements import Governance, Policy

REGISTRAR_URI = "urn:cellbook:authority:registrar"
"""The registrar of a ledger that was made without naming another."""


class Office(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a command that makes the registrar sign."""

    registrar: Path
    registrar_uri: str
    passphrase_file: Path | None
    home: Path | None
    url: str | None
    out: Path | None
    trust: Path | None
    yes: bool
    as_json: bool


def office_options(command: Callable[..., None]) -> Callable[..., None]:
    """The registrar's options; the command gets them as ``office``."""

    @functools.wraps(command)
    def wrapped(**values: Any) -> None:
        options = {name: values.pop(name) for name in Office.__struct_fields__}
        office = Office(**options)
        if sum(way is not None for way in (office.home, office.url, office.out)) != 1:
            raise click.UsageError("Give exactly one of --url, --home and --out.")
        command(office=office, **values)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


_PATH = click.Path(path_type=Path)
_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--registrar", type=_PATH, required=True, help="The registrar's key file."),
    click.option(
        "--registrar-uri",
        default=REGISTRAR_URI,
        show_default=True,
        help="The registrar's name in the ledger's policy.",
    ),
    passphrase_option,
    click.option("--url", help="Submit to the service at this address."),
    click.option("--home", type=_PATH, help="Register in the ledger in this folder."),
    click.option("--out", type=_PATH, help="Write the statement to a file, to submit later."),
    click.option("--trust", type=_PATH, help="Trust file of the ledger."),
    click.option("--yes", is_flag=True, help="Do not ask before signing."),
    json_option,
)


def family_of(office: Office) -> str | None:
    """The family of the ledger that the registrar means, if --trust or --home says which."""
    from cli.trust import read_trust

    if office.trust is not None:
        return read_trust(office.trust)[0].family
    if office.home is not None:
        from ledger.log.home import Home

        return read_trust(Home.open(office.home).trust_path)[0].family
    return None


def required_family(office: Office) -> str:
    """As ``family_of``; a usage error where nothing says which ledger is meant."""
    family = family_of(office)
    if family is None:
        raise click.UsageError("Give --trust, so that the statement names this ledger's family.")
    return family


def govern(office: Office, content: Governance, subject: str, family: str) -> None:
    """Show what is to be signed, sign it, hand it in, and print where it is."""
    from ledger.custody.governance.statements import encode_governance
    from ledger.wire.statement import TYP_GOVERNANCE, parse_statement, sign_statement

    payload = encode_governance(content)
    _confirm(office, payload, subject)
    leaf = sign_statement(
        load_signer(office.registrar, office.passphrase_file),
        typ=TYP_GOVERNANCE,
        iss=office.registrar_uri,
        sub=subject,
        aud=family,
        iat=int(time.time()),
        payload=payload,
    )
    facts = {
        "subject": subject,
        "entry_id": parse_statement(leaf).locator,
        **_hand_in(office, leaf),
    }
    print_result(placed(facts), facts, as_json=office.as_json)


def _confirm(office: Office, payload: bytes, subject: str) -> None:
    confirm(f"The registrar {office.registrar_uri}", payload, subject, yes=office.yes)


def confirm(who: str, payload: bytes, subject: str, *, yes: bool) -> None:
    """Show what ``who`` is to sign, and ask, where somebody can be asked and nobody said yes."""
    from cli.notation import notation, read_item

    print_note(f"{who} signs about {subject}:")
    print_note(notation(read_item(payload)))
    if not yes and has_terminal():
        click.confirm("Sign this?", abort=True, err=True)


def has_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty()


def _hand_in(office: Office, leaf: bytes) -> dict[str, Any]:
    if office.out is not None:
        write_file(office.out, leaf)
        return {"file": str(office.out)}
    if office.home is not None:
        return register(office.home, leaf)
    assert office.url is not None  # noqa: S101 - exactly one way was given
    return _submit(office.url, leaf)


def _submit(url: str, leaf: bytes) -> dict[str, Any]:
    from cli.remote import Remote

    with Remote(url) as remote:
        registered = remote.register(leaf)
    return {"location": registered.location, "duplicate": registered.duplicate}


def register(folder: Path, leaf: bytes) -> dict[str, Any]:
    """Register in this process; a service may be running on the same database."""
    from ledger.log.home import Home
    from ledger.log.ledger import Ledger

    home = Home.open(folder)
    store = home.open_store()
    try:
        ledger = Ledger(store, home.signers(), clock=lambda: int(time.time()))
        ledger.start()
        try:
            (outcome,) = ledger.register_now([leaf])
        finally:
            ledger.close()
    finally:
        store.close()
    if outcome.error is not None:
        raise outcome.error
    return {"index": outcome.index, "duplicate": outcome.duplicate}


def policy_in_force(folder: Path) -> tuple[Policy, bytes, str]:
    """The policy in force, its entry id, and the log's family."""
    from ledger.custody.governance.statements import Policy, parse_governance
    from ledger.log.home import Home
    from ledger.log.reading.published import find_entry
    from ledger.log.stored import find_log_uri, log_state
    from ledger.wire.statement import parse_statement

    store = Home.open(folder).open_store()
    try:
        log = log_state(store, find_log_uri(store))
        found = parse_governance(parse_statement(find_entry(store, log.policy).leaf).payload)
    finally:
        store.close()
    assert isinstance(found, Policy)  # noqa: S101 - what the log's state names as its policy
    return found, log.policy, log.family


def placed(facts: dict[str, Any]) -> str:
    """Where a statement went, for people."""
    if "file" in facts:
        return f"written to {facts['file']}; hand it in with `cellbook submit {facts['file']}`"
    again = ", as it was before" if facts["duplicate"] else ""
    place = facts["location"] if "location" in facts else f"entry {facts['index']}"
    return f"registered{again}: {place}\nentry id  {facts['entry_id']}"
