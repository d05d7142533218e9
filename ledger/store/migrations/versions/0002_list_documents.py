"""The rows of public lists.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of list documents."""
    op.create_table(
        "list_document",
        sa.Column("root", sa.LargeBinary(), nullable=False, primary_key=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
