"""The words under which subjects are found.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of terms."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "term",
        sa.Column("kind", text, nullable=False, primary_key=True),
        sa.Column("value", text, nullable=False, primary_key=True),
        sa.Column("subject_id", number, nullable=False, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
