"""Chains beside the states of subjects; blocks of the index as they were while they are pinned.

Revision ID: 0005
"""

from __future__ import annotations

from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move chains to their subjects, as of the newest entry; make two tables, and say of each
    block at which tree size it was written.

    Of blocks that are there already this is not known: 0 stands for it.
    """
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    _move_chains(number)
    written = sa.Column("written", number, nullable=False, server_default="0")
    op.add_column("index_block", written)
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


def _move_chains(number: sa.types.TypeEngine[int]) -> None:
    op.add_column("subject", sa.Column("count", number, nullable=False, server_default="0"))
    op.add_column("subject", sa.Column("chain", sa.LargeBinary(), nullable=True))
    connection = op.get_bind()
    found = "FROM subject_chain WHERE subject_chain.subject_id = subject.id"
    move = (
        f"UPDATE subject SET count = (SELECT count {found}), chain = (SELECT hash {found})"  # noqa: S608
        f" WHERE id IN (SELECT subject_id FROM subject_chain)"
    )
    connection.exec_driver_sql(move)
    _extend_chains(connection)
    op.drop_table("subject_chain")


def _extend_chains(connection: sa.Connection) -> None:
    """By the entries after the last head: the chains that were stored ended there."""
    rows = connection.execute(
        sa.text(
            'SELECT link.subject_id, link."index", entry.leaf FROM subject_entry AS link'
            ' JOIN entry ON entry."index" = link."index"'
            ' WHERE link."index" > COALESCE((SELECT last_head FROM log_head), -1)'
            ' ORDER BY link."index", link.subject_id'
        )
    ).all()
    known = sa.text("SELECT count, chain FROM subject WHERE id = :id")
    put = sa.text("UPDATE subject SET count = :count, chain = :chain WHERE id = :id")
    for subject_id, index, leaf in rows:
        count, chain = connection.execute(known, {"id": subject_id}).one()
        leaf_hash = sha256(b"\x00" + bytes(leaf)).digest()
        link = b"\x24" + bytes(chain or 32) + index.to_bytes(8, "big") + leaf_hash
        after = {"id": subject_id, "count": count + 1, "chain": sha256(link).digest()}
        connection.execute(put, after)
