"""The migrations make what the tables say, and every database gets there."""

from __future__ import annotations

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from keys.errors import UnavailableError
from ledger.store import migrations
from ledger.store.engine import open_engine
from ledger.store.sql import SqlStore
from ledger.store.tables import METADATA
from ledger.tree.merkle import leaf_hash
from ledger.tree.prefix_chain import Chain
from tests.store.writers import grow


def differences(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        return list(compare_metadata(context, METADATA))


def test_the_migrations_make_the_tables_of_the_models(url: str, store: SqlStore) -> None:
    engine = open_engine(url)
    assert differences(engine) == []
    found = inspect(engine)
    for table in METADATA.sorted_tables:
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert columns == {column.name: column.nullable for column in table.columns}
        keys = found.get_pk_constraint(table.name)["constrained_columns"]
        assert keys == [column.name for column in table.primary_key]
        unique = {tuple(each["column_names"]) for each in found.get_unique_constraints(table.name)}
        assert unique == {(column.name,) for column in table.columns if column.unique}
    engine.dispose()


def test_the_comparison_sees_a_difference(url: str, store: SqlStore) -> None:
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE tile ADD COLUMN extra BIGINT")
    assert differences(engine) != []
    engine.dispose()


def test_sqlite_keeps_rows_where_the_design_wants_them(store: SqlStore) -> None:
    engine = store._writer
    if engine.dialect.name != "sqlite":
        return
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("PRAGMA table_list").mappings().all()
        without_rowid = {row["name"] for row in rows if row["wr"]}
        # An index on entry's key would mean that it is not the row's own address.
        indexes = connection.exec_driver_sql("PRAGMA index_list(entry)").mappings().all()
    assert without_rowid == {"subject_entry", "term"}
    assert {row["origin"] for row in indexes} == {"u"}


def test_the_newest_revision_is_the_last_script() -> None:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "ledger.store:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.NEWEST]


def test_migrating_again_changes_nothing(store: SqlStore) -> None:
    migrations.migrate(store._writer)
    store.check_schema()


def test_a_failed_migration_leaves_no_tables(url: str) -> None:
    engine = open_engine(url)
    SqlStore.open(url).create()
    with engine.begin() as connection:
        for name in ("alembic_version", "entry", "log_head"):
            connection.exec_driver_sql(f"DROP TABLE {name}")
    with pytest.raises(DBAPIError, match="tile"):  # entry is made, then tile is there already
        migrations.migrate(engine)
    assert "entry" not in inspect(engine).get_table_names()
    engine.dispose()


def downgraded(engine: Engine, revision: str, tables: tuple[str, ...]) -> None:
    """The database as it was at ``revision``, without what later ones have added."""
    with engine.begin() as connection:
        for name in (*tables, "agreed"):
            connection.exec_driver_sql(f"DROP TABLE {name}")
        for name in ("count", "chain"):
            connection.exec_driver_sql(f"ALTER TABLE subject DROP COLUMN {name}")
        connection.exec_driver_sql("ALTER TABLE log_head DROP COLUMN published")
        sql = f"UPDATE alembic_version SET version_num = '{revision}'"  # noqa: S608
        connection.exec_driver_sql(sql)


def test_a_log_of_the_first_revision_keeps_what_it_has(url: str, store: SqlStore) -> None:
    engine = open_engine(url)
    downgraded(engine, "0001", ("list_document", "term", "index_block", "index_undo", "index_pin"))
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX subject_entry_by_index")
        connection.exec_driver_sql("UPDATE log_head SET last_time = 7, checkpoint = 5")
    with pytest.raises(UnavailableError, match="0001"):
        store.check_schema()
    store.create()
    store.check_schema()
    assert differences(engine) == []
    assert store.head().last_time == 7
    assert store.head().published == 5
    engine.dispose()


def test_chains_move_to_their_subjects_and_go_on(url: str, store: SqlStore) -> None:
    """Stored chains ended at the last head: what came after it is in none of them."""
    with store.writing() as writing:
        entries = grow(writing, 4)
        leaf_hashes = {entry.index: leaf_hash(entry.leaf) for entry in entries}
        pairs = [("urn:a", 0), ("urn:b", 0), ("urn:a", 1), ("urn:a", 2), ("urn:c", 3)]
        writing.put_subjects({"urn:s": b"state"}, pairs, leaf_hashes)
        writing.put_head(msgspec.structs.replace(writing.head, size=4, last_head=1))
    uris = ["urn:a", "urn:b", "urn:c", "urn:s"]
    expected, states = store.stored_chains(uris), store.states(uris)
    assert [expected[uri].count for uri in uris] == [3, 1, 1, 0]
    at_head = Chain().after(0, leaf_hashes[0])
    stored = {"urn:a": at_head.after(1, leaf_hashes[1]), "urn:b": at_head}
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE subject_chain (subject_id BIGINT PRIMARY KEY, count BIGINT NOT NULL,"
            f" hash {'BYTEA' if 'postgresql' in url else 'BLOB'} NOT NULL)"
        )
        for uri, chain in stored.items():
            sql = text("INSERT INTO subject_chain SELECT id, :n, :h FROM subject WHERE uri = :uri")
            connection.execute(sql, {"n": chain.count, "h": chain.hash, "uri": uri})
        connection.exec_driver_sql("ALTER TABLE index_block DROP COLUMN written")
    downgraded(engine, "0004", ("index_undo", "index_pin"))
    store.create()
    assert differences(engine) == []
    assert store.stored_chains(uris) == expected
    assert store.states(uris) == states
    engine.dispose()
