"""Lists of a test: a publisher whom the policy names, and snapshots that it signs."""

from __future__ import annotations

from typing import Any

import msgspec

from keys.signer import Signer, generate
from ledger.custody.governance.statements import Authority, ListSnapshot
from ledger.custody.lists.rows import ListDocument, ListRow, document_of, encode_document
from ledger.custody.lists.schemes import list_uri
from tests.log.building import World

SCHEME = "cn-miit-whitelist"
PUBLISHER, SECOND = "urn:cellbook:authority:publisher", "https://second-publisher.example"
GREEN, REUSE, LATE, NOBODY = (
    "91130100MA0GREEN2B",
    "91330200MA2AHBCD1F",
    "91500000MA60RECY3G",
    "91310000MA1XXXXX9G",
)
"""USCCs with right check characters: a recycler, a repurposer, one who is listed later, and one
who never is."""


def row(category: str = "recycling", **fields: Any) -> ListRow:
    """A row of a list."""
    return ListRow(name="石家庄丙环保", category=category, **fields)


BEFORE = document_of([(GREEN, row()), (REUSE, row("second-life", valid_from="2023-01-05"))])
AFTER = document_of(
    [
        (GREEN, row()),
        (REUSE, row("second-life", valid_from="2023-01-05", valid_to="2026-07-30")),
        (LATE, row(valid_from="2026-08-02")),
    ]
)


class Publishers:
    """The publishers of a world: registered by the next policy, each with a key of its own."""

    def __init__(self, world: World, *uris: str) -> None:
        self.world = world
        self.signers: dict[str, Signer] = {uri: generate() for uri in uris or (PUBLISHER,)}
        registrar = [
            msgspec.convert(msgspec.structs.asdict(authority), Authority)
            for authority in world.ledger.log().authorities
        ]
        new = [
            Authority(uri=uri, role="publisher", key=signer.key.to_cbor())
            for uri, signer in self.signers.items()
        ]
        world.accepted(world.next_policy(authorities=(*registrar, *new)))

    def snapshot(
        self,
        document: ListDocument,
        effective: str,
        *,
        by: str = PUBLISHER,
        sub: str | None = None,
        **changes: Any,
    ) -> bytes:
        """The statement of a list, signed."""
        values: dict[str, Any] = {
            "scheme": SCHEME,
            "announcement": "20/2026",
            "effective": effective,
            "utc_offset_min": 480,
            "leaves": len(document.leaves),
            "rows": document.rows,
            "root": document.root,
            "source_sha256": bytes(32),
        }
        content = ListSnapshot(**{**values, **changes})
        return self.world.governance(
            content, sub or list_uri(content.scheme), signer=self.signers[by], iss=by
        )

    def state(self, document: ListDocument, effective: str, **changes: Any) -> int:
        """Register a snapshot and hand in its rows; gives the index of its entry."""
        (outcome,) = self.world.accepted(self.snapshot(document, effective, **changes))
        scheme = changes.get("scheme", SCHEME)
        self.world.ledger.lists.put_rows(scheme, document.root, encode_document(document))
        assert outcome.index is not None
        return outcome.index
