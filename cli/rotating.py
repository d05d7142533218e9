"""``cellbook policy rotate-root | rotate-log-key | freeze``: new keys, and the end of a log."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.governing import confirm, placed, policy_in_force, register
from cli.output import Example, json_option, print_result, write_file
from cli.signing import load_signer, passphrase_option
from keys.errors import RejectedError, declare

if TYPE_CHECKING:
    from keys.signer import Signer
    from ledger.custody.governance.statements import LogKey, Policy

PASSED = declare(
    "usage.policy.passed",
    "The log has grown past the tree size from which the new key was to sign.",
    "Say a greater one with --from-size. Nothing was registered.",
)
THUMBPRINT = declare(
    "usage.policy.kid",
    "This is not the thumbprint of a key.",
    "Write the kid that `cellbook keygen` printed: 64 hexadecimal digits.",
)
NOT_NEXT = declare(
    "usage.policy.next-root",
    "This is not the next root key to which the policy in force has committed.",
    "Use the key file that was kept for this; `cellbook policy show` prints its kid.",
)

_PATH = click.Path(path_type=Path)
_HOME = click.option("--home", type=_PATH, required=True, help="The ledger's folder.")
_ROOT = click.option("--root", type=_PATH, required=True, help="The root's key file.")
_OUT = click.option("--out", type=_PATH, help="Write the statement to a file, to submit later.")
_YES = click.option("--yes", is_flag=True, help="Do not ask before signing.")


@click.command(
    "rotate-root",
    short_help="Let the next root key take over from the root.",
    epilog=Example(
        "cellbook policy rotate-root --home shop --next-root shop-root/next-root.pem "
        "--spare spare.pem",
        "cellbook policy rotate-root --home shop --next-root next-root.pem "
        "--spare-kid KID --out policy.cose",
    ),
)
@_HOME
@click.option("--next-root", type=_PATH, required=True, help="The next root's key file.")
@passphrase_option
@click.option("--spare", type=_PATH, help="Key file of the key that may replace it one day.")
@click.option("--spare-kid", help="That key's kid, where its file lies elsewhere.")
@_OUT
@_YES
@json_option
def rotate_root(
    home: Path,
    next_root: Path,
    passphrase_file: Path | None,
    spare: Path | None,
    spare_kid: str | None,
    out: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Sign, with the next root key, a policy that makes it the root.

    Whoever has the old root key signs nothing from then on. The policy commits to a spare key,
    which may replace this one; make it with `cellbook keygen`, and keep it elsewhere. Trust files
    stay valid.
    """
    if (spare is None) == (spare_kid is None):
        raise click.UsageError("Give exactly one of --spare and --spare-kid.")
    before, entry_id, family = policy_in_force(home)
    signer = load_signer(next_root, passphrase_file)
    if signer.key.kid != before.next_root:
        raise NOT_NEXT.at(str(next_root), signer.key.kid.hex())
    kid = _kid(spare_kid or "") if spare is None else load_signer(spare, None).key.kid
    after = _next(before, entry_id, root_key=signer.key.to_cbor(), next_root=kid)
    _publish(home, after, family, signer, "The next root", out=out, yes=yes, as_json=as_json)


