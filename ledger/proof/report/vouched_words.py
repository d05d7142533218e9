"""Who vouches for a file, in words: how completely it is shown, and what nobody has checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ledger.proof.checks.vouching import Vouched
from ledger.proof.verdict.values import Record


def completeness_note(record: Record) -> str:
    """By whose word nothing was left out, and who saw it: one line under RECORD."""
    vouched, few = record.vouched, ", too few by your trust file"
    witnesses = _count(len(vouched.witnesses), "witness")
    auditors = _count(len(vouched.auditors), "auditor")
    parts = [f"completeness {record.completeness}"]
    if vouched.audited:
        parts = [f"completeness recomputed by {auditors}"]
    elif vouched.auditors:
        parts.append(f"recomputed by {auditors}{few}")
    if vouched.witnesses:
        parts.append(f"seen by {witnesses}{'' if vouched.witnessed else few}")
    lacking = ["no witness"] * (not vouched.witnesses) + ["no auditor"] * (not vouched.auditors)
    return "; ".join([", ".join(parts), *([", ".join(lacking)] if lacking else [])])


def vouched_facts(vouched: Vouched) -> dict[str, Any]:
    """The same for machines: fields of ``shapes.RecordFacts``."""
    return {
        "witnessed": vouched.witnessed,
        "audited": vouched.audited,
        "witnesses": list(vouched.witnesses),
        "auditors": list(vouched.auditors),
        "age_counts_from": vouched.since,
        "age_clock": "witnesses" if vouched.witnessed else "service",
    }


def unvouched(record: Record) -> Iterator[str]:
    """What nobody vouches for, in sentences for NOT CHECKED."""
    vouched = record.vouched
    missing = []
    if not vouched.audited:
        missing.append(
            "that the ledger's own index, by which the file is complete, has all entries "
            f"({_nobody(len(vouched.auditors), 'auditor', 'recomputed it')})"
        )
    if not vouched.witnessed:
        missing.append(
            "that the ledger shows everybody the same "
            f"({_nobody(len(vouched.witnesses), 'witness', 'seen it')})"
        )
    if missing:
        yield ", and ".join(missing)


def _nobody(number: int, role: str, did: str) -> str:
    return f"too few have {did}" if number else f"no {role} has {did}"


def _count(number: int, role: str) -> str:
    many = "witnesses" if role == "witness" else f"{role}s"
    return f"{number} {role if number == 1 else many}"
