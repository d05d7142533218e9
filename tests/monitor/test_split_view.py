"""A log that shows two histories to two buyers, the same keys having signed both."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from keys.errors import CellbookError
from ledger.monitor.kept import KeptCheckpoint
from ledger.monitor.source import FolderSource, stated_checkpoint
from ledger.monitor.witnessing.state import WitnessState
from ledger.monitor.witnessing.witness import Witness
from ledger.proof.dossier import decode_dossier, encode_dossier
from ledger.proof.quorum import panel_of
from ledger.proof.verify import verify_dossier
from ledger.tree.tiles import tile_path
from ledger.wire.verifier import Verifier
from tests.proof.cosigning import cosigned_dossier, key_of, verifier_of, vkeys
from tests.proof.lying import PACK, LyingLog, begun, signer
from tests.tree.reference import Tiles

NAMES = ("w1", "w2", "w3")


def shown(*kinds: str) -> LyingLog:
    """One of the histories: the same genesis, policy and operators, and other events."""
    log = begun()
    log.next_policy(witnesses=vkeys(*NAMES))
    log.live(PACK, *kinds)
    log.head()
    return log


@pytest.fixture(scope="module")
def histories() -> tuple[LyingLog, LyingLog]:
    """One with the crash of the pack, and a longer one without it."""
    return (
        shown("manufacture", "install", "incident"),
        shown("manufacture", "install", "decommission", "assessment"),
    )


def witnessed(log: LyingLog, witness: Witness, at: int) -> bytes:
    """The dossier with this witness's line."""
    dossier = decode_dossier(log.dossier())
    line = witness.add_checkpoint(b"old 0\n\n" + dossier.checkpoint, at)
    note = dossier.checkpoint + line
    return encode_dossier(msgspec.structs.replace(dossier, checkpoint=note))


def test_the_quorum(histories: tuple[LyingLog, LyingLog], tmp_path: Path) -> None:
    """Two of three witnesses are honest: only one of the histories gets two cosignatures."""
    honest, other = histories
    log_key = Verifier.from_key(honest.origin, signer("checkpoint").key)
    trust = honest.trust(completeness="witnessed", witnesses=panel_of(map(verifier_of, NAMES), 2))
    lines = []
    for name in ("w1", "w2"):
        state = WitnessState(tmp_path / name, verifier_of(name))
        witness = Witness(f"{name}.example", key_of(name), [log_key], state)
        lines.append(decode_dossier(witnessed(honest, witness, honest.now)).checkpoint)
        with pytest.raises(CellbookError) as found:
            witnessed(other, witness, other.now)
        assert found.value.code.startswith("conflict.witness.")
    note = lines[0] + lines[1].rpartition(b"\n\n")[2].split(b"\n")[1] + b"\n"
    data = encode_dossier(
        msgspec.structs.replace(decode_dossier(honest.dossier()), checkpoint=note)
    )
    assert verify_dossier(data, trust, honest.now).record.completeness == "stated and witnessed"
    with pytest.raises(CellbookError) as found:
        verify_dossier(cosigned_dossier(other.dossier(), ("w3", other.now)), trust, other.now)
    assert found.value.code == "undecided.completeness.witnesses"
    lenient = msgspec.structs.replace(trust, completeness="stated")
    assert not verify_dossier(other.dossier(), lenient, other.now).record.vouched.witnessed


@pytest.mark.parametrize("first", [0, 1])
def test_what_was_seen_before(
    histories: tuple[LyingLog, LyingLog], tmp_path: Path, first: int
) -> None:
    """Whoever has seen one of them, and is shown the other, has the evidence."""
    before, after = histories[first], histories[1 - first]
    log_key = Verifier.from_key(before.origin, signer("checkpoint").key)
    longer = max(histories, key=lambda log: log.size)
    for (level, n), data in Tiles(longer.tree(), longer.size).all().items():
        file = tmp_path / "log" / tile_path(level, n, len(data) // 32)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    with closing(KeptCheckpoint(tmp_path / "state", before.origin)) as kept:
        kept.see(before.note(), log_key, None)
        with pytest.raises(CellbookError) as found:
            kept.see(after.note(), log_key, FolderSource(tmp_path / "log"))
        assert found.value.code == "failed.audit.fork"
        place = Path(str(found.value.facts["evidence"]))
        sizes = {
            stated_checkpoint((place / name).read_bytes()).size
            for name in ("checkpoint", "checkpoint-before")
        }
        assert sizes == {log.size for log in histories}
        assert kept.note == before.note()
