"""Merkle trees of RFC 9162 with SHA-256: hashing, and the checks of both kinds of proof.

Sizes and indexes are ints from anywhere, paths and hashes are bytes from anywhere: all of them are
looked at before anything is computed from them, and no loop runs longer than the path that the
size demands (at most 63 hashes).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from keys.errors import declare

HASH = 32
EMPTY_ROOT = sha256(b"").digest()
LARGEST = 2**63 - 1
"""The largest tree size: what a database's signed 64-bit integer holds."""

_REMEDY = "Get the proof again, for the tree size that is meant."
SIZE = declare(
    "malformed.proof.size",
    "A tree size is no integer from 1 to 2^63 - 1, or the older tree is the larger one.",
    _REMEDY,
)
INDEX = declare(
    "malformed.proof.index", "The index is no integer from 0 to the tree size - 1.", _REMEDY
)
PATH = declare(
    "malformed.proof.path",
    "The path is no list of as many hashes as the index and the sizes demand.",
    _REMEDY,
)
HASHES = declare("malformed.proof.hash", "A hash is not a byte string of 32 bytes.", _REMEDY)
NO_INCLUSION = declare(
    "failed.inclusion",
    "The path does not lead from this entry, at this index, to this root.",
    "Get entry and proof again; if they are the same, the log does not hold the entry there.",
)
NO_CONSISTENCY = declare(
    "failed.consistency",
    "The newer tree is not shown to be the older one with entries appended.",
    "Get the proof again; if it is the same, keep both tree heads: they are evidence of a fork.",
)


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf, SHA-256(0x00 ‖ data): RFC 9162 section 2.1.1."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node, SHA-256(0x01 ‖ left ‖ right). Lengths are not checked."""
    return sha256(b"\x01" + left + right).digest()


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over leaf hashes; ``EMPTY_ROOT`` over none. Their lengths are not checked."""
    row = list(leaf_hashes)
    while len(row) > 1:
        row = _above(row)
    return row[0] if row else EMPTY_ROOT


def _above(row: list[bytes]) -> list[bytes]:
    """The row of nodes above a row of at least two."""
    pairs = iter(row)
    above = [node_hash(left, right) for left, right in zip(pairs, pairs, strict=False)]
    # A node without a sibling moves up as it is; it is never paired with itself.
    return above + row[-1:] if len(row) & 1 else above


def inclusion_path(leaf_hashes: Iterable[bytes], index: int) -> tuple[bytes, ...]:
    """The inclusion proof of the leaf at ``index`` among all leaf hashes of a small tree.

    ``index`` must be that of a leaf (IndexError). Large trees have ``ledger.tree.proofs``.
    """
    row = list(leaf_hashes)
    if not 0 <= index < len(row):
        raise IndexError(index)
    path = []
    while len(row) > 1:
        if index ^ 1 < len(row):
            path.append(row[index ^ 1])
        row, index = _above(row), index >> 1
    return tuple(path)


def root_from_path(leaf_hash: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root of the tree of ``size`` in which ``path`` leads up from the leaf at ``index``.

    Hashes are 32 bytes. The path of a tree of one leaf is empty. Raises ``malformed.proof.*``.
    Nothing is verified yet: other indexes and sizes may lead to the same root by the same path.
    """
    _check_size(size, "size")
    if type(index) is not int or not 0 <= index < size:
        raise INDEX.at("inclusion proof", number(index))
    inner, outer = _lengths(index, size)
    _check_path(path, inner + outer, "inclusion proof")
    _check_hash(leaf_hash, "leaf hash")
    return _climb(leaf_hash, index, path, inner)


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """That the leaf is at ``index`` of the tree of ``size`` with ``root``.

    RFC 9162 section 2.1.3.2. Raises ``malformed.proof.*`` and ``failed.inclusion``. Whose root it
    is, and that the tree has this size, the caller must know already.
    """
    _check_hash(root, "root")
    if root_from_path(leaf_hash, index, size, path) != root:
        raise NO_INCLUSION.at("inclusion proof", f"index {index}, tree size {size}")


