"""A copied log as what files are made from: dossiers without the service, and without its keys.

Everything is read from the copy and checked against its checkpoint. Receipts are made from the
signed root, which is the log's own; prefix proofs from the index, once it has the root that the
last head states. So a dossier is the same, byte for byte, as the service's at that checkpoint.

Not checked: the checkpoint's signature and those of issuers; whoever verifies the dossier does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from keys.errors import declare
from ledger.custody.finding import find_battery
from ledger.custody.lists.rows import ListDocument
from ledger.custody.lists.schemes import list_uri
from ledger.custody.states import OperatorState, decode_state
from ledger.monitor.checked import CheckedTiles
from ledger.monitor.copying.mirror import LOCAL, NOTICES, checked_signed_root
from ledger.monitor.copying.offline_index import (
    OfflineIndex,
    Progress,
    keep_index,
    read_index,
)
from ledger.monitor.copying.rows import CopiedRows
from ledger.monitor.entries import Entries
from ledger.monitor.notices import Notices
from ledger.monitor.source import FolderSource, fetch_checkpoint, stated_checkpoint
from ledger.proof.assembly.participation import assemble_participation
from ledger.proof.assembly.supplier import assemble_supplier
from ledger.tree.prefix import PrefixProof, key_of
from ledger.tree.prefix_proofs import prove
from ledger.tree.proofs import Proofs

NO_LIST = declare(
    "missing.copy.list",
    "The copy of the log has no such list.",
    "Check the scheme; where only rows are missing, mirror again once they were handed in.",
)
NO_OPERATOR = declare(
    "missing.copy.operator",
    "No operator of this name is registered in the copy of the log.",
    "Check the URI; mirror again if it was registered only now.",
)

INDEX = "index"


class OfflineLog:
    """The log that was copied into a folder (``LogReader``). Close it after use.

    ``documents`` are the lists whose rows the copy has.
    """

    def __init__(self, folder: Path, progress: Progress | None = None) -> None:
        """Reads all entries that were not read before, which takes a while.

        Raises ``missing.published``, ``failed.published.*``, ``failed.signed-root``,
        ``failed.signature``, ``failed.audit.entry``, ``malformed.*``, ``unavailable.published``.
        """
        source = FolderSource(folder)
        self._note = fetch_checkpoint(source)
        checkpoint = stated_checkpoint(self._note)
        self._size = checkpoint.size
        tiles = CheckedTiles(source, checkpoint.size, checkpoint.root)
        self._proofs = Proofs(tiles)
        notices = Notices(tiles, folder / LOCAL / NOTICES)
        self._signed = checked_signed_root(source, notices, checkpoint)
        self.documents = CopiedRows(source)
        self._entries = Entries(tiles)
        file = folder / LOCAL / INDEX
        index = self._known(file, checkpoint.origin) or OfflineIndex()
        is_new = index.size < checkpoint.size
        if is_new:
            index.extend(self._entries, checkpoint.size, progress or (lambda done, total: None))
        index.check_root(self._entries.leaf(checkpoint.size - 1))
        if is_new:
            keep_index(file, index, checkpoint.root)
        self._index = index

    def __enter__(self) -> OfflineLog:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the threads that read."""
        self._entries.close()

    def find(self, identifier: str) -> str:
        """The subject of the battery that a code or a URI names. Raises ``missing.battery``."""
        states = self._index.states
        return find_battery(
            lambda uris: {uri: decode_state(states[uri]) for uri in uris if uri in states},
            identifier,
        )

    def participation(self, scheme: str, identifier: str, day: str) -> bytes:
        """The file on what the lists of ``scheme`` say of ``identifier`` on ``day``. Raises
        ``missing.copy.list`` where the copy has none, or lacks rows, and ``malformed.date``."""
        if not self._index.indexes(list_uri(scheme)):
            raise NO_LIST.at("scheme", scheme)
        return assemble_participation(
            self, lambda root: self._document(scheme, root), scheme, identifier, day
        )

    def supplier(self, operator: str, day: str) -> bytes:
        """The supplier file for ``day``. Raises ``missing.copy.operator``, ``malformed.date``."""
        state = self._index.states.get(operator)
        if state is None or not isinstance(decode_state(state), OperatorState):
            raise NO_OPERATOR.at("operator", repr(operator)[:80])
        return assemble_supplier(self, self.documents, operator, day)

    def checkpoint(self) -> bytes:
        """See ``LogReader``."""
        return self._note

    def checkpoint_size(self) -> int:
        """See ``LogReader``."""
        return self._size

    def leaf(self, index: int) -> bytes:
        """See ``LogReader``. Raises ``failed.published.*``."""
        return self._entries.leaf(index)

    def indexes(self, uri: str, size: int) -> list[int]:
        """See ``LogReader``."""
        return [index for index in self._index.indexes(uri) if index < size]

    def head_after(self, index: int, size: int) -> int:
        """See ``LogReader``."""
        return self._index.head_after(index)

    def receipts(self, indexes: Sequence[int], size: int) -> list[bytes]:
        """See ``LogReader``; ``size`` is the checkpoint's."""
        assert size == self._size  # noqa: S101 - only of this size is there a signed root
        paths = [(index, self._proofs.inclusion(index, size)) for index in indexes]
        return [self._signed.receipt(index, path) for index, path in paths]

    def prove(self, uris: Sequence[str]) -> Mapping[str, PrefixProof]:
        """See ``LogReader``."""
        keys = {key_of(uri): uri for uri in uris}
        found = prove(self._index.index, keys)
        return {keys[key]: lookup.proof for key, lookup in found.items()}

    def _document(self, scheme: str, root: bytes) -> ListDocument:
        document = self.documents(scheme, root)
        if document is None:
            raise NO_LIST.at(f"root {root.hex()}", "its rows are not in the copy")
        return document

    def _known(self, file: Path, origin: str) -> OfflineIndex | None:
        """What was read before, if it is the beginning of this tree."""
        found = read_index(file, origin)
        if found is None or not 0 < found[0].size <= self._size:
            return None
        index, root = found
        return index if self._proofs.root(index.size) == root else None
