"""Who takes part in the demo's stories, which battery they begin with, and what a story is.

The code of the pack is a published example of GB/T 34014-2017; it names 2024-07-04. Its second-life
code follows from it by the scheme: maker, level, chemistry and specification, the new date, the
serial, ``RP``. Everybody is invented: the credit codes are right, and of no region that exists.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ledger.custody.lists.schemes import WHITE_LIST

PACK = "4A6PCPM27KLPCLE742946319"
SECOND_LIFE = "4A6PCPMF5F2946319RP"
MODEL = ("4A6-PM-384", "1")
REMOVED_ON = "2025-04-10"
"""What the demo falsifies in the end."""


class Actor(msgspec.Struct, frozen=True):
    """An operator: the folder of its key, its name for people and in the ledger, its roles, and
    the maker codes that the registrar states of it."""

    key: str
    name: str
    uri: str
    roles: tuple[str, ...]
    maker_codes: tuple[str, ...] | None = None


class Ref(msgspec.Struct, frozen=True):
    """The entry of an earlier step."""

    step: str


class Paper(msgspec.Struct, frozen=True):
    """The SHA-256 of a document in ``PAPERS``."""

    file: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """An event of ``kind`` that ``by`` signs about ``battery`` (None: about a model).

    ``says`` is what a person would write into the file for ``cellbook event KIND --fields``.
    ``refused`` is the code with which the ledger has to refuse it.
    """

    name: str
    kind: str
    by: Actor
    battery: str | None
    at: str
    tale: str
    says: Mapping[str, object]
    refused: str | None = None


class PublicList(msgspec.Struct, frozen=True, kw_only=True):
    """A list of enterprises that a publisher states: what announced it, its first day, and the
    table (CSV) from which it is copied."""

    scheme: str
    announcement: str
    effective: str
    table: str


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A file that the service gives out, and that a buyer verifies when the service is gone.

    ``of`` is a battery's code, or, where ``day`` is set, the identifier that a list is asked for
    on that day. ``expected`` is the exit code that belongs to the story.
    """

    title: str
    file: str
    of: str
    day: str | None = None
    scheme: str = WHITE_LIST
    expected: int = 0


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """What is played: who takes part, what happens, and what is checked in the end.

    ``profiles`` are the rules of the ledger beside core. The first of ``checks`` is that of the
    battery that the story is about; ``is_falsified`` has it checked again with one bit changed.
    """

    name: str
    actors: tuple[Actor, ...]
    chapters: tuple[tuple[str, tuple[Step, ...]], ...]
    checks: tuple[Check, ...]
    lists: tuple[PublicList, ...] = ()
    profiles: tuple[str, ...] = ()
    is_falsified: bool = False

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps in the order in which they are played."""
        return tuple(step for _, steps in self.chapters for step in steps)


MAKER = Actor("maker", "Maker A", "urn:uscc:91000000MA5DEMKA0H", ("maker",), ("4A6",))
WORKS = Actor("bus-works", "Bus Works B", "https://bus-works.example", ("installer",))
DISMANTLER = Actor("dismantler", "Dismantler C", "https://dismantler.example", ("dismantler",))
LAB = Actor("laboratory", "Laboratory D", "https://laboratory.example", ("assessor",))
REPURPOSER = Actor("repurposer", "Repurposer E", "urn:uscc:91000000MA5DEMRE0P", ("repurposer",))
STORAGE = Actor("storage-park", "Storage Park F", "https://storage.example", ("installer",))
RECYCLER = Actor("recycler", "Recycler G", "urn:uscc:91000000MA5DEMRG0R", ("recycler",))
STRANGER = Actor("scrap-dealer", "Scrap Dealer H", "urn:uscc:91000000MA5DEMRH0T", ("recycler",))
ACTORS = (MAKER, WORKS, DISMANTLER, LAB, REPURPOSER, STORAGE, RECYCLER)

PAPERS = {
    "test-report.txt": "Laboratory D, report 25-0417\nFull discharge at C/3 and 25.1 °C: 170.28 Ah "
    "of 180 Ah. No swelling, no fault codes.\n",
    "destruction-certificate.txt": "Recycler G, certificate V-25-0901\nThe pack was destroyed with "
    "lot LOT-77.\n",
    "module-certificate.txt": "Recycler G, certificate V-G-0777\nOne module was destroyed with "
    "lot LOT-78.\n",
    "scrap-certificate.txt": "Scrap Dealer H, certificate V-H-0777\nOne module was destroyed.\n",
}
"""Documents whose digests are signed; the demo writes them into its folder."""


def handover(
    name: str,
    giver: Actor,
    receiver: Actor,
    battery: str,
    days: tuple[str, str],
    tale: str,
    condition: str = "undamaged",
    **arrival: object,
) -> tuple[Step, Step]:
    """A release by the giver and the acceptance by the receiver: two signatures. ``arrival`` is
    what the receiver says beside the condition."""
    release, accept = f"{name}-released", f"{name}-accepted"
    released = Step(
        name=release,
        kind="release",
        by=giver,
        battery=battery,
        at=f"{days[0]}T09:00:00+08:00",
        tale=tale,
        says={
            "transfer_id": name,
            "moves": ["possession", "ownership"],
            "from": giver.uri,
            "to": receiver.uri,
        },
    )
    accepted = Step(
        name=accept,
        kind="accept",
        by=receiver,
        battery=battery,
        at=f"{days[1]}T15:00:00+08:00",
        tale=f"{receiver.name} has it on the ramp, {condition}, and says so with its own key.",
        says={
            "transfer_id": name,
            "release_ref": Ref(release),
            "condition_on_arrival": condition,
            **arrival,
        },
    )
    return released, accepted
