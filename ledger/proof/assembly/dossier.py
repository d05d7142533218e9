"""Makes a dossier from a published log. Nothing here is secret: who has the log can make it."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.custody.events import Event, kind_of
from ledger.custody.governance.statements import Head
from ledger.custody.lists.membership import ListProof
from ledger.custody.lists.schemes import list_uri
from ledger.custody.rules.listing import CATEGORY_FOR
from ledger.proof.assembly.gathering import Gathered
from ledger.proof.assembly.lists import list_proofs
from ledger.proof.assembly.past import carried_in, gathered_past
from ledger.proof.assembly.reader import LogReader as LogReader
from ledger.proof.checks.listings import CARRIED, Documents, Worker, worker_of
from ledger.proof.dossier import Dossier, encode_dossier


def assemble(
    reader: LogReader,
    subject: str,
    documents: Documents | None = None,
    pasts: Sequence[LogReader] = (),
) -> bytes:
    """The dossier of the battery ``subject`` at the reader's checkpoint.

    With ``documents`` it carries what public lists say of those who recycled or repurposed, if
    the rows of all that count are at hand. ``pasts`` are the logs before this one, the newest
    first. Raises what the readers raise. That ``subject`` names a battery is for the caller to
    check: the dossier of a name without entries verifies as none.
    """
    return _Assembly(reader, subject, documents, pasts).run()


class _Assembly:
    def __init__(
        self,
        reader: LogReader,
        subject: str,
        documents: Documents | None,
        pasts: Sequence[LogReader],
    ) -> None:
        self._documents = documents
        self._lists: dict[str, dict[str, dict[int, ListProof]]] = {}
        self._subject = subject
        self._log = Gathered(reader)
        self._pasts = [Gathered(past) for past in pasts]

    def run(self) -> bytes:
        carried = carried_in((self._log, *self._pasts), [self._subject])
        self._log.take_names(carried)
        if self._documents is not None:
            for scheme in CARRIED:
                self._take_list(scheme, self._documents)
        self._log.take_heads()
        past = gathered_past(self._log, self._pasts, carried)
        dossier = Dossier(
            self._subject,
            self._log.reader.checkpoint(),
            self._log.entries(),
            self._log.index(),
            self._lists,
            past,
        )
        return encode_dossier(dossier)

    def _take_list(self, scheme: str, documents: Documents) -> None:
        """All snapshots of a scheme, and the proofs for those who should be listed."""
        wanted = sorted(self._log.wanted)
        workers = [self._worker(index) for index in wanted if self._is_work(index)]
        proofs, indexes = list_proofs(self._log.reader, scheme, workers, documents)
        if proofs:
            self._lists[scheme] = proofs
            self._log.wanted.update(indexes)
            self._log.take(list_uri(scheme))

    def _is_work(self, index: int) -> bool:
        content = self._log.entry(index)[1]
        return isinstance(content, Event) and kind_of(content) in CATEGORY_FOR

    def _worker(self, index: int) -> Worker:
        statement, event = self._log.entry(index)
        assert isinstance(event, Event)  # noqa: S101 - ``_is_work`` has seen to it
        head = self._log.entry(self._log.reader.head_after(index, self._log.size))[1]
        assert isinstance(head, Head)  # noqa: S101 - the reader's word
        return worker_of(statement, event, index, head.time)
