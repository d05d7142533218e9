"""``cellbook trust show``: what a trust file makes its owner rely on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.output import Example, json_option, print_result, read_file
from ledger.wire.base64text import encode_base64url

if TYPE_CHECKING:
    from ledger.proof.quorum import Panel
    from ledger.proof.trust import Trust

_ADVICE = """
A trust file must come by another way than the dossiers that it is to check: whoever could send
both could send a ledger of his own. Compare the SHA-256 with somebody who has it from elsewhere,
by telephone or on paper."""


@click.group(epilog=Example("cellbook trust show trust.toml"))
def trust() -> None:
    """Show what a trust file makes you rely on."""


@trust.command(
    epilog=Example("cellbook trust show trust.toml", "cellbook trust show trust.toml --json")
)
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@json_option
def show(file: Path, as_json: bool) -> None:
    """Print which ledger FILE makes a verifier believe, and by which root key."""
    facts, digest = read_trust(file)
    values = trust_facts(facts, digest)
    shown = {**values, "max_age_days": values["max_age_days"] or "any"}
    lines = [f"{label:15}{shown[key]}" for key, label in _LABELS.items()]
    for role in ("witness", "auditor"):
        names = values["witnesses" if role == "witness" else "auditors"]
        quorum = f" ({values[f'{role}_quorum']} are enough)" if names else ""
        lines += [f"{role:15}{vkey}{quorum}" for vkey in names]
    print_result("\n".join([*lines, _ADVICE]), values, as_json=as_json)


_LABELS = {
    "name": "ledger",
    "origin": "origin",
    "genesis": "genesis",
    "family": "family",
    "root_kid": "root kid",
    "root_alg": "root algorithm",
    "minimum_policy": "least policy",
    "completeness": "completeness",
    "max_age_days": "days of age",
    "sha256": "file SHA-256",
}


def read_trust(file: Path) -> tuple[Trust, bytes]:
    """The trust file and its SHA-256. Raises ``usage.file.read``, ``malformed.trust`` and others of
    ``load_trust``."""
    from ledger.proof.trust import MAX_FILE, load_trust, trust_digest

    data = read_file(file, MAX_FILE)
    return load_trust(data), trust_digest(data)


def trust_facts(facts: Trust, digest: bytes) -> dict[str, Any]:
    """How a trust file is shown: ids as people see them elsewhere, digests and kids in hex."""
    from keys.algorithms import ALGORITHMS

    return {
        "name": facts.name,
        "origin": facts.origin,
        "genesis": encode_base64url(facts.genesis),
        "family": facts.family,
        "root_kid": facts.root_key.kid.hex(),
        "root_alg": ALGORITHMS[facts.root_key.alg].name,
        "minimum_policy": facts.minimum_policy,
        "completeness": facts.completeness,
        "max_age_days": facts.max_age_days,
        "witnesses": _vkeys(facts.witnesses),
        "witness_quorum": _quorum(facts.witnesses),
        "auditors": _vkeys(facts.auditors),
        "auditor_quorum": _quorum(facts.auditors),
        "sha256": digest.hex(),
    }


def _vkeys(panel: Panel | None) -> list[str]:
    return [] if panel is None else [verifier.vkey for verifier in panel.members.values()]


def _quorum(panel: Panel | None) -> int | None:
    from ledger.proof.quorum import AtLeast

    if panel is None or not isinstance(panel.quorum, AtLeast):
        return None
    return panel.quorum.number
