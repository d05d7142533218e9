"""What a witness signs (C2SP tlog-cosignature): a checkpoint and a time.

The Ed25519 form signs the whole text of the note. The ML-DSA-44 form signs the witness's name and
the three lines of a checkpoint; extension lines would stay unsigned, so a text that has any is
refused here.
"""

from __future__ import annotations

from keys.errors import declare
from ledger.wire.base64text import decode_base64

MAX_TIME = (1 << 63) - 1
_LABEL = b"subtree/v1\n\x00"

NOT_CHECKPOINT = declare(
    "malformed.note.checkpoint",
    "A cosignature of this type is only for a checkpoint of three lines.",
    "Cosign the origin, the size and the root, each on its line.",
)


def ed25519_message(text: bytes, time: int) -> bytes:
    """The bytes under a cosignature of type 0x04; ``time`` in Unix seconds."""
    return b"cosignature/v1\ntime %d\n%s" % (time, text)


def ml_dsa_44_message(text: bytes, name: str, time: int) -> bytes:
    """The bytes under a cosignature of type 0x06: ``cosigned_message`` of the specification.

    ``name`` is the witness's, ``time`` in Unix seconds. Raises ``malformed.note.checkpoint``.
    """
    origin, size, root = _checkpoint(text)
    cosigner = name.encode("utf-8")
    return b"".join(
        (
            _LABEL,
            len(cosigner).to_bytes(1, "big") + cosigner,
            time.to_bytes(8, "big"),
            len(origin).to_bytes(1, "big") + origin,
            (0).to_bytes(8, "big"),
            size.to_bytes(8, "big"),
            root,
        )
    )


def _checkpoint(text: bytes) -> tuple[bytes, int, bytes]:
    lines = text.split(b"\n")
    if len(lines) != 4 or lines[3] or not 0 < len(lines[0]) <= 255:
        raise NOT_CHECKPOINT.at("text")
    origin, size, encoded_root, _ = lines
    try:
        root = decode_base64(encoded_root.decode("utf-8"))
    except ValueError as error:
        raise NOT_CHECKPOINT.at("root", str(error)) from None
    if len(root) != 32:
        raise NOT_CHECKPOINT.at("root", f"{len(root)} bytes")
    return origin, _size(size), root


def _size(digits: bytes) -> int:
    if not digits.isdigit() or len(digits) > 19 or (digits[:1] == b"0" and digits != b"0"):
        raise NOT_CHECKPOINT.at("size", "not a decimal number without leading zeros")
    return int(digits)
