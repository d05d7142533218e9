"""What a case of the vectors hands to the verifier."""

from __future__ import annotations

from typing import Any

import msgspec

from ledger.proof.trust import Trust
from tests.proof.lying import LyingLog


class Made(msgspec.Struct):
    """A dossier, the trust file, the time in Unix seconds, and the label as typed."""

    data: bytes
    trust: Trust
    at: int
    label: str | None = None


def of(log: LyingLog, data: bytes | None = None, at: int = 60, **trust: Any) -> Made:
    """The dossier of ``log``, or ``data``, verified ``at`` seconds after its newest head by its
    trust file with these changes."""
    return Made(data or log.dossier(), log.trust(**trust), log.now + at)
