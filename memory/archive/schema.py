"""The index of an archive: tables, connections, and whether an archive is ours to open.

SQLite in WAL mode: a writer and any number of readers at once, and a kill -9 leaves what was committed. A connection
belongs to the thread that opened it.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from memory.archive.config import ArchiveConfig
from memory.archive.errors import ArchiveDamagedError, ArchiveFolderError, ForeignArchiveError
from memory.archive.folder import INDEX_NAME, make_private_file
from memory.archive.segments import VectorLayout

__all__ = ["FORMAT_VERSION", "Identity", "open_for_reading", "open_for_writing", "read_identity", "transaction"]

FORMAT_VERSION = 1
_APPLICATION_ID = 0x41674C77
_BUSY_S = 2.0

# position counts arrivals and is never used again; neither is a segment's number.
_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE segments (segment INTEGER PRIMARY KEY AUTOINCREMENT, is_sealed INTEGER NOT NULL);
CREATE TABLE frames (
    position INTEGER PRIMARY KEY AUTOINCREMENT, frame_id INTEGER NOT NULL UNIQUE,
    time_s REAL NOT NULL, wall_time_s REAL NOT NULL,
    segment INTEGER NOT NULL, offset INTEGER NOT NULL, num_bytes INTEGER NOT NULL, row INTEGER NOT NULL,
    crc INTEGER NOT NULL);
CREATE INDEX frames_by_time ON frames (time_s);
CREATE INDEX frames_by_segment ON frames (segment, time_s);
CREATE TABLE events (
    event INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, start_s REAL NOT NULL, end_s REAL NOT NULL,
    text TEXT NOT NULL);
CREATE TABLE pins (start_s REAL NOT NULL, end_s REAL NOT NULL, label TEXT NOT NULL);
CREATE TABLE unfinished_forgets (start_s REAL NOT NULL, end_s REAL NOT NULL);
"""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Whose archive it is."""

    fingerprint: str
    layout: VectorLayout


def open_for_writing(folder: Path, config: ArchiveConfig) -> sqlite3.Connection:
    """Opens the index or makes it. Raises ForeignArchiveError, ArchiveDamagedError or ArchiveFolderError."""
    path = folder / INDEX_NAME
    make_private_file(path)
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
    try:
        with _readable(path):
            connection.execute("PRAGMA secure_delete = ON")  # erased rows become zeros
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("PRAGMA wal_autocheckpoint = 0")  # Archive.sync() does it, after the segments
            if not _has_tables(connection):
                _make_tables(connection, config)
            _check_version(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA journal_size_limit = 65536")  # after a checkpoint the log becomes small again
            _check_owner(read_identity(connection), config, folder)
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(folder: Path) -> sqlite3.Connection:
    """Opens an existing index; nothing can be changed through it. Raises as open_for_writing does."""
    path = folder / INDEX_NAME
    if not path.is_file():
        raise ArchiveFolderError(f"there is no archive in {folder}: name the folder that was recorded into")
    log = path.with_name(f"{path.name}-wal")
    is_frozen = (
        not os.access(folder, os.W_OK) and not log.exists()
    )  # nobody writes there: SQLite needs no log beside it
    mode = "mode=ro&immutable=1" if is_frozen else "mode=ro"
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, timeout=_BUSY_S, isolation_level=None)
    try:
        with _readable(path):
            if not _has_tables(connection):
                raise ArchiveFolderError(f"the archive in {folder} holds nothing yet: wait for the first frame")
            _check_version(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def read_identity(connection: sqlite3.Connection) -> Identity:
    """Of an index whose version was checked."""
    meta = dict(connection.execute("SELECT name, value FROM meta"))
    layout = VectorLayout(int(meta["key_dim"]), int(meta["evidence_dim"]))
    return Identity(fingerprint=meta["fingerprint"], layout=layout)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise ArchiveFolderError(
            f"{path} cannot be opened ({error}): see that its folder can be read and written"
        ) from error
    except sqlite3.DatabaseError as error:
        message = f"{path} is not a readable index ({error}): move the folder away and record into a new one"
        raise ArchiveDamagedError(message) from error


def _has_tables(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0])


def _make_tables(connection: sqlite3.Connection, config: ArchiveConfig) -> None:
    with transaction(connection):
        for statement in _TABLES.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
        values = {"fingerprint": config.fingerprint, "key_dim": config.key_dim, "evidence_dim": config.evidence_dim}
        rows = [(name, str(value)) for name, value in {**values, "erasures": 0}.items()]
        connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID:
        raise ForeignArchiveError(f"{path} belongs to another program: choose another folder for the archive")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != FORMAT_VERSION:
        message = f"{path} has archive version {version}, this program reads version {FORMAT_VERSION}"
        raise ForeignArchiveError(f"{message}: open it with the Afterglow that made it, or choose another folder")


def _check_owner(identity: Identity, config: ArchiveConfig, folder: Path) -> None:
    wanted = Identity(fingerprint=config.fingerprint, layout=VectorLayout(config.key_dim, config.evidence_dim))
    if identity != wanted:
        message = f"the archive in {folder} was made with the encoder {_told(identity)}, not with {_told(wanted)}"
        raise ForeignArchiveError(f"{message}: choose another folder, or the encoder that made it")


def _told(identity: Identity) -> str:
    layout = identity.layout
    return f"'{identity.fingerprint}' (keys of {layout.key_dim}, evidence of {layout.evidence_dim} numbers)"
