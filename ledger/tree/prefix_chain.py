"""What the index says of one subject: how many entries concern it, and which.

The chain hash binds every entry's index and leaf hash, in order: who has the entries computes it
again, and nothing can be left out, added, moved or exchanged among them.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

_CHAIN, _VALUE = b"\x24", b"\x25"
START = bytes(32)


class Chain(msgspec.Struct, frozen=True, gc=False):
    """``count`` entries, and their chain ``hash``: 32 zero bytes while there are none."""

    count: int = 0
    hash: bytes = START

    def after(self, index: int, leaf_hash: bytes) -> Chain:
        """With one more entry: SHA-256(0x24 ‖ hash ‖ index, 8 bytes ‖ leaf hash).

        Indexes must ascend; that is not checked here.
        """
        link = _CHAIN + self.hash + index.to_bytes(8, "big") + leaf_hash
        return Chain(self.count + 1, sha256(link).digest())

    @property
    def value(self) -> bytes:
        """The subject's value in the index: SHA-256(0x25 ‖ count, 8 bytes ‖ hash)."""
        return sha256(_VALUE + self.count.to_bytes(8, "big") + self.hash).digest()
