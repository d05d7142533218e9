"""Alembic's entry: runs the migrations inside the transaction that ``migrate`` opened."""

from __future__ import annotations

from alembic import context

from ledger.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
context.run_migrations()
