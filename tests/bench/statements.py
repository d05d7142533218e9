"""Signed statements in any number: manufactures that differ in their battery's code only.

Made from one that was encoded in full; a test of the bench registers them, so they are what an
operator would sign. Signing is not part of what is measured.
"""

from __future__ import annotations

from collections.abc import Iterator

from keys.signer import Signer
from ledger.custody.events import encode_event
from ledger.wire.cose import encode_sign1, sig_structure
from ledger.wire.statement import TYP_EVENT, parse_statement, sign_statement
from tests.log.lives import make_event

_CODE = "4A6PBPM27KLPCLE740000000"
_URI = "urn:cellbook:gbt34014:"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Source:
    """Gives statements of ``issuer`` without end, each about a new battery."""

    def __init__(self, signer: Signer, issuer: str, family: str, now: int, occurred: str) -> None:
        self._signer = signer
        self._count = 0
        subject = _URI + _CODE
        payload = encode_event(make_event("manufacture", subject, occurred))
        leaf = sign_statement(
            signer, typ=TYP_EVENT, iss=issuer, sub=subject, aud=family, iat=now, payload=payload
        )
        statement = parse_statement(leaf)
        self.size = len(leaf)
        self._protected = statement.protected.split(_CODE.encode())
        self._payload = statement.payload.split(_CODE.encode())

    def take(self, count: int) -> list[bytes]:
        """The next ``count`` statements."""
        return [self._signed(code) for code in self._codes(count)]

    def _codes(self, count: int) -> Iterator[bytes]:
        for number in range(self._count, self._count + count):
            high, low = divmod(number, 10_000_000)
            # Position 8 to 14 is free text: another seven digits of room.
            yield f"4A6PBPM{high:07d}E74{low:07d}".encode()
        self._count += count

    def _signed(self, code: bytes) -> bytes:
        protected, payload = code.join(self._protected), code.join(self._payload)
        signature = self._signer.sign(sig_structure(protected, payload))
        return encode_sign1(protected, {}, payload, signature)


def subjects_of(count: int) -> list[str]:
    """The URIs of ``count`` batteries; none of them is one of a ``Source``."""
    return [f"{_URI}4A6PBPX0000000E74{number:07d}" for number in range(count)]
