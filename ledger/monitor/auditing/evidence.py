"""What an auditor keeps of a fault, so that somebody else can look at it.

    fault.json         what is wrong, and the proofs that belong to it
    checkpoint         the checkpoint under which it was found, as it was served
    checkpoint-before  the one that was seen before it, where the two contradict each other
    entry              the leaf bytes of the entry that is wrong

``inclusion`` proves that the entry is in the checkpoint's tree. Of a fork, ``consistency`` proves
which root the newer tree has at the size of the older checkpoint: another than that one states. A
decision that was wrong shows itself to everybody who replays the log up to that entry; so does an
index: ``entry`` is the head, and ``index_root`` what the entries before it give.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from keys.durable import write_whole
from keys.errors import CellbookError, declare
from ledger.proof.checkpoint import Checkpoint
from ledger.tree.proofs import Proofs

UNWRITTEN = declare(
    "unavailable.audit.evidence",
    "A fault was found, and its evidence cannot be written.",
    "Make room in the state folder and run the audit again: it will find the fault again.",
)


FAULT = "fault.json"


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fault: its code, and where. Hashes are in hex, sizes and indexes count entries."""

    code: str
    detail: str
    origin: str = ""
    tree_size: int | None = None
    root: str = ""
    entry: int | None = None
    reason: str = ""
    index_root: str = ""
    inclusion: tuple[str, ...] = ()
    older_size: int | None = None
    older_root: str = ""
    root_in_newer_tree: str = ""
    consistency: tuple[str, ...] = ()


def of_entry(
    error: CellbookError, checkpoint: Checkpoint, proofs: Proofs | None, index: int | None
) -> Evidence:
    """What is wrong with an entry (or the whole, for None), with its inclusion proof."""
    path: list[bytes] = []
    if proofs is not None and index is not None:
        path = _path(proofs, index, checkpoint.size)
    return Evidence(
        code=error.code,
        detail=error.describe(),
        origin=checkpoint.origin,
        tree_size=checkpoint.size,
        root=checkpoint.root.hex(),
        entry=index,
        reason=str(error.facts.get("reason", "")),
        index_root=str(error.facts.get("index_root", "")),
        inclusion=_hex(path),
    )


def of_checkpoints(
    error: CellbookError, checkpoint: Checkpoint, older: Checkpoint, proofs: Proofs | None
) -> Evidence:
    """Two checkpoints that contradict each other, with the older size's root in the newer tree."""
    found = of_entry(error, checkpoint, None, None)
    found = msgspec.structs.replace(found, older_size=older.size, older_root=older.root.hex())
    if proofs is None or not 0 < older.size <= checkpoint.size:
        return found
    return msgspec.structs.replace(
        found,
        root_in_newer_tree=proofs.root(older.size).hex(),
        consistency=_hex(proofs.consistency(older.size, checkpoint.size)),
    )


def write_evidence(folder: Path, evidence: Evidence, files: dict[str, bytes]) -> Path:
    """A folder in ``folder`` with the evidence and ``files``, by name: a new one, unless the same
    fault was found before. Raises ``unavailable.audit.evidence``."""
    data = msgspec.json.format(msgspec.json.encode(evidence)) + b"\n"
    try:
        folder.mkdir(exist_ok=True)
        for known in folder.glob(f"*-{evidence.code}"):
            if (known / FAULT).is_file() and (known / FAULT).read_bytes() == data:
                return known
        place = _new_folder(folder, evidence.code)
        # The fault last: a folder with this file is whole.
        for name, content in (*files.items(), (FAULT, data)):
            write_whole(place / name, content)
    except OSError as error:
        raise UNWRITTEN.at(str(folder), f"{evidence.code}; {error.strerror}") from None
    return place


def _new_folder(folder: Path, code: str) -> Path:
    number = 1
    while any(folder.glob(f"{number:04}-*")):
        number += 1
    place = folder / f"{number:04}-{code}"
    place.mkdir()
    return place


def _path(proofs: Proofs, index: int, size: int) -> list[bytes]:
    try:
        return proofs.inclusion(index, size)
    except CellbookError:
        return []  # the source fails now: the leaf is evidence all the same


def _hex(hashes: list[bytes]) -> tuple[str, ...]:
    return tuple(item.hex() for item in hashes)
