"""What an audit says, once nothing was wrong."""

from __future__ import annotations

import msgspec


class Audited(msgspec.Struct, frozen=True):
    """A log of ``size`` entries in which nothing is wrong. ``replayed`` of them were decided in
    this run, after the ``before`` that were known; ``withheld`` of them could not be.

    ``time`` is the log time of the last head (Unix seconds), by the service's clock; ``witnesses``
    names who of those that are known has cosigned. The states of ``resting`` batteries begin with
    what the log before this one knew, which was not read.
    """

    origin: str
    size: int
    root: bytes
    before: int
    replayed: int
    withheld: int
    heads: int
    subjects: int
    policy: int
    time: int
    witnesses: tuple[str, ...]
    auditors: tuple[str, ...]
    compared: tuple[int, ...]
    resting: int = 0
