"""Who vouches for a file: its cosignatures, weighed by what the verifier's trust file asks for.

By its index the log itself says that nothing was left out. A witness says that it saw this one
history of the log, an auditor that it recomputed the index. Only those whom the trust file names
count, and each only in the capacity in which both the trust file and the log's policy name it:
a witness's cosignature is no audit.

The age of a file counts from when a quorum of witnesses saw its checkpoint, as the last that there
was. An auditor's time says nothing of the kind: old trees may be audited today. Without a quorum
of witnesses it counts from the head's time, by the service's own clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from keys.errors import declare
from ledger.custody.governance.cosigners import cosigners
from ledger.custody.states import LogState
from ledger.proof.quorum import Cosigned, Panel
from ledger.proof.trust import Trust
from ledger.wire.note import NoteSignature

BEFORE_HEAD = declare(
    "failed.dossier.cosignature",
    "A witness or an auditor has cosigned the checkpoint before the time of its head.",
    "Get the file again; if it is the same, the log's clock or the cosigner's is wrong: tell both.",
)
UNWITNESSED = declare(
    "undecided.completeness.witnesses",
    "Your trust file asks for more witnesses than have cosigned the file's checkpoint.",
    "Ask for a newer file: the service passes on what witnesses have cosigned since. If it stays "
    "so, the service may show others another log.",
)
UNAUDITED = declare(
    "undecided.completeness.auditors",
    "Your trust file asks for more auditors than have cosigned the file's checkpoint.",
    "Ask for a file at an audited checkpoint (`cellbook dossier --audited`).",
)
TOO_OLD = declare(
    "undecided.age",
    "The file is older than your trust file allows: what was registered since is not in it.",
    "Ask for a new one, or allow its age with --max-age.",
)

STATED, NOT_CHECKED = "stated by the service", "not checked"
"""By whose word a file is complete: the index that the log itself signed, or nobody's."""
WITNESSED, RECOMPUTED = "stated and witnessed", "recomputed by"

DAY = 86_400
CLOCK_SKEW = 300
"""Seconds by which others' clocks may be ahead of the time that is handed in."""


class Vouched(msgspec.Struct, frozen=True):
    """Who vouches for a file, of those whom the trust file names; and from when its age counts.

    ``witnessed`` and ``audited`` say whether their quorums are met. ``since`` (Unix seconds) is
    by the witnesses' clocks where ``witnessed`` is true, else by the service's.
    """

    witnesses: tuple[Cosigned, ...]
    auditors: tuple[Cosigned, ...]
    witnessed: bool
    audited: bool
    since: int

    @property
    def completeness(self) -> str:
        """By whose word nothing was left out, where the file was compared with the index."""
        if self.audited:
            return f"{RECOMPUTED} {', '.join(one.name for one in self.auditors)}"
        return WITNESSED if self.witnessed else STATED


def weigh(
    cosignatures: Iterable[NoteSignature],
    log: LogState,
    trust: Trust,
    head_time: int,
    latest: int,
) -> Vouched:
    """Who of the cosigners counts. All ``cosignatures`` were verified, by keys that the policy in
    ``log`` names; those from after ``latest`` do not count, as nobody had made them then.

    Raises ``failed.dossier.cosignature``.
    """
    lines = tuple(line for line in cosignatures if line.time is not None)
    for line in lines:
        if (line.time or 0) < head_time:
            raise BEFORE_HEAD.at("checkpoint", f"{line.name}, {head_time - (line.time or 0)} s")
    lines = tuple(line for line in lines if (line.time or 0) <= latest)
    witnesses = tuple(_counting(lines, log.witnesses, trust.witnesses))
    auditors = tuple(_counting(lines, log.auditors, trust.auditors))
    seen = None if trust.witnesses is None else trust.witnesses.since(witnesses)
    audited = trust.auditors is not None and trust.auditors.since(auditors) is not None
    since = head_time if seen is None else seen
    return Vouched(witnesses, auditors, seen is not None, audited, since)


def vouch(
    cosignatures: Iterable[NoteSignature], log: LogState, trust: Trust, head_time: int, at: int
) -> Vouched:
    """Who vouches for a file, as :func:`weigh` says; it is enough for the trust file at ``at``.

    Raises ``failed.dossier.cosignature``, ``undecided.completeness.*``, ``undecided.age``.
    """
    vouched = weigh(cosignatures, log, trust, head_time, at + CLOCK_SKEW)
    require(vouched, trust, at)
    return vouched


def require(vouched: Vouched, trust: Trust, at: int) -> None:
    """That the file is as complete and as new as the trust file asks for, at the time ``at``.

    Raises ``undecided.completeness.*`` and ``undecided.age``.
    """
    needs_witnesses = trust.completeness == "witnessed" or (
        trust.completeness == "audited" and trust.witnesses is not None
    )
    if needs_witnesses and not vouched.witnessed:
        raise UNWITNESSED.at("checkpoint", _who(vouched.witnesses))
    if trust.completeness == "audited" and not vouched.audited:
        raise UNAUDITED.at("checkpoint", _who(vouched.auditors))
    age, allowed = at - vouched.since, trust.max_age_days
    if allowed is not None and age > allowed * DAY:
        clock = "the witnesses' clocks" if vouched.witnessed else "the service's clock"
        days = f"{age // DAY} days old by {clock}, {allowed} allowed"
        raise TOO_OLD.at("checkpoint", days)


def _counting(
    lines: tuple[NoteSignature, ...], named: tuple[str, ...], panel: Panel | None
) -> Iterator[Cosigned]:
    """The members of ``panel`` whom the policy names, and who have signed."""
    if panel is None or not lines:
        return
    times = {(line.name, line.key_id): line.time for line in lines}
    known = cosigners(named)
    for name, verifier in panel.members.items():
        time = times.get((verifier.name, verifier.key_id))
        if time is not None and verifier in known:
            yield Cosigned(name, time)


def _who(cosigned: tuple[Cosigned, ...]) -> str:
    return ", ".join(one.name for one in cosigned) + " alone" if cosigned else "nobody has"
