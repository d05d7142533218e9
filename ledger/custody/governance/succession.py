"""The end of a log: the statement that freezes it, what may follow, and what followed."""

from __future__ import annotations

from msgspec.structs import replace

from keys import cose_key
from keys.errors import declare
from ledger.custody.governance.handover import Freeze, Predecessor, Proved
from ledger.custody.governance.statements import Governance, Head, Policy, parse_governance
from ledger.custody.names.naming import check_origin, family_uri, log_uri
from ledger.custody.states import LogState, PredecessorState
from ledger.tree.merkle import root_from_path, verify_inclusion
from ledger.wire.base64text import encode_base64
from ledger.wire.statement import (
    TYP_GOVERNANCE,
    TYP_HEAD,
    Statement,
    check_signature,
    parse_statement,
)

FROZEN = declare(
    "rejected.log.frozen",
    "The root has ended this log: it takes no more statements.",
    "Register it in the log that follows, which the error names; what is here stays readable.",
)
SUCCESSOR = declare(
    "rejected.freeze.successor",
    "The freeze names a successor that cannot be one.",
    "Name another origin than the log's own, and as root the next root key that the policy names.",
)
PREDECESSOR = declare(
    "rejected.policy.predecessor",
    "What the genesis says of the log that it follows does not fit together.",
    "Make it from that log's own files, after its freeze: `cellbook init --successor-of`.",
)


def check_open(log: LogState | None, content: object, index: int) -> None:
    """That the log takes ``content`` as entry ``index``: all but the closing head is refused once
    it is frozen. Raises ``rejected.log.frozen``, with the successor's origin as a fact."""
    if log is None or log.frozen is None:
        return
    if isinstance(content, Head) and index == log.frozen + 1:
        return
    detail = f"by entry {log.frozen}"
    if log.successor is None:
        raise FROZEN.at("log", f"{detail}; no log follows")
    origin, _ = log.successor
    raise FROZEN.at("log", f"{detail}; {origin} follows", successor=origin)


def apply_freeze(log: LogState, freeze: Freeze, index: int) -> LogState:
    """The log's state after ``freeze`` at ``index``. Raises ``rejected.freeze.successor``.

    That the successor's root is the next root, which lies elsewhere, keeps a thief of the root in
    force from founding it.
    """
    named = freeze.successor
    if named is None:
        return replace(log, frozen=index)
    check_origin(named.origin)
    if named.origin == log.origin or named.root != log.next_root:
        raise SUCCESSOR.at("payload.successor", named.origin)
    return replace(log, frozen=index, successor=(named.origin, named.root))


def check_predecessor(policy: Policy, stated: Predecessor, family: str) -> PredecessorState:
    """The predecessor of which the genesis ``policy`` of ``family`` speaks.

    Its head must be the last entry of the checkpoint's tree, its freeze the one before, which
    must name this log and the key that signs this genesis. Its own genesis, the first entry, must
    be of the family. Raises ``rejected.policy.predecessor``, ``malformed.*`` and ``failed.*``.
    That the signatures are the predecessor's is not checked, but for that of its genesis: they
    hang on its policies, which are not here.
    """
    log = log_uri(stated.origin)
    head, closing = _read(stated.head, TYP_HEAD, family)
    if not isinstance(closing, Head) or (head.sub, head.iss) != (log, log):
        raise PREDECESSOR.at("payload.predecessor.head")
    if closing.tree_size < 2 or stated.origin == policy.origin:
        raise PREDECESSOR.at("payload.predecessor", "no log can follow it by this name")
    size = closing.tree_size + 1
    root = root_from_path(head.leaf_hash, size - 1, size, stated.head.path)
    body = f"{stated.origin}\n{size}\n{encode_base64(root)}\n"
    if stated.checkpoint.rpartition(b"\n\n")[0] + b"\n" != body.encode():
        raise PREDECESSOR.at("payload.predecessor.checkpoint", "the head is not its last entry")
    _check_end(policy, stated, family, size, root)
    genesis, first = _read(stated.genesis, TYP_GOVERNANCE, family)
    if not isinstance(first, Policy) or (genesis.sub, genesis.iss) != (log, family):
        raise PREDECESSOR.at("payload.predecessor.genesis")
    verify_inclusion(genesis.leaf_hash, 0, size, stated.genesis.path, root)
    return PredecessorState(
        origin=stated.origin,
        genesis=genesis.entry_id,
        size=size,
        root=root,
        index_root=closing.index_root,
        older=_check_genesis(genesis, first, policy, family),
    )


def _check_end(policy: Policy, stated: Predecessor, family: str, size: int, root: bytes) -> None:
    freeze, ended = _read(stated.freeze, TYP_GOVERNANCE, family)
    successor = ended.successor if isinstance(ended, Freeze) else None
    if successor is None or (freeze.sub, freeze.iss) != (log_uri(stated.origin), family):
        raise PREDECESSOR.at("payload.predecessor.freeze", "it names no successor")
    kid = cose_key.from_cbor(policy.root_key).kid
    if (successor.origin, successor.root) != (policy.origin, kid):
        raise PREDECESSOR.at("payload.predecessor.freeze", f"it names {successor.origin}")
    verify_inclusion(freeze.leaf_hash, size - 2, size, stated.freeze.path, root)


def _check_genesis(
    statement: Statement, first: Policy, policy: Policy, family: str
) -> PredecessorState | None:
    """The log that the predecessor followed, if it did; a family begins with its own root key."""
    key = cose_key.from_cbor(first.root_key)
    check_signature(statement, key)
    if (first.number, first.family_name) != (0, policy.family_name):
        raise PREDECESSOR.at("payload.predecessor.genesis", "another family")
    if first.predecessor is not None:
        return check_predecessor(first, first.predecessor, family)
    if family_uri(key, first.family_name) != family:
        raise PREDECESSOR.at("payload.predecessor.genesis", "another family")
    return None


def _read(proved: Proved, typ: str, family: str) -> tuple[Statement, Governance]:
    statement = parse_statement(proved.leaf)
    if statement.leaf != proved.leaf or statement.typ != typ or statement.aud != family:
        raise PREDECESSOR.at("payload.predecessor", "a leaf of another form or family")
    return statement, parse_governance(statement.payload)
