"""What a verifier asks for on the command line, beside his trust file: age, and witnesses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ledger.proof.trust import Trust

_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--max-age",
        metavar="DAYS",
        type=click.IntRange(1, 36_500),
        help="How old the file may be, in place of what the trust file says.",
    ),
    click.option(
        "--witness-policy",
        metavar="FILE",
        type=click.Path(),
        help="A C2SP tlog-policy: its quorum of witnesses must have cosigned. For a trust file "
        "that names no witnesses.",
    ),
)


def asking_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--max-age`` and ``--witness-policy``; the command gives both to :func:`asking`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def asking(trust: Trust, max_age: int | None, witness_policy: str | None) -> Trust:
    """The trust file with what the command line asks for. Raises ``usage.witness-policy``."""
    if witness_policy is not None:
        from cli.witness_policy import with_witnesses

        trust = with_witnesses(trust, witness_policy)
    if max_age is not None:
        import msgspec

        trust = msgspec.structs.replace(trust, max_age_days=max_age)
    return trust
