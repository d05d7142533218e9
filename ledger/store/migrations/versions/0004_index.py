"""The index: chains of subjects, blocks of the tree, and entries by what they concern.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make two tables, and an index on ``subject_entry``.

    A log that was begun without an index cannot go on with one: its heads do not state any.
    """
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_index("subject_entry_by_index", "subject_entry", ["index", "subject_id"])
    op.create_table(
        "subject_chain",
        sa.Column(
            "subject_id",
            number,
            sa.ForeignKey("subject.id"),
            nullable=False,
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("count", number, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "index_block",
        sa.Column("id", number, nullable=False, primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
