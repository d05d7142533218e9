"""Who vouches for a file, and how old it may be: what the trust file asks for is never passed over.

Times are days and hours after the head of the dossier under test.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from keys.errors import CellbookError
from ledger.custody.identifiers import code_of
from ledger.proof.dossier import decode_dossier, encode_dossier
from ledger.proof.quorum import Cosigned, panel_of
from ledger.proof.report.export import verdict_facts
from ledger.proof.report.page import verdict_page
from ledger.proof.report.text import print_verdict
from ledger.proof.trust import Trust
from ledger.proof.verdict.values import Verdict
from ledger.proof.verify import verify_dossier
from tests.log.building import World
from tests.proof.building import trust_of
from tests.proof.cosigning import cosigned_dossier, line, verifier_of, vkeys

HOUR, DAY = 3_600, 86_400


class Shown:
    """A dossier of a log whose policy names witnesses w1, w2, w3 and auditors a1, a2."""

    def __init__(self, world: World) -> None:
        self.world, self.battery = world, world.battery()
        world.live(self.battery, "manufacture", "install")
        named: dict[str, Any] = {
            "witnesses": vkeys("w1", "w2", "w3"),
            "auditors": vkeys("a1", "a2"),
        }
        world.accepted(world.next_policy(**named))
        world.end_epoch()
        self.data = world.ledger.dossier(self.battery)
        self.trust = trust_of(world)
        self.head = verify_dossier(self.data, self.trust, 2**33).record.time

    def asking(self, completeness: str = "stated", **changes: Any) -> Trust:
        """The trust file with two of w1, w2, w3 as witnesses, and a1 as auditor."""
        panels: dict[str, Any] = {
            "witnesses": panel_of(map(verifier_of, ("w1", "w2", "w3")), 2),
            "auditors": panel_of([verifier_of("a1")], 1),
        }
        asked = {**panels, "completeness": completeness, **changes}
        return msgspec.structs.replace(self.trust, **asked)

    def verdict(self, trust: Trust, *cosigned: tuple[str, int], after: int = DAY) -> Verdict:
        """With cosignatures by (name, seconds after the head), ``after`` seconds after it."""
        lines = tuple((name, self.head + seconds) for name, seconds in cosigned)
        data = cosigned_dossier(self.data, *lines)
        return verify_dossier(data, trust, self.head + after)

    def refused(self, trust: Trust, *cosigned: tuple[str, int], after: int = DAY) -> CellbookError:
        with pytest.raises(CellbookError) as found:
            self.verdict(trust, *cosigned, after=after)
        return found.value


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    with World(tmp_path_factory.mktemp("vouching"), operators=("owner",)) as world:
        yield Shown(world)


def test_nobody_has_cosigned(shown: Shown) -> None:
    record = shown.verdict(shown.asking()).record
    assert record.completeness == "stated by the service"
    assert record.vouched.since == shown.head
    for completeness, code in (
        ("witnessed", "undecided.completeness.witnesses"),
        ("audited", "undecided.completeness.witnesses"),
    ):
        error = shown.refused(shown.asking(completeness))
        assert (error.code, error.exit_code) == (code, 3)
    alone = shown.refused(shown.asking("audited", witnesses=None))
    assert alone.code == "undecided.completeness.auditors"


@pytest.mark.parametrize(
    ("cosigned", "completeness", "note"),
    [
        (("w1",), "stated by the service", "stated by the service, seen by 1 witness, too few by "
         "your trust file; no auditor"),
        (("w1", "w2"), "stated and witnessed", "stated and witnessed, seen by 2 witnesses; "
         "no auditor"),
        (("a1", "w3", "w1"), "recomputed by a1.example", "recomputed by 1 auditor, seen by 2 "
         "witnesses"),
        (("a1",), "recomputed by a1.example", "recomputed by 1 auditor; no witness"),
        (("a2",), "stated by the service", "stated by the service; no witness, no auditor"),
    ],
)  # fmt: skip
def test_who_vouches(shown: Shown, cosigned: tuple[str, ...], completeness: str, note: str) -> None:
    verdict = shown.verdict(shown.asking(), *((name, HOUR) for name in cosigned))
    assert verdict.record.completeness == completeness
    text = " ".join(print_verdict(verdict).split())
    assert f"completeness {note} BATTERY" in text
    assert f"completeness {note}<" in verdict_page(verdict, bytes(32))
    facts = verdict_facts(verdict)["record"]
    counted = [one["name"] for role in ("auditors", "witnesses") for one in facts[role]]
    assert counted == sorted(f"{name}.example" for name in cosigned if name != "a2")
    assert facts["age_clock"] == ("witnesses" if facts["witnessed"] else "service")


def test_what_somebody_vouches_for_is_no_more_unchecked(shown: Shown) -> None:
    everybody = (("w1", HOUR), ("w2", HOUR), ("a1", HOUR))
    told = [shown.verdict(shown.asking(), *everybody[:n]).unchecked for n in (0, 2, 3)]
    assert "no auditor has recomputed it" in told[0][0]
    assert "no witness has seen it" in told[0][0]
    assert "no auditor has recomputed it" in told[1][0]
    assert "no witness" not in told[1][0]
    assert len(told[2]) == len(told[0]) - 1


def test_a_witness_is_no_auditor(shown: Shown) -> None:
    """A key counts only in the capacity in which the policy names it."""
    trust = shown.asking("audited", witnesses=None, auditors=panel_of([verifier_of("w1")], 1))
    assert shown.refused(trust, ("w1", HOUR)).code == "undecided.completeness.auditors"


def test_the_same_name_with_another_key_counts_for_nothing(shown: Shown) -> None:
    stranger = msgspec.structs.replace(verifier_of("w1"), key=verifier_of("other").key)
    trust = shown.asking("witnessed", witnesses=panel_of([stranger], 1))
    assert shown.refused(trust, ("w1", HOUR)).code == "undecided.completeness.witnesses"


def test_lines_of_others_and_bad_lines(shown: Shown) -> None:
    assert shown.refused(shown.asking(), ("stranger", HOUR)).code == "failed.dossier.checkpoint"
    twice = shown.refused(shown.asking(), ("w1", HOUR), ("w1", DAY))
    assert twice.code == "malformed.note.signed-twice"
    dossier = decode_dossier(shown.data)
    text = dossier.checkpoint.rpartition(b"\n\n")[0] + b"\n"
    # It is of a2, whom the trust file does not even name.
    bad = dossier.checkpoint + line(text, "a2", shown.head + HOUR, key="w1")
    data = encode_dossier(msgspec.structs.replace(dossier, checkpoint=bad))
    with pytest.raises(CellbookError) as found:
        verify_dossier(data, shown.asking(), shown.head + DAY)
    assert found.value.code == "failed.note.signature"


def test_times_of_cosignatures(shown: Shown) -> None:
    early = shown.refused(shown.asking(), ("a2", -1))
    assert (early.code, early.exit_code) == ("failed.dossier.cosignature", 1)
    assert shown.verdict(shown.asking(), ("w1", 0), ("w2", 0)).record.vouched.witnessed
    # What was cosigned after the time of the check, nobody had then.
    late = shown.refused(shown.asking("witnessed"), ("w1", HOUR), ("w2", DAY + 301))
    assert late.code == "undecided.completeness.witnesses"
    assert shown.verdict(shown.asking("witnessed"), ("w1", HOUR), ("w2", DAY + 300))


def test_age_without_witnesses(shown: Shown) -> None:
    week = shown.asking(max_age_days=7)
    assert shown.verdict(week, after=7 * DAY)
    error = shown.refused(week, after=7 * DAY + 1)
    assert (error.code, error.exit_code) == ("undecided.age", 3)
    assert "by the service's clock" in error.describe()
    assert "--max-age" in error.remedy
    assert shown.verdict(shown.asking(max_age_days=None), after=1_000 * DAY)
    # An auditor may audit an old tree today: its time makes nothing younger.
    assert shown.refused(week, ("a1", 7 * DAY), after=8 * DAY).code == "undecided.age"


@pytest.mark.parametrize(
    ("seen", "since"),
    [
        ({"w1": 9, "w2": 9}, 9),
        ({"w1": 9, "w2": 2}, 2),
        ({"w1": 9, "w2": 2, "w3": 8}, 8),
        ({"w1": 1, "w2": 2, "w3": 9}, 2),
        ({"w3": 9}, None),
    ],
)
def test_age_counts_from_the_quorum(shown: Shown, seen: dict[str, int], since: int | None) -> None:
    cosigned = [(name, day * DAY) for name, day in seen.items()]
    vouched = shown.verdict(shown.asking(), *cosigned, after=10 * DAY).record.vouched
    assert vouched.witnessed is (since is not None)
    assert vouched.since == shown.head + (since or 0) * DAY
    week = shown.asking(max_age_days=5)
    if since is not None and since >= 5:
        assert shown.verdict(week, *cosigned, after=10 * DAY)
    else:
        assert shown.refused(week, *cosigned, after=10 * DAY).code == "undecided.age"


def test_nothing_newer_can_be_hidden(shown: Shown) -> None:
    """A dossier from before a revocation, a removal or a new policy is genuine, and too old."""
    world = shown.world
    with World(world.path / "later", operators=("owner",)) as later:
        battery = later.battery()
        later.live(battery, "manufacture")
        later.end_epoch()
        old = later.ledger.dossier(battery)
        trust = msgspec.structs.replace(trust_of(later), max_age_days=7)
        at = verify_dossier(old, trust, later.clock()).record.time + 8 * DAY
        later.clock.advance(8 * DAY)
        later.accepted(later.revoke_key("owner"))
        later.accepted(later.remove("owner"))
        later.accepted(later.next_policy(epoch_s=2))
        later.end_epoch()
        with pytest.raises(CellbookError) as found:
            verify_dossier(old, trust, at)
        assert found.value.code == "undecided.age"
        assert verify_dossier(later.ledger.dossier(battery), trust, at).record.policy == 1


def test_a_panel_of_groups() -> None:
    """More than enough is enough, and the order in which they come does not matter."""
    panel = panel_of(map(verifier_of, ("w1", "w2", "w3")), 2)
    times = [Cosigned("w1.example", 5), Cosigned("w2.example", 7), Cosigned("w3.example", 6)]
    assert {panel.since(times), panel.since(reversed(times))} == {6}
    assert panel.since(times[:1]) is None


def test_the_subject_is_what_was_made(shown: Shown) -> None:
    assert code_of(shown.battery) in print_verdict(shown.verdict(shown.asking()))
