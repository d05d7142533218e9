"""Writes tests/vectors/dossiers.json: append-only, so that later versions still verify old files.

    python -m tests.proof.make_vectors

A case that is in the file already is never made again: its bytes are what old versions wrote. The
case "version-1" is from before there was an index, and before the first release. All
keys are Ed25519 keys from fixed seeds, and all times are fixed.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from keys.errors import CellbookError
from ledger.custody.governance.statements import LogKey
from ledger.custody.states import BatteryState
from ledger.proof.checks.completeness import Stated
from ledger.proof.dossier import decode_dossier, encode_dossier
from ledger.proof.trust import dump_trust
from ledger.proof.verdict.values import Verdict
from ledger.proof.verify import verify_dossier
from ledger.tree.prefix_chain import Chain
from ledger.wire.note import cosign
from tests.log.lives import repurpose_input
from tests.proof.building import changed, with_entries
from tests.proof.cosigned_cases import COSIGNED
from tests.proof.following import FollowingLog, ended, freeze
from tests.proof.lying import OTHER, PACK, SECOND, LyingLog, begun, code, signer, told
from tests.proof.made import Made, of
from tests.proof.past_cases import PAST_CASES

FILE = Path(__file__).parents[1] / "vectors" / "dossiers.json"
MANIFEST = FILE.with_name("manifest.json")
ABOUT = (
    "Dossiers (base64) with the trust file (TOML) and the time with which they are verified; made "
    "anew for version 2, which has the index, before the first release"
)

LIFE = ("manufacture", "install", "decommission", "assessment")


def one_life() -> Made:
    made = of(told(*LIFE, "waste", "recycle"))
    made.label = PACK.rpartition(":")[2].lower()
    return made


def second_life() -> Made:
    log = begun()
    for battery in (PACK, OTHER):
        log.live(battery, *LIFE)
    inputs = tuple(repurpose_input(p, log.refs[p, "assessment"]) for p in (PACK, OTHER))
    log.event("repurpose", PACK, inputs=inputs)
    log.head()
    log.live(SECOND, "install")
    log.head()
    return of(log, log.dossier(SECOND))


def transfer() -> Made:
    log = begun()
    log.event("manufacture", PACK, uris=(PACK, code(9)))
    log.event("release", PACK, units=(OTHER,))
    log.event("accept", PACK, by="buyer", units=(OTHER,))
    log.head()
    made = of(log)
    made.label = code(9)
    return made


def remarks() -> Made:
    log = told("manufacture", "install", "incident")
    log.event("dispute", PACK, entry_ref=log.refs[PACK, "install"])
    log.event("correction", PACK, entry_ref=log.refs[PACK, "install"])
    log.revoke("all", since=0)
    log.head()
    return of(log)


def breaches() -> Made:
    return of(told(*LIFE, "incident", "install"))


def rotated() -> Made:
    log = told("manufacture")
    log.next_policy(
        by="next-root",
        root_key=signer("next-root").key.to_cbor(),
        next_root=signer("third root").key.kid,
    )
    size = log.size
    keys = [
        LogKey(purpose=p, key=key.key.to_cbor(), from_size=start, to_size=end)
        for p in ("checkpoint", "receipts", "statements")
        for key, start, end in ((log.keys[p], 0, size + 2), (signer(f"new {p}"), size + 2, None))
    ]
    log.next_policy(by="next-root", log_keys=tuple(keys))
    log.head()
    log.keys |= {p: signer(f"new {p}") for p in ("checkpoint", "receipts", "statements")}
    log.event("install", PACK)
    log.head()
    return of(log, minimum_policy=2)


def flipped() -> Made:
    log = told("manufacture", "install", "decommission")
    return of(log, log.dossier().replace(b"range below", b"range above"))


def without(kind: str) -> Callable[[], Made]:
    def make() -> Made:
        log = told("manufacture", "install", "decommission")
        return cut(log, {"genesis": 0, "operator": 2, "install": 5, "head": log.size - 1}[kind])

    return make


def cut(log: LyingLog, index: int) -> Made:
    data = log.dossier()
    entries = (entry for entry in decode_dossier(data).entries if entry.index != index)
    return of(log, with_entries(data, *entries))


def doubled() -> Made:
    log = told("manufacture")
    data = log.dossier()
    entries = decode_dossier(data).entries
    return of(log, with_entries(data, *entries, entries[-1]))


def foreign() -> Made:
    log = told("manufacture")
    log.event("manufacture", OTHER)
    log.head()
    return of(log)


def renamed() -> Made:
    return of(log := told(*LIFE), changed(log.dossier(), subject=OTHER))


def other_ledger() -> Made:
    return of(told("manufacture"), origin="log.example/mine")


def same_name() -> Made:
    mine, forged = told("manufacture"), told("manufacture", family="forged")
    return of(mine, forged.dossier())


def grafted() -> Made:
    log = told("manufacture", "install")
    dossier = decode_dossier(log.dossier())
    first, second, *others = dossier.entries
    replaced = msgspec.structs.replace(second, receipt=first.receipt)
    entries = (first, replaced, *others)
    return of(log, encode_dossier(msgspec.structs.replace(dossier, entries=entries)))


def cosigned() -> Made:
    log = told("manufacture")
    note = log.note()
    body = note.rpartition(b"\n\n")[0] + b"\n"
    line = cosign(body, "witness.example", signer("witness"), log.now).line
    return of(log, changed(log.dossier(), checkpoint=note + line))


def revoked() -> Made:
    log = told("manufacture")
    log.revoke("all")
    log.event("install", PACK)
    log.head()
    return of(log)


def late_head() -> Made:
    log = told("manufacture")
    log.event("install", PACK)
    log.head(previous=log.size - 1)
    return of(log)


def left_out(kind: str) -> Callable[[], Made]:
    """A file without the entry of this kind, made by who has the log."""

    def make() -> Made:
        log = begun()
        places = {}
        for name in ("manufacture", "install", "incident", "decommission", "assessment"):
            log.event(name, PACK)
            places[name] = log.size - 1
        log.event("correction", PACK, entry_ref=log.refs[PACK, "incident"])
        places["correction"] = log.size - 1
        log.revoke("all")
        places["revocation"] = log.size - 1
        log.next_policy()
        places["policy"] = log.size - 1
        log.head()
        return of(log, log.dossier(leave_out=(places[kind],)))

    return make


def another_chain() -> Made:
    """The index states as many entries as the file has, and not those."""
    log = begun()
    log.live(PACK, "manufacture", "install", "incident", "repair")
    incident, repair = log.size - 2, log.size - 1
    log.hidden = {incident}
    log.head()
    return of(log, log.dossier(leave_out=(repair,)))


def with_index(change: Callable[[LyingLog, tuple[Stated, ...]], tuple[Stated, ...]]) -> Made:
    """A good file, but for what it says of the index."""
    log = begun()
    log.event("manufacture", PACK, uris=(PACK, code(9)))
    log.live(PACK, "install", "incident")
    log.head()
    log.event("decommission", PACK)
    log.head()
    dossier = decode_dossier(log.dossier())
    index = change(log, dossier.index)
    return of(log, encode_dossier(msgspec.structs.replace(dossier, index=index)))


def at_an_older_head(log: LyingLog, index: tuple[Stated, ...]) -> tuple[Stated, ...]:
    return log.indexed().stated([row.uri for row in index], log.size - 3)


def exchanged(log: LyingLog, index: tuple[Stated, ...]) -> tuple[Stated, ...]:
    first, second, *others = index
    replace = msgspec.structs.replace
    return (replace(first, proof=second.proof), replace(second, proof=first.proof), *others)


def said_to_be_absent(log: LyingLog, index: tuple[Stated, ...]) -> tuple[Stated, ...]:
    return tuple(
        msgspec.structs.replace(row, chain=Chain()) if row.uri == PACK else row for row in index
    )


def fewer_are_said(log: LyingLog, index: tuple[Stated, ...]) -> tuple[Stated, ...]:
    chain = log.indexed().chains(log.size - 3)[PACK]
    return tuple(
        msgspec.structs.replace(row, chain=chain) if row.uri == PACK else row for row in index
    )


def without_the_alias(log: LyingLog, index: tuple[Stated, ...]) -> tuple[Stated, ...]:
    return tuple(row for row in index if row.uri != code(9))


def one_more(log: LyingLog, index: tuple[Stated, ...]) -> tuple[Stated, ...]:
    names = [*(row.uri for row in index), code(8)]
    return log.indexed().stated(names, log.size - 1)


def backwards(log: LyingLog, index: tuple[Stated, ...]) -> tuple[Stated, ...]:
    return tuple(reversed(index))


def followed(
    old: LyingLog | None = None, healed: bool = False, carried: bool = True, **options: Any
) -> FollowingLog:
    """A log that goes on with a battery that had a crash in the log before."""
    log = FollowingLog(old or ended("manufacture", "install", "incident"), **options)
    log.register_all()
    if carried:
        log.carry(PACK, forget_the_crash if healed else lambda state: state)
    log.event("decommission", PACK)
    log.head()
    return log


def forget_the_crash(state: BatteryState) -> BatteryState:
    return msgspec.structs.replace(state, quarantine=None)


def spanning(log: FollowingLog, **options: Any) -> Made:
    return of(log, log.spanning(log.past(**options)))


def without_a_past() -> Made:
    log = followed()
    return of(log, log.spanning(None))


def past_without_the_crash() -> Made:
    log = followed()
    crash = next(i for i, leaf in enumerate(log.old.leaves) if b"incident" in leaf)
    return spanning(log, leave_out=(crash,))


def past_that_is_older() -> Made:
    log = followed()
    log.old.leaves, log.old.now = log.old.leaves[:-2], log.old.now - 60
    return spanning(log)


def no_word_of_it() -> Made:
    return spanning(followed(carried=False))


def said_to_be_new() -> Made:
    log = FollowingLog(ended("manufacture", "install", "incident"))
    log.register_all()
    log.carry(PACK, absent=True)
    log.event("manufacture", PACK)
    log.head()
    return of(log, log.spanning(log.bare_past()))


def frozen_by(root: str) -> Made:
    """The old root had been replaced before it ended the log."""
    old = begun()
    old.live(PACK, "manufacture", "install")
    old.next_policy(
        by="next-root",
        root_key=signer("next-root").key.to_cbor(),
        next_root=signer("third root").key.kid,
    )
    old.head()
    freeze(old, by=root, root="third root")
    return spanning(followed(old, root="third root"))


def founded_by_the_old_root() -> Made:
    old = begun()
    old.live(PACK, "manufacture", "install")
    old.head()
    freeze(old, root="root")
    return spanning(followed(old, root="root"))


CASES: tuple[tuple[str, str, Callable[[], Made]], ...] = (
    ("one-life", "a whole life; the label in small letters", one_life),
    ("second-life", "made from two; the file carries both their lives", second_life),
    ("transfer", "one unit of two in a transfer; labelled by its alias", transfer),
    ("remarks", "a crash, a dispute, a correction and a compromised key", remarks),
    ("breaches", "what registration would have refused", breaches),
    ("rotated", "root and log keys exchanged since the trust file was made", rotated),
    ("flipped", "one word of a payload changed", flipped),
    ("no-genesis", "the first policy left out", without("genesis")),
    ("no-operator", "the registration of a signer left out", without("operator")),
    ("no-install", "an installation left out, which the removal names", without("install")),
    ("no-head", "the last head left out", without("head")),
    ("doubled", "one entry twice", doubled),
    ("foreign", "an entry about another battery, with a genuine receipt", foreign),
    ("renamed", "another battery's name on the file", renamed),
    ("other-ledger", "a trust file for another ledger: no forgery", other_ledger),
    ("same-name", "a ledger that took the name of the one that is trusted", same_name),
    ("grafted", "a genuine receipt of another entry", grafted),
    ("cosigned", "a signature line that no policy asks for", cosigned),
    ("revoked", "an event by a key that was revoked before it", revoked),
    ("late-head", "a head that leaves out the entry before it", late_head),
    ("hidden-install", "an entry in the middle left out", left_out("install")),
    ("hidden-crash", "an entry left out to which nothing points", left_out("incident")),
    ("hidden-correction", "the last entry left out", left_out("correction")),
    ("hidden-revocation", "the revocation of a signer's key left out", left_out("revocation")),
    ("hidden-policy", "the newest policy left out", left_out("policy")),
    ("another-chain", "as many entries as the index states, and others", another_chain),
    ("older-index", "proofs from an older head's index", lambda: with_index(at_an_older_head)),
    ("exchanged-proofs", "each of two names with the other's proof", lambda: with_index(exchanged)),
    ("said-absent", "the battery said to be in no index", lambda: with_index(said_to_be_absent)),
    ("said-fewer", "the count of an older head", lambda: with_index(fewer_are_said)),
    ("no-alias-proof", "a further identifier not proven", lambda: with_index(without_the_alias)),
    ("foreign-proof", "a proof for a name of no concern", lambda: with_index(one_more)),
    ("index-backwards", "names that do not ascend", lambda: with_index(backwards)),
    ("successor", "a life over two logs", lambda: spanning(followed())),
    ("successor-rotated", "ended by a root that had taken over", lambda: frozen_by("next-root")),
    ("successor-without-past", "what the log before knew left out", without_a_past),
    ("successor-hidden-crash", "an entry of the past left out", past_without_the_crash),
    ("successor-healed", "a state without the crash", lambda: spanning(followed(healed=True))),
    ("successor-older", "the log before, before its end", past_that_is_older),
    ("successor-new", "a battery with a past said to have none", said_to_be_new),
    ("successor-silent", "no word of the past", no_word_of_it),
    ("successor-stolen-root", "ended by a root that was replaced", lambda: frozen_by("root")),
    ("successor-other-root", "founded by the root in force", founded_by_the_old_root),
    *COSIGNED,
    *PAST_CASES,
)


def facts_of(verdict: Verdict) -> dict[str, Any]:
    """What a later version must find as well."""
    return {
        "subject": verdict.subject,
        "identifiers": list(verdict.identifiers),
        "size": verdict.record.size,
        "root": verdict.record.root.hex(),
        "time": verdict.record.time,
        "policy": verdict.record.policy,
        "physical": verdict.battery.physical,
        "possessor": verdict.battery.possessor,
        "predecessors": list(verdict.profile.predecessors),
        "life": [[event.index, event.kind, event.of] for event in verdict.life],
        "breaches": [[finding.rule, finding.index] for finding in verdict.breaches],
        "remarks": [[finding.rule, finding.index] for finding in verdict.remarks],
        "label": None if verdict.label is None else verdict.label.matches,
    }


def vouched_of(verdict: Verdict) -> dict[str, Any]:
    """Who vouches, where the trust file asks for somebody or for an age."""
    vouched = verdict.record.vouched
    return {
        "completeness": verdict.record.completeness,
        "witnesses": [[one.name, one.time] for one in vouched.witnesses],
        "auditors": [[one.name, one.time] for one in vouched.auditors],
        "since": vouched.since,
    }


def made_case(name: str, why: str, made: Made) -> dict[str, Any]:
    case: dict[str, Any] = {
        "name": name,
        "why": why,
        "at": made.at,
        "label": made.label,
        "trust": dump_trust(made.trust).decode(),
        "base64": b64encode(made.data).decode(),
    }
    try:
        verdict = verify_dossier(made.data, made.trust, made.at, label=made.label)
    except CellbookError as error:
        return {**case, "error": error.code}
    case |= {"error": "ok", "facts": facts_of(verdict)}
    asks = made.trust.witnesses or made.trust.auditors or made.trust.max_age_days
    return {**case, "vouched": vouched_of(verdict)} if asks else case


def main() -> None:
    content = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {"cases": []}
    present = {case["name"] for case in content["cases"]}
    content["cases"] += list(_new(present))
    _write(FILE, {"about": ABOUT, "cases": content["cases"]})
    manifest = json.loads(MANIFEST.read_text("utf-8"))
    rows = [row for row in manifest["files"] if row["file"] != FILE.name]
    rows.append({"file": FILE.name, "about": ABOUT, "cases": len(content["cases"])})
    _write(MANIFEST, {**manifest, "files": rows})


def _new(present: set[str]) -> Iterator[dict[str, Any]]:
    for name, why, make in CASES:
        if name not in present:
            yield made_case(name, why, make())


def _write(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