@click.command(
    "rotate-log-key",
    short_help="Give a purpose of the log to a new key.",
    epilog=Example(
        "cellbook policy rotate-log-key checkpoint --home shop --root shop-root/root.pem",
        "cellbook policy rotate-log-key receipts --home shop --root shop-root/root.pem "
        "--from-size 20000",
    ),
)
@click.argument("purpose", type=click.Choice(("checkpoint", "receipts", "statements")))
@_HOME
@_ROOT
@passphrase_option
@click.option(
    "--from-size",
    type=click.IntRange(1),
    help="Tree size from which the new key signs. [default: the next one]",
)
@_YES
@json_option
def rotate_log_key(
    purpose: str,
    home: Path,
    root: Path,
    passphrase_file: Path | None,
    from_size: int | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Make a new key for PURPOSE in the ledger's folder, and sign the policy that names it.

    The old key stays valid for the tree sizes before. A service that runs finds the new key by
    itself; services on other machines need a copy of its file in `keys/` before that size is
    reached. Whoever checks checkpoints by their key, such as a witness, must be told the new one.
    """
    from ledger.log.home import Home

    opened = Home.open(home)
    before, entry_id, family = policy_in_force(home)
    signer = load_signer(root, passphrase_file)
    start = from_size or _next_size(home)
    new, file = opened.new_log_key(purpose)
    try:
        keys = _log_keys(before, purpose, new.key.to_cbor(), start)
        after = _next(before, entry_id, log_keys=keys)
        _publish(home, after, family, signer, "The root", yes=yes, as_json=as_json)
    except (RejectedError, click.Abort) as error:
        # After any other failure the policy may be in the log, and the key is needed.
        file.unlink()
        if isinstance(error, RejectedError) and error.code == "rejected.policy.fixed":
            raise PASSED.at(f"tree size {start}") from error
        raise


@click.command(
    short_help="End a ledger's log, for good.",
    epilog=Example(
        "cellbook policy freeze --home shop --root shop-root/root.pem "
        "--successor log.example.org/batteries-2",
        "cellbook policy freeze --home shop --root shop-root/root.pem --no-successor",
    ),
)
@_HOME
@_ROOT
@passphrase_option
@click.option("--successor", metavar="ORIGIN", help="The name of the log that follows.")
@click.option("--no-successor", is_flag=True, help="No log follows, ever.")
@_OUT
@_YES
@json_option
def freeze(
    home: Path,
    root: Path,
    passphrase_file: Path | None,
    successor: str | None,
    no_successor: bool,
    out: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Sign, with the root key, the statement that ends the log. Nobody can take it back.

    The log takes nothing more; receipts, dossiers and tiles are given as before. The log that
    follows is made by `cellbook init --successor-of`, with the next root key of this one.
    """
    from ledger.custody.governance.handover import Freeze, Successor
    from ledger.custody.governance.statements import encode_governance
    from ledger.custody.names.naming import log_uri
    from ledger.wire.statement import TYP_GOVERNANCE, sign_statement

    if (successor is None) != no_successor:
        raise click.UsageError("Give exactly one of --successor and --no-successor.")
    before, _, family = policy_in_force(home)
    named = None if successor is None else Successor(origin=successor, root=before.next_root)
    payload, subject = encode_governance(Freeze(successor=named)), log_uri(before.origin)
    confirm("The root, to end the log for good,", payload, subject, yes=yes)
    leaf = sign_statement(
        load_signer(root, passphrase_file),
        typ=TYP_GOVERNANCE,
        iss=family,
        sub=subject,
        aud=family,
        iat=int(time.time()),
        payload=payload,
    )
    facts: dict[str, Any] = {"successor": successor}
    _hand_in(home, leaf, facts, out)
    what = "no log follows" if successor is None else f"{successor} may follow"
    print_result(f"the end of the log; {what}\n{placed(facts)}", facts, as_json=as_json)


def end_of(home: Path) -> dict[str, Any]:
    """Which entry has ended the log of the ledger in ``home``, and which log follows; empty while
    it goes on."""
    from ledger.log.home import Home
    from ledger.log.stored import find_log_uri, log_state

    store = Home.open(home).open_store()
    try:
        log = log_state(store, find_log_uri(store))
    finally:
        store.close()
    if log.frozen is None:
        return {}
    return {"frozen": log.frozen, "successor": None if log.successor is None else log.successor[0]}


def _next(before: Policy, entry_id: bytes, **changes: Any) -> Policy:
    import msgspec

    order = {"number": before.number + 1, "previous": entry_id, "predecessor": None}
    return msgspec.structs.replace(before, **order, **changes)


def _publish(
    home: Path,
    after: Policy,
    family: str,
    signer: Signer,
    who: str,
    *,
    out: Path | None = None,
    yes: bool,
    as_json: bool,
) -> None:
    from ledger.custody.governance.statements import encode_governance
    from ledger.custody.names.naming import log_uri
    from ledger.log.genesis import sign_policy

    confirm(who, encode_governance(after), log_uri(after.origin), yes=yes)
    leaf = sign_policy(signer, after, int(time.time()), family)
    facts: dict[str, Any] = {"number": after.number}
    _hand_in(home, leaf, facts, out)
    print_result(f"policy {after.number}\n{placed(facts)}", facts, as_json=as_json)


def _hand_in(home: Path, leaf: bytes, facts: dict[str, Any], out: Path | None) -> None:
    from ledger.wire.statement import parse_statement

    facts["entry_id"] = parse_statement(leaf).locator
    if out is None:
        facts |= register(home, leaf)
    else:
        write_file(out, leaf)
        facts["file"] = str(out)


def _log_keys(before: Policy, purpose: str, key: bytes, start: int) -> tuple[LogKey, ...]:
    """The log keys of ``before`` with the open range of ``purpose`` ended at ``start``."""
    import msgspec

    from ledger.custody.governance.statements import LogKey

    values: dict[str, Any] = {"purpose": purpose, "key": key, "from_size": start}
    kept = tuple(
        msgspec.structs.replace(old, to_size=start)
        if old.purpose == purpose and old.to_size is None
        else old
        for old in before.log_keys
    )
    return (*kept, LogKey(**values))


def _next_size(home: Path) -> int:
    from ledger.log.home import Home

    store = Home.open(home).open_store()
    try:
        return store.head().size + 1
    finally:
        store.close()


def _kid(text: str) -> bytes:
    try:
        kid = bytes.fromhex(text)
    except ValueError:
        kid = b""
    if len(kid) != 32:
        raise THUMBPRINT.at("--spare-kid", text[:80])
    return kid


COMMANDS: tuple[click.Command, ...] = (rotate_root, rotate_log_key, freeze)
