"""``cellbook operator``: the key holder's request, and the registrar's answers to it."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from cli import arguments
from cli.governing import Office, family_of, govern, office_options, required_family
from cli.keygen import key_facts
from cli.output import Example, json_option, print_result, read_file, write_file
from cli.registry import find_operator, operator_facts, operator_text
from cli.request import LIMITS, OperatorRequest, make_request, parse_request, verify_request
from cli.signing import load_signer, passphrase_option
from cli.trust import read_trust
from ledger.custody.governance.base import Facility
from ledger.custody.governance.operators import ROLES
from ledger.custody.governance.statements import KeyRevoked, OperatorChanged, OperatorRemoved

_PATH = click.Path(path_type=Path)
_name = click.option("--name", help="The operator's name for people.")
_country_option = click.option("--country", callback=arguments.country, help="Country, such as CN.")
_roles = click.option(
    "--role", "roles", multiple=True, type=click.Choice(ROLES), help="A role; may be repeated."
)
_maker_codes = click.option(
    "--maker-code",
    "maker_codes",
    multiple=True,
    callback=arguments.maker_codes,
    metavar="CODE",
    help="First three characters of the GB/T 34014 codes that it issues; may be repeated.",
)
_gs1_prefixes = click.option(
    "--gs1-prefix",
    "gs1_prefixes",
    multiple=True,
    callback=arguments.gs1_prefixes,
    metavar="DIGITS",
    help="GS1 company prefix of the identifiers that it issues; may be repeated.",
)


_facilities = click.option(
    "--facility",
    "facilities",
    nargs=4,
    multiple=True,
    callback=arguments.facilities,
    metavar="ID COUNTRY NAME ADDRESS",
    help="Where it works: the facility id of its events, and what a visitor needs. Give '' for a "
    "name or an address that is not told; may be repeated.",
)


@click.group(
    epilog=Example(
        "cellbook operator request --key maker.pem --uri https://maker.example --name Maker "
        "--country CN --role maker --trust trust.toml --out maker.request",
        "cellbook operator add maker.request --registrar registrar.pem --url http://127.0.0.1:8417",
        "cellbook operator show https://maker.example --home shop",
    )
)
def operator() -> None:
    """Register operators and their keys.

    A key holder makes a request; the registrar checks it, signs what it asks for, and submits that
    to the ledger, where it is an entry like any other.
    """


@operator.command(
    epilog=Example(
        "cellbook operator request --key maker.pem --uri urn:uscc:91440300MA5FKPKM1T "
        '--name "Maker A" --country CN --role maker --trust trust.toml --out maker.request',
        "cellbook operator request --key second.pem --uri https://maker.example "
        "--trust trust.toml --out second-key.request",
    )
)
@click.option("--key", type=_PATH, required=True, help="The operator's key file.")
@click.option(
    "--uri", required=True, callback=arguments.uri, help="The operator's name in the ledger."
)
@_name
@_country_option
@_roles
@click.option("--family", help="Id of the log family, instead of --trust.")
@click.option("--trust", type=_PATH, help="Trust file of the ledger.")
@click.option("--out", type=_PATH, required=True, help="File to write.")
@passphrase_option
@json_option
def request(
    key: Path,
    uri: str,
    name: str | None,
    country: str | None,
    roles: tuple[str, ...],
    family: str | None,
    trust: Path | None,
    out: Path,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Make the file with which a key holder asks the registrar.

    With --name, --country and --role it asks to register an operator, without them to add a key to
    one. It holds the public key and its own signature that its holder asks; nothing secret.
    """
    if (family is None) == (trust is None):
        raise click.UsageError("Give one of --trust and --family.")
    if len({name is None, country is None, not roles}) != 1:
        raise click.UsageError("Give all of --name, --country and --role, or none of them.")
    if trust is not None:
        family = read_trust(trust)[0].family
    signer = load_signer(key, passphrase_file)
    data = make_request(signer, uri, family or "", name=name, country=country, roles=roles)
    write_file(out, data)
    facts = {"file": str(out), "uri": uri, "family": family, **key_facts(signer.key)}
    text = f"written to {out}, for the registrar\nuri  {uri}\nkid  {facts['kid']}"
    print_result(text, facts, as_json=as_json)


@operator.command(
    epilog=Example(
        "cellbook operator add maker.request --registrar registrar.pem --url http://127.0.0.1:8417",
        "cellbook operator add maker.request --maker-code 4A6 --registrar registrar.pem "
        "--out maker.cose",
    )
)
@click.argument("file", type=_PATH)
@_maker_codes
@_gs1_prefixes
@_facilities
@office_options
def add(
    file: Path,
    maker_codes: tuple[str, ...] | None,
    gs1_prefixes: tuple[str, ...] | None,
    facilities: tuple[Facility, ...] | None,
    office: Office,
) -> None:
    """Register the operator that the request in FILE names.

    Checks that the key's holder made the request. Whether he is the operator that he names, has
    these roles, works in these places, and issues identifiers with these codes, is for you to find
    out before you sign.
    """
    asked = _checked(file, office)
    codes = {"maker_codes": maker_codes, "gs1_prefixes": gs1_prefixes}
    content = msgspec.structs.replace(asked.registration(), **codes, facilities=facilities)
    govern(office, content, asked.uri, asked.family)


