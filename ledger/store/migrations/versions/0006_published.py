"""Which checkpoint is published: no longer always the newest that is signed.

Revision ID: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the number to the head row. Until now all checkpoints were published."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("log_head", sa.Column("published", number, nullable=False, server_default="0"))
    op.execute("UPDATE log_head SET published = checkpoint")