def verify_consistency(
    size1: int, size2: int, root1: bytes, root2: bytes, path: Sequence[bytes]
) -> None:
    """That the tree of ``size1`` with ``root1`` is the beginning of that of ``size2``, ``root2``.

    RFC 9162 section 2.1.4.2 for 0 < size1 < size2: the path is never empty. Beyond the RFC, equal
    sizes (0 too) are consistent where the roots are equal and the path is empty. That the empty
    tree is the beginning of a larger one is true of every tree: a proof of it would show nothing,
    and is refused. Raises ``malformed.proof.*`` and ``failed.consistency``.
    """
    _check_sizes(size1, size2)
    _check_hash(root1, "root 1")
    _check_hash(root2, "root 2")
    if size1 == size2:
        _check_path(path, 0, "consistency proof")
        if root1 != root2 or (size1 == 0) != (root1 == EMPTY_ROOT):
            raise NO_CONSISTENCY.at("consistency proof", f"the roots at tree size {size1}")
        return
    if _roots_from_path(size1, size2, root1, path) != (root1, root2):
        raise NO_CONSISTENCY.at("consistency proof", f"tree sizes {size1} and {size2}")


def root_from_consistency(size1: int, size2: int, root1: bytes, path: Sequence[bytes]) -> bytes:
    """The root of the tree of ``size2`` whose beginning, by ``path``, is that of ``root1``.

    For 0 < size1 < size2. Raises ``malformed.proof.*``, and ``failed.consistency`` where the path
    does not lead to ``root1``. Whose root it is, the caller must find out.
    """
    _check_sizes(size1, size2)
    _check_hash(root1, "root 1")
    if size1 == size2:
        raise SIZE.at("consistency proof", f"both tree sizes are {size1}")
    older, newer = _roots_from_path(size1, size2, root1, path)
    if older != root1:
        raise NO_CONSISTENCY.at("consistency proof", f"the root at tree size {size1}")
    return newer


def _roots_from_path(
    size1: int, size2: int, root1: bytes, path: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """Both roots. The path is that of the older tree's last perfect subtree in the newer tree,
    with this subtree's hash before it, unless the subtree is the older tree."""
    height = (size1 & -size1).bit_length() - 1
    last = (size1 - 1) >> height
    inner, outer = _lengths(size1 - 1, size2)
    inner -= height
    is_perfect = size1 == 1 << height
    _check_path(path, inner + outer + (not is_perfect), "consistency proof")
    start, steps = (root1, path) if is_perfect else (path[0], path[1:])
    return _climb_left(start, last, steps, inner), _climb(start, last, steps, inner)


def _lengths(index: int, size: int) -> tuple[int, int]:
    """How many hashes of a path lie below and above where it meets the tree's right edge."""
    inner = (index ^ (size - 1)).bit_length()
    return inner, (index >> inner).bit_count()


def _climb(node: bytes, index: int, path: Sequence[bytes], inner: int) -> bytes:
    for sibling in path[:inner]:
        if index & 1:
            node = sha256(b"\x01" + sibling + node).digest()
        else:
            node = sha256(b"\x01" + node + sibling).digest()
        index >>= 1
    for left in path[inner:]:
        node = sha256(b"\x01" + left + node).digest()
    return node


def _climb_left(node: bytes, index: int, path: Sequence[bytes], inner: int) -> bytes:
    """As ``_climb``, without what stands to the right: the tree as it was."""
    for height, left in enumerate(path):
        if height >= inner or index >> height & 1:
            node = node_hash(left, node)
    return node


def _check_size(size: int, where: str) -> None:
    if type(size) is not int or not 1 <= size <= LARGEST:
        raise SIZE.at(where, number(size))


def _check_sizes(size1: int, size2: int) -> None:
    if type(size1) is int and type(size2) is int and size1 == size2 == 0:
        return
    _check_size(size1, "size 1")
    _check_size(size2, "size 2")
    if size2 < size1:
        raise SIZE.at("consistency proof", f"from {size1} back to {size2}")


def _check_path(path: Sequence[bytes], length: int, where: str) -> None:
    if type(path) not in (list, tuple):
        raise PATH.at(where, f"a {type(path).__name__}")
    if len(path) != length:
        raise PATH.at(where, f"{len(path)} hashes, {length} are needed")
    for item in path:
        if type(item) is not bytes or len(item) != HASH:
            _check_hash(item, f"{where}, path")


def _check_hash(value: bytes, where: str) -> None:
    if type(value) is not bytes:
        raise HASHES.at(where, f"a {type(value).__name__}")
    if len(value) != HASH:
        raise HASHES.at(where, f"{len(value)} bytes")


def number(value: int) -> str:
    """For a message, whatever it is: Python refuses to print very long integers."""
    if type(value) is not int:
        return f"a {type(value).__name__}"
    return str(value) if -LARGEST <= value <= 2 * LARGEST else f"{value.bit_length()} bits"
