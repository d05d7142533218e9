"""Blocks of the index as they were: what is pinned, and what was overwritten while it is.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make two tables, and say of each block at which tree size it was written.

    Of blocks that are there already this is not known: 0 stands for it.
    """
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    with op.batch_alter_table("index_block") as table:
        table.add_column(sa.Column("written", number, nullable=False, server_default="0"))
    with op.batch_alter_table("index_block") as table:
        table.alter_column("written", existing_type=number, server_default=None)
    op.create_table(
        "index_undo",
        sa.Column("id", number, nullable=False, primary_key=True, autoincrement=False),
        sa.Column("until", number, nullable=False, primary_key=True, autoincrement=False),
        sa.Column("since", number, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
    op.create_index("index_undo_by_until", "index_undo", ["until"])
    op.create_table(
        "index_pin",
        sa.Column("purpose", sa.Text(), nullable=False, primary_key=True),
        sa.Column("size", number, nullable=False),
    )