@operator.command(
    "add-key",
    epilog=Example(
        "cellbook operator add-key second-key.request --registrar registrar.pem "
        "--url http://127.0.0.1:8417"
    ),
)
@click.argument("file", type=_PATH)
@office_options
def add_key(file: Path, office: Office) -> None:
    """Add the key of the request in FILE to an operator.

    Checks that the key's holder made the request, and not that the operator wants it: ask him.
    """
    asked = _checked(file, office)
    govern(office, asked.addition(), asked.uri, asked.family)


@operator.command(
    short_help="Change an operator's name, country, roles and codes.",
    epilog=Example(
        "cellbook operator change https://maker.example --role maker --role repurposer "
        "--registrar registrar.pem --home shop",
        "cellbook operator change https://maker.example --name Maker --country CN --role maker "
        "--trust trust.toml --registrar registrar.pem --url http://127.0.0.1:8417",
        "cellbook operator change https://maker.example --maker-code 4A6 --gs1-prefix 9506000 "
        "--registrar registrar.pem --home shop",
    ),
)
@click.argument("uri", callback=arguments.uri)
@_name
@_country_option
@_roles
@_maker_codes
@_gs1_prefixes
@_facilities
@click.option("--no-codes", is_flag=True, help="It gives up the codes that are not given here.")
@office_options
def change(
    uri: str,
    name: str | None,
    country: str | None,
    roles: tuple[str, ...],
    maker_codes: tuple[str, ...] | None,
    gs1_prefixes: tuple[str, ...] | None,
    facilities: tuple[Facility, ...] | None,
    no_codes: bool,
    office: Office,
) -> None:
    """Change the name, country, roles and codes of the operator URI; its keys stay.

    With --home, what is not given stays as it is; otherwise give name, country and roles. Maker
    codes, company prefixes and facilities replace those that it has; without any they stay.
    """
    if office.home is not None:
        now = find_operator(office.home, uri)
        name, country, roles = name or now.name, country or now.country, roles or now.roles
    if name is None or country is None or not roles:
        raise click.UsageError("Give --name, --country and --role; only --home knows the present.")
    none = () if no_codes else None
    content = OperatorChanged(
        name=name,
        country=country,
        roles=tuple(roles),
        maker_codes=none if maker_codes is None else maker_codes,
        gs1_prefixes=none if gs1_prefixes is None else gs1_prefixes,
        facilities=facilities,
    )
    govern(office, content, uri, required_family(office))


@operator.command(
    "revoke-key",
    epilog=Example(
        "cellbook operator revoke-key https://maker.example --kid KID --reason lost "
        "--trust trust.toml --registrar registrar.pem --url http://127.0.0.1:8417",
        "cellbook operator revoke-key https://maker.example --kid KID --reason stolen "
        "--compromised-since 2026-06-03T10:00:00+08:00 --registrar registrar.pem --home shop",
    ),
)
@click.argument("uri", callback=arguments.uri)
@click.option(
    "--kid", required=True, callback=arguments.kid, help="Id of the key, 64 hexadecimal digits."
)
@click.option("--reason", required=True, help="Why, for everybody to read.")
@click.option(
    "--compromised-since",
    callback=arguments.moment,
    metavar="TIME",
    help="Flag what the key signed from then on, such as 2026-06-03T10:00:00+08:00.",
)
@office_options
def revoke_key(
    uri: str, kid: bytes, reason: str, compromised_since: int | None, office: Office
) -> None:
    """Revoke a key of the operator URI.

    It signs nothing from here on. What it signed before stays, flagged from --compromised-since.
    """
    content = KeyRevoked(kid=kid, reason=reason, compromised_since=compromised_since)
    govern(office, content, uri, required_family(office))


@operator.command(
    short_help="Remove an operator; what it signed stays valid.",
    epilog=Example(
        "cellbook operator remove https://maker.example --reason closed --trust trust.toml "
        "--registrar registrar.pem --url http://127.0.0.1:8417"
    ),
)
@click.argument("uri", callback=arguments.uri)
@click.option("--reason", required=True, help="Why, for everybody to read.")
@office_options
def remove(uri: str, reason: str, office: Office) -> None:
    """Remove the operator URI; what it signed before stays valid."""
    govern(office, OperatorRemoved(reason=reason), uri, required_family(office))


@operator.command(
    short_help="Print what a ledger knows of an operator.",
    epilog=Example("cellbook operator show https://maker.example --home shop"),
)
@click.argument("uri", callback=arguments.uri)
@click.option("--home", type=_PATH, required=True, help="The ledger's folder.")
@json_option
def show(uri: str, home: Path, as_json: bool) -> None:
    """Print what the ledger in --home knows of the operator URI and its keys."""
    state = find_operator(home, uri)
    print_result(operator_text(state), operator_facts(state), as_json=as_json)


def _checked(file: Path, office: Office) -> OperatorRequest:
    asked = parse_request(read_file(file, LIMITS.size))
    verify_request(asked, family_of(office))
    return asked
