"""What a key may sign. A key has the purposes that it was granted, and no other.

Log keys and the root have one purpose each, so that a key which is taken from one part of a
service speaks for no other part.
"""

from __future__ import annotations

EVENTS = "events"
"""Events of an operator."""
CHECKPOINT = "checkpoint"
"""The log's C2SP checkpoints, and nothing else."""
RECEIPTS = "receipts"
"""The log's receipts (RFC 9942)."""
STATEMENTS = "statements"
"""The log's own statements: heads."""
REGISTRAR = "registrar"
"""Governance statements about operators and their keys."""
ROOT = "root"
"""Policies."""

PURPOSES = (EVENTS, CHECKPOINT, RECEIPTS, STATEMENTS, REGISTRAR, ROOT)
OPERATOR_PURPOSES = (EVENTS,)
"""What a registrar may grant to an operator's key."""
