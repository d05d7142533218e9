"""Writes tests/vectors/consistency.json: append-only receipts of consistency.

    python -m tests.proof.make_consistency_vectors

Trees are over the leaves "0", "1", …; the key is Ed25519 from a fixed seed.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cbor2

from ledger.proof.receipt import ReceiptIssuer
from ledger.wire.cbor import Tag, encode
from tests.proof.lying import signer
from tests.tree.reference import Tree, hashes

FILE = Path(__file__).parents[1] / "vectors" / "consistency.json"
ORIGIN, KEY, TIME = "log.example/consistency", signer("receipts"), 1_780_000_000
TREE = Tree(hashes(20))


def issued(size1: int, size2: int, path: list[bytes] | None = None) -> bytes:
    proof = TREE.proof(size1, size2) if path is None else path
    issuer = ReceiptIssuer(KEY, f"urn:cellbook:log:{ORIGIN}")
    return issuer.issue_consistency(size1, size2, TIME, TREE.root(0, size2), proof)


def with_proofs(proofs: dict[int, Any]) -> bytes:
    protected, _, _, signature = cbor2.loads(issued(6, 20)).value
    return encode(Tag(18, [protected, {396: proofs}, None, signature]))


def cases() -> Iterator[tuple[str, str, bytes, int, str]]:
    """Name, why, receipt, size of the older checkpoint, and what comes of it."""
    for size1, size2 in ((1, 20), (6, 20), (8, 20), (19, 20), (7, 8)):
        why = f"the tree of {size2} leaves begins with that of {size1}"
        yield f"{size1}-{size2}", why, issued(size1, size2), size1, "ok"
    yield "another-older", "it leads from another size", issued(6, 20), 7, "failed.receipt.older"
    path = [bytes(32), *TREE.proof(6, 20)[1:]]
    yield "fork", "the path gives another older root", issued(6, 20, path), 6, "failed.consistency"
    path = [*TREE.proof(8, 20)[:-1], bytes(32)]
    yield "newer", "the path gives another newer root", issued(8, 20, path), 8, "failed.signature"
    yield "equal", "both sizes are the same", issued(6, 6, []), 6, "malformed.proof.size"
    yield (
        "empty",
        "every tree begins with the empty one",
        issued(0, 20, []),
        0,
        ("malformed.proof.size"),
    )
    inclusion = with_proofs({-1: [cbor2.dumps([20, 6, TREE.path(6, 20)])]})
    yield "inclusion", "a proof of the other type", inclusion, 6, "unsupported.receipt.proof"
    other = with_proofs({-2: [cbor2.dumps([6, 19, TREE.proof(6, 19)])]})
    yield "other-size", "the size under the signature is another", other, 6, "failed.receipt.size"


def main() -> None:
    rows = [
        {
            "name": name,
            "why": why,
            "receipt": b64encode(receipt).decode(),
            "older_size": size,
            "older_root": TREE.root(0, size).hex(),
            "error": result,
        }
        for name, why, receipt, size, result in cases()
    ]
    about = {"origin": ORIGIN, "key": KEY.key.to_cbor().hex(), "time": TIME}
    FILE.write_text(json.dumps({**about, "cases": rows}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
