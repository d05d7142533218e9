"""``cellbook policy``: the rules of a ledger, and how its root changes them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.governing import confirm, placed, policy_in_force, register
from cli.output import Example, json_option, print_note, print_result, read_file, write_file
from cli.policy_changes import policy_changes
from cli.published_by import witnesses
from cli.request import LIMITS, parse_request, verify_request
from cli.rotating import COMMANDS, end_of
from cli.signing import load_signer, passphrase_option
from keys.errors import declare

if TYPE_CHECKING:
    from ledger.custody.governance.statements import Authority, Limits, Policy, Profile

UNCHANGED = declare(
    "usage.policy.unchanged",
    "The policy would be the one in force.",
    "Say what changes: --add, --remove, --profile or --limit.",
)
NO_AUTHORITY = declare(
    "usage.policy.authority",
    "The policy in force names no such authority, witness or auditor.",
    "`cellbook policy show` prints those that it names.",
)

ROLES = ("registrar", "publisher", "arbiter")
COSIGNERS = {"witness": "witnesses", "auditor": "auditors"}
"""Who cosigns checkpoints: the word on the command line, and the field of the policy."""
_PATH = click.Path(path_type=Path)


@click.group(
    epilog=Example(
        "cellbook policy show --home shop",
        "cellbook policy publish --home shop --root shop-root/root.pem "
        "--add publisher publisher.request",
    )
)
def policy() -> None:
    """Show the policy of a ledger, and publish the next one.

    A policy says who registers operators, who publishes lists, which rules hold, and how large
    statements may be. It is signed by the root and is an entry like any other.
    """


for _command in (*COMMANDS, witnesses):
    policy.add_command(_command)


@policy.command(epilog=Example("cellbook policy show --home shop"))
@click.option("--home", type=_PATH, required=True, help="The ledger's folder.")
@json_option
def show(home: Path, as_json: bool) -> None:
    """Print the policy in force."""
    in_force, _, _ = policy_in_force(home)
    facts = {**_facts(in_force), **end_of(home)}
    print_result(_text(facts), facts, as_json=as_json)


@policy.command(
    short_help="Sign the next policy with the root key.",
    epilog=Example(
        "cellbook policy publish --home shop --root shop-root/root.pem "
        "--add publisher publisher.request",
        "cellbook policy publish --home shop --root shop-root/root.pem "
        "--remove urn:cellbook:authority:publisher --limit skew_s 60",
        "cellbook policy publish --home shop --root shop-root/root.pem "
        "--add witness witness.example+1f0b3c52+BKm1…",
        "cellbook policy publish --home shop --root shop-root/root.pem --profile core 1 "
        "--out policy.cose",
    ),
)
@click.option("--home", type=_PATH, required=True, help="The ledger's folder.")
@click.option("--root", type=_PATH, required=True, help="The root's key file.")
@passphrase_option
@click.option(
    "--add",
    nargs=2,
    multiple=True,
    type=(click.Choice((*ROLES, *COSIGNERS)), str),
    metavar="ROLE FILE|VKEY",
    help="An authority (registrar, publisher, arbiter), by the request that its key holder made "
    "with `operator request`; or a witness or an auditor, by the vkey of its cosignatures.",
)
@click.option(
    "--remove",
    multiple=True,
    metavar="URI|VKEY",
    help="An authority that speaks no more (what it said stays), or a witness or an auditor.",
)
@click.option(
    "--profile",
    "profiles",
    nargs=2,
    multiple=True,
    type=(str, click.IntRange(0, 65535)),
    metavar="NAME VERSION",
    help="A set of rules and its version; version 0 takes it away.",
)
@click.option(
    "--limit",
    "limits",
    nargs=2,
    multiple=True,
    type=(click.Choice(("entry_bytes", "subjects", "skew_s")), int),
    metavar="NAME VALUE",
    help="What one statement may weigh: entry_bytes, subjects, skew_s.",
)
@click.option("--out", type=_PATH, help="Write the statement to a file, and do not register it.")
@click.option("--yes", is_flag=True, help="Do not ask before signing.")
@json_option
def publish(
    home: Path,
    root: Path,
    passphrase_file: Path | None,
    out: Path | None,
    yes: bool,
    as_json: bool,
    **changes: Any,
) -> None:
    """Sign the next policy with the root key, and register it.

    It is the policy in force with the changes that are given; its number is one higher. Whether
    whoever is added is who he says is for you to find out before you sign.
    """
    from ledger.custody.governance.statements import encode_governance
    from ledger.custody.names.naming import log_uri
    from ledger.log.genesis import sign_policy
    from ledger.wire.statement import parse_statement

    before, entry_id, family = policy_in_force(home)
    after = _changed(before, entry_id, family, **changes)
    print_note(f"policy {after.number} differs from policy {before.number} in this:")
    for line in policy_changes(before, after):
        print_note(f"  {line}")
    confirm("The root", encode_governance(after), log_uri(after.origin), yes=yes)
    leaf = sign_policy(load_signer(root, passphrase_file), after, int(time.time()), family)
    facts: dict[str, Any] = {"number": after.number, "entry_id": parse_statement(leaf).locator}
    if out is not None:
        write_file(out, leaf)
        facts["file"] = str(out)
    else:
        facts |= register(home, leaf)
    print_result(f"policy {after.number}\n{placed(facts)}", facts, as_json=as_json)


def _changed(
    before: Policy,
    entry_id: bytes,
    family: str,
    *,
    add: tuple[tuple[str, str], ...],
    remove: tuple[str, ...],
    profiles: tuple[tuple[str, int], ...],
    limits: tuple[tuple[str, int], ...],
) -> Policy:
    import msgspec

    _check_removed(before, remove)
    changes = {
        "authorities": _authorities(before, family, add, remove),
        **{field: _cosigners(before, role, add, remove) for role, field in COSIGNERS.items()},
        "profiles": _profiles(before, profiles),
        "limits": _limits(before, limits),
    }
    if all(getattr(before, name) == value for name, value in changes.items()):
        raise UNCHANGED.at(f"policy {before.number}")
    order = {"number": before.number + 1, "previous": entry_id, "predecessor": None}
    return msgspec.structs.replace(before, **order, **changes)


def _check_removed(before: Policy, remove: tuple[str, ...]) -> None:
    named = {one.uri for one in before.authorities} | {*before.witnesses, *before.auditors}
    for name in remove:
        if name not in named:
            raise NO_AUTHORITY.at(name)


def _cosigners(
    before: Policy, role: str, add: tuple[tuple[str, str], ...], remove: tuple[str, ...]
) -> tuple[str, ...]:
    from ledger.custody.governance.cosigners import cosigner

    kept = [vkey for vkey in getattr(before, COSIGNERS[role]) if vkey not in remove]
    return (*kept, *(cosigner(vkey).vkey for added, vkey in add if added == role))


def _authorities(
    before: Policy, family: str, add: tuple[tuple[str, str], ...], remove: tuple[str, ...]
) -> tuple[Authority, ...]:
    from ledger.custody.governance.statements import Authority

    kept = tuple(authority for authority in before.authorities if authority.uri not in remove)
    new = []
    for role, file in add:
        if role in COSIGNERS:
            continue
        asked = parse_request(read_file(Path(file), LIMITS.size))
        verify_request(asked, family)
        values: dict[str, Any] = {"uri": asked.uri, "role": role, "key": asked.key}
        new.append(Authority(**values))
    return (*kept, *new)


def _profiles(before: Policy, changes: tuple[tuple[str, int], ...]) -> tuple[Profile, ...]:
    from ledger.custody.governance.statements import Profile

    versions = {profile.name: profile.version for profile in before.profiles} | dict(changes)
    return tuple(Profile(name=name, version=number) for name, number in versions.items() if number)


def _limits(before: Policy, changes: tuple[tuple[str, int], ...]) -> Limits:
    import msgspec

    from ledger.custody.governance.statements import Limits

    values = msgspec.structs.asdict(before.limits) | dict(changes)
    try:
        return msgspec.convert(values, Limits)
    except msgspec.ValidationError as error:
        raise click.BadParameter(str(error), param_hint="--limit") from None


def _facts(found: Policy) -> dict[str, Any]:
    import msgspec

    from ledger.custody.governance.policy import key_of

    return {
        "number": found.number,
        "origin": found.origin,
        "family_name": found.family_name,
        "root_kid": key_of(found.root_key).kid.hex(),
        "next_root_kid": found.next_root.hex(),
        "authorities": [
            {"uri": one.uri, "role": one.role, "kid": key_of(one.key).kid.hex()}
            for one in found.authorities
        ],
        "checkpoint_keys": _checkpoint_keys(found),
        **{field: list(getattr(found, field)) for field in COSIGNERS.values()},
        "profiles": [{"name": one.name, "version": one.version} for one in found.profiles],
        "limits": msgspec.structs.asdict(found.limits),
        "epoch_s": found.epoch_s,
    }


def _checkpoint_keys(found: Policy) -> list[dict[str, Any]]:
    """The log's keys for checkpoints as vkeys: witnesses, and who checks evidence, need them."""
    from ledger.custody.governance.policy import key_of
    from ledger.wire.verifier import Verifier

    return [
        {
            "vkey": Verifier.from_key(found.origin, key_of(one.key)).vkey,
            "from_size": one.from_size,
            "to_size": one.to_size,
        }
        for one in found.log_keys
        if one.purpose == "checkpoint"
    ]


def _text(facts: dict[str, Any]) -> str:
    lines = [
        f"policy {facts['number']} of {facts['origin']}",
        f"  root      {facts['root_kid']}",
        f"  next root {facts['next_root_kid']}",
        *(f"  {one['role']:9} {one['uri']} {one['kid']}" for one in facts["authorities"]),
        *(
            f"  log key   {one['vkey']} (from tree size {one['from_size']})"
            for one in facts["checkpoint_keys"]
        ),
        *(f"  {role:9} {one}" for role, field in COSIGNERS.items() for one in facts[field]),
        *(f"  profile   {one['name']} {one['version']}" for one in facts["profiles"]),
        *(f"  limit     {name} {value}" for name, value in facts["limits"].items()),
        f"  epoch     {facts['epoch_s']} s",
    ]
    if "frozen" in facts:
        after = facts["successor"] or "no log"
        lines.append(f"  ended     by entry {facts['frozen']}; {after} follows")
    return "\n".join(lines)
