"""The first tables.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the six tables. They are written out here and not taken from ``ledger.store.tables``:
    those will change, and this step must not."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    uri = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    _log(number)
    _subjects(number, uri)


def _log(number: sa.types.TypeEngine[int]) -> None:
    op.create_table(
        "entry",
        sa.Column("index", number, nullable=False, primary_key=True, autoincrement=False),
        sa.Column("entry_id", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("content_id", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "tile",
        sa.Column("level", number, nullable=False, primary_key=True, autoincrement=False),
        sa.Column("n", number, nullable=False, primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "checkpoint",
        sa.Column("size", number, nullable=False, primary_key=True, autoincrement=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "log_head",
        sa.Column("id", number, nullable=False, primary_key=True, autoincrement=False),
        sa.Column("size", number, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("edge", sa.LargeBinary(), nullable=False),
        sa.Column("epoch_time", number, nullable=True),
        sa.Column("last_time", number, nullable=False),
        sa.Column("last_head", number, nullable=True),
        sa.Column("governance", number, nullable=False),
        sa.Column("checkpoint", number, nullable=False),
    )


def _subjects(number: sa.types.TypeEngine[int], uri: sa.types.TypeEngine[str]) -> None:
    op.create_table(
        "subject",
        sa.Column("id", number, nullable=False, primary_key=True, autoincrement=False),
        sa.Column("uri", uri, nullable=False, unique=True),
        sa.Column("state", sa.LargeBinary(), nullable=True),
    )
    op.create_table(
        "subject_entry",
        sa.Column(
            "subject_id",
            number,
            sa.ForeignKey("subject.id"),
            nullable=False,
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("index", number, nullable=False, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
