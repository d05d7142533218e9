"""The schema's history, and how to bring a database to the newest one.

There is no alembic.ini: the scripts lie in this package and go with it wherever it is installed.
"""

from __future__ import annotations

from sqlalchemy import Engine, text

NEWEST = "0007"
"""The revision that this version of the code works with."""

# Any number will do, if nobody else takes it: "cellbook" in ASCII.
_LOCK = 0x63656C6C626F6F6B


def migrate(engine: Engine) -> None:
    """Run every migration that the database lacks, in one transaction.

    Several processes may call it at once: one migrates, the others wait and find it done. Raises
    what SQLAlchemy and Alembic raise.
    """
    # Alembic takes long to import, and a running service needs only NEWEST.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "ledger.store:migrations")
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
