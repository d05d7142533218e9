"""The tables. SQLModel defines them; the hot path writes to them through SQLAlchemy Core.

Two choices are about locality, so that an entry costs the same in a large log as in a small one:
subjects have a small ascending id, so ``subject_entry`` is clustered by eight-byte keys and not by
a URI, and an entry's row lies in log order. Only three indexes are in random order: the two hashes
of an entry, and the URI of a subject. All numbers are 64 bits wide.
"""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text
from sqlmodel import Field, SQLModel

# SQLite makes a key the row's own address only if its type is spelled INTEGER.
_NUMBER = BigInteger().with_variant(Integer(), "sqlite")
# Ascending URIs must mean ascending bytes on every host, whatever its locale.
_URI = Text().with_variant(Text(collation="C"), "postgresql")


def _key() -> Any:
    return Column(_NUMBER, primary_key=True, autoincrement=False, nullable=False)


def _number(*, nullable: bool = False) -> Any:
    return Column(_NUMBER, nullable=nullable)


def _added_number() -> Any:
    # A column that a migration adds to rows. SQLite takes it only with a value for those.
    return Column(_NUMBER, nullable=False, server_default="0")


def _blob(*, nullable: bool = False, unique: bool = False) -> Any:
    return Column(LargeBinary, nullable=nullable, unique=unique)


class EntryRow(SQLModel, table=True):
    """One registered statement: its leaf bytes, and the two hashes by which it is found."""

    __tablename__ = "entry"
    index: int = Field(sa_column=_key())
    entry_id: bytes = Field(sa_column=_blob(unique=True))
    content_id: bytes = Field(sa_column=_blob(unique=True))
    leaf: bytes = Field(sa_column=_blob())


class SubjectRow(SQLModel, table=True):
    """One subject and its state. The state is null while only entries name the subject.

    ``count`` and ``chain`` are what the next head's index states of it; the chain is null while no
    entry concerns it (``ledger.tree.prefix_chain``). They are here and not beside the index because
    this row is written with every entry anyway: a head has nothing more to write for each subject.
    """

    __tablename__ = "subject"
    id: int = Field(sa_column=_key())
    uri: str = Field(sa_column=Column(_URI, nullable=False, unique=True))
    state: bytes | None = Field(default=None, sa_column=_blob(nullable=True))
    count: int = Field(sa_column=_added_number())
    chain: bytes | None = Field(default=None, sa_column=_blob(nullable=True))


class SubjectEntryRow(SQLModel, table=True):
    """That an entry concerns a subject. Found by the index as well: a head asks what is new."""

    __tablename__ = "subject_entry"
    __table_args__ = (
        Index("subject_entry_by_index", "index", "subject_id"),
        {"sqlite_with_rowid": False},
    )
    subject_id: int = Field(
        sa_column=Column(
            _NUMBER, ForeignKey("subject.id"), primary_key=True, autoincrement=False, nullable=False
        )
    )
    index: int = Field(sa_column=_key())


class TileRow(SQLModel, table=True):
    """One tile: ``data`` holds as many 32-byte hashes as are known, 256 when it is full."""

    __tablename__ = "tile"
    level: int = Field(sa_column=_key())
    n: int = Field(sa_column=_key())
    data: bytes = Field(sa_column=_blob())


class CheckpointRow(SQLModel, table=True):
    """A signed note over a tree size, as it was published."""

    __tablename__ = "checkpoint"
    size: int = Field(sa_column=_key())
    note: bytes = Field(sa_column=_blob())


class LogHeadRow(SQLModel, table=True):
    """The single row, id 1, that says where the log stands and that every writer locks."""

    __tablename__ = "log_head"
    id: int = Field(sa_column=_key())
    size: int = Field(sa_column=_number())
    root: bytes = Field(sa_column=_blob())
    edge: bytes = Field(sa_column=_blob())
    epoch_time: int | None = Field(default=None, sa_column=_number(nullable=True))
    last_time: int = Field(sa_column=_number())
    last_head: int | None = Field(default=None, sa_column=_number(nullable=True))
    governance: int = Field(sa_column=_number())
    checkpoint: int = Field(sa_column=_number())
    published: int = Field(sa_column=_added_number())


class ListDocumentRow(SQLModel, table=True):
    """The rows of a public list, by the Merkle root that a registered snapshot states."""

    __tablename__ = "list_document"
    root: bytes = Field(sa_column=Column(LargeBinary, primary_key=True, nullable=False))
    data: bytes = Field(sa_column=_blob())


class TermRow(SQLModel, table=True):
    """A word under which a subject is found. Clustered by the word: a search reads one range.

    No foreign key: ids are those that the same transaction has given out, and looking each of them
    up once more would be a fifth of what the words of an entry cost. ``fsck`` finds strays."""

    __tablename__ = "term"
    __table_args__ = {"sqlite_with_rowid": False}
    kind: str = Field(sa_column=Column(_URI, primary_key=True, nullable=False))
    value: str = Field(sa_column=Column(_URI, primary_key=True, nullable=False))
    subject_id: int = Field(sa_column=_key())


class IndexBlockRow(SQLModel, table=True):
    """One block of the index (``ledger.tree.prefix_blocks``), as of the last head. The id is a bit
    that is 1 and then the bits of the block's place, so blocks on neighbouring ways are together.
    ``written`` is the tree size, its head included, since which it is like this.
    """

    __tablename__ = "index_block"
    id: int = Field(sa_column=_key())
    data: bytes = Field(sa_column=_blob())
    written: int = Field(sa_column=_added_number())


class IndexUndoRow(SQLModel, table=True):
    """A block as it was at tree sizes ``since`` ≤ size < ``until``: kept while a pin is there.

    Rows come in the order of ``until``, and go in it.
    """

    __tablename__ = "index_undo"
    __table_args__ = (Index("index_undo_by_until", "until"),)
    id: int = Field(sa_column=_key())
    until: int = Field(sa_column=_key())
    since: int = Field(sa_column=_number())
    data: bytes = Field(sa_column=_blob())


class IndexPinRow(SQLModel, table=True):
    """A tree size at which the index must stay readable, and for what."""

    __tablename__ = "index_pin"
    purpose: str = Field(sa_column=Column(Text, primary_key=True, nullable=False))
    size: int = Field(sa_column=_number())


class AgreedRow(SQLModel, table=True):
    """What all processes of the log must have in the same way, by what it is: a digest."""

    __tablename__ = "agreed"
    name: str = Field(sa_column=Column(Text, primary_key=True, nullable=False))
    digest: bytes = Field(sa_column=_blob())


def _table(model: type[SQLModel]) -> Table:
    return cast(Table, model.__table__)  # type: ignore[attr-defined]


METADATA = SQLModel.metadata
ENTRY = _table(EntryRow)
SUBJECT = _table(SubjectRow)
SUBJECT_ENTRY = _table(SubjectEntryRow)
TILE = _table(TileRow)
CHECKPOINT = _table(CheckpointRow)
LOG_HEAD = _table(LogHeadRow)
LIST_DOCUMENT = _table(ListDocumentRow)
TERM = _table(TermRow)
INDEX_BLOCK = _table(IndexBlockRow)
INDEX_UNDO = _table(IndexUndoRow)
INDEX_PIN = _table(IndexPinRow)
AGREED = _table(AgreedRow)
