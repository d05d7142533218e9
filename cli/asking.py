"""What a verifier asks for on the command line, beside his trust file: age, witnesses, and that the
log tells no other history than before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ledger.proof.trust import Trust
    from ledger.proof.verdict.values import Record

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
_STATE: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--state",
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="Keep the last checkpoint of each ledger in this folder, and refuse a ledger that "
        "tells another history than before.",
    ),
    click.option(
        "--log",
        metavar="URL|FOLDER",
        help="Where the proof that the log has only grown is read from, for --state.",
    ),
)


def asking_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--max-age`` and ``--witness-policy``; the command gives both to :func:`asking`."""
    return _with(_OPTIONS, command)


def state_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--state`` and ``--log``; the command gives both to :func:`check_state`, and when the file
    is verified to :func:`compare_state`."""
    return _with(_STATE, command)


def check_state(state: Path | None, log: str | None) -> None:
    """Before anything is done: no ``--log`` without ``--state``."""
    if log is not None and state is None:
        raise click.UsageError("Give --state with --log.")


def compare_state(
    state: Path | None, log: str | None, record: Record, note: bytes, *, quiet: bool
) -> None:
    """Compare the checkpoint in ``note``, from the file of which ``record`` says that it is
    genuine, with what was seen before. Raises what ``KeptCheckpoint`` raises."""
    if state is not None:
        from cli.state import compare

        compare(state, log, record, note, quiet=quiet)


def _with(
    options: tuple[Callable[[Any], Any], ...], command: Callable[..., Any]
) -> Callable[..., Any]:
    for option in reversed(options):
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
