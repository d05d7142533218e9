"""What an audit is for: a buyer who asks for an auditor's word gets no verdict without it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from keys.errors import CellbookError
from ledger.proof.dossier import decode_dossier, encode_dossier
from ledger.proof.quorum import panel_of
from ledger.proof.trust import Trust
from ledger.proof.verify import verify_dossier
from ledger.wire.note import cosign
from ledger.wire.verifier import Verifier
from tests.monitor.test_cosigning import NAME, audit_and_cosign, code_of, stated_text, vkey
from tests.monitor.test_cosigning import log as log
from tests.proof.lying import PACK, LyingLog, signer


def buyers(log: LyingLog) -> Trust:
    """A trust file that asks for this auditor's word."""
    panel = panel_of([Verifier.parse(vkey(NAME))], 1)
    return log.trust(completeness="audited", auditors=panel)


def test_a_buyer_reads_that_it_was_recomputed(log: LyingLog, tmp_path: Path) -> None:
    word = audit_and_cosign(log, tmp_path / "state", log.now)
    data = log.dossier()
    with pytest.raises(CellbookError) as caught:
        verify_dossier(data, buyers(log), log.now)
    assert (caught.value.code, caught.value.exit_code) == ("undecided.completeness.auditors", 3)
    audited = msgspec.structs.replace(decode_dossier(data), checkpoint=word.note)
    verdict = verify_dossier(encode_dossier(audited), buyers(log), log.now)
    assert NAME in verdict.record.completeness


@pytest.mark.parametrize("by", [(), ("witness.example",)], ids=["nobody", "a witness"])
def test_no_verdict_rests_on_an_index_that_lies(
    log: LyingLog, tmp_path: Path, by: tuple[str, ...]
) -> None:
    """By the service's word alone the incident never was. No honest auditor cosigns that, and the
    word of a witness is another one."""
    log.event("incident", PACK)
    hidden = log.size - 1
    log.hidden.add(hidden)
    log.head()
    found = code_of(audit_and_cosign, log, tmp_path / "state", log.now)
    assert found == "failed.audit.index"
    dossier = decode_dossier(log.dossier(leave_out=(hidden,)))
    text = stated_text(dossier.checkpoint)
    lines = [cosign(text, name, signer(name), log.now).line for name in by]
    note = b"".join([dossier.checkpoint, *lines])
    data = encode_dossier(msgspec.structs.replace(dossier, checkpoint=note))
    verify_dossier(data, log.trust(), log.now)
    with pytest.raises(CellbookError) as caught:
        verify_dossier(data, buyers(log), log.now)
    assert (caught.value.code, caught.value.exit_code) == ("undecided.completeness.auditors", 3)
