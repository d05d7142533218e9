"""Edwards25519 in plain arithmetic (RFC 8032 section 5.1): the tests' own, slow and obvious.

It makes the odd points and signatures that no library will make.
"""

from __future__ import annotations

import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]
IDENTITY: Point = (0, 1)


def add(a: Point, b: Point) -> Point:
    (x1, y1), (x2, y2) = a, b
    product = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, P) % P
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, P) % P
    return x, y


def times(k: int, point: Point) -> Point:
    total = IDENTITY
    while k:
        if k & 1:
            total = add(total, point)
        point = add(point, point)
        k >>= 1
    return total


def encode(point: Point) -> bytes:
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(raw: bytes) -> Point | None:
    """The point, also of an encoding that is not canonical; None where there is none."""
    number = int.from_bytes(raw, "little")
    y, sign = (number & (1 << 255) - 1) % P, number >> 255
    squared = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(squared, (P + 3) // 8, P)
    if x * x % P != squared:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != squared:
        return None
    return (P - x if x & 1 != sign else x) % P, y


def _base() -> Point:
    point = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    assert point is not None
    return point


BASE = _base()


def torsion() -> list[Point]:
    """The eight points of small order, found by clearing the large part of arbitrary points."""
    for y in range(2, 100):
        point = decode(y.to_bytes(32, "little"))
        if point is None:
            continue
        small = times(ORDER, point)
        multiples = [times(k, small) for k in range(8)]
        if len(set(multiples)) == 8:
            return multiples
    raise AssertionError("no point of order 8")


def encodings(point: Point) -> set[bytes]:
    """All 32-byte strings that a lenient decoder takes for ``point``."""
    x, y = point
    signs = (0, 1) if x == 0 else (x & 1,)
    return {
        (value | sign << 255).to_bytes(32, "little")
        for value in (y, y + P)
        if value < 1 << 255
        for sign in signs
    }


def challenge(r: bytes, a: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + a + message).digest(), "little") % ORDER


def signature(secret: int, a: bytes, r_point: Point, r: int, message: bytes) -> bytes:
    """S = r + k·secret for whatever encoding ``a`` and point R the caller chose."""
    encoded = encode(r_point)
    s = (r + challenge(encoded, a, message) * secret) % ORDER
    return encoded + s.to_bytes(32, "little")
