"""Open the survey: engine, migrations, and the two kinds of session (read, write)."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session, sessionmaker
from tenacity import RetryCallState, Retrying, retry_if_exception_message, stop_after_attempt, stop_after_delay

from app import operating_system
from app.settings import Settings
from app.storage import shared
from app.survey.roles import NotAllowed, Role
from modal_backend.waiting import growing

T = TypeVar("T")
log = logging.getLogger("pugmark.survey")
MIGRATIONS = Path(__file__).parent / "migrations"
IDS_A_QUERY = 500  # SQLite before 3.32 takes 999 values: https://sqlite.org/limits.html
EVENT_GAP = "event gap, seconds"
DATA_DIR = "data folder"
# What SQLite (https://sqlite.org/rescode.html) and PostgreSQL say, and what a person is to do.
FULL = "The disk is full: free some space. What was kept is safe, and what stopped can be run again."
BROKEN = "The disk of the survey refuses to read or write: it is full, was taken out, or fails. Free some space."
UNWRITABLE = "The survey cannot be written: its folder is read-only. Reading and exporting work."
DAMAGED = "The survey's database is damaged. Bring back the newest copy of the data folder."
TROUBLES = {
    "disk is full": FULL,
    "no space left": FULL,
    "disk i/o error": BROKEN,
    "readonly": UNWRITABLE,
    "read-only": UNWRITABLE,
    "is locked": "Another program holds the survey's database. Wait until it is done, or end it, and try again.",
    "unable to open": "The survey's database cannot be opened. PUGMARK_DATA_DIR has to be a folder you may write.",
    "malformed": DAMAGED,
    "not a database": DAMAGED,
    "connection refused": "The database server does not answer. PUGMARK_DATABASE_URL names it; start it and try again.",
}
# What libpq says while a server stops and starts, and how many seconds a page or a command waits for it.
RESTARTING = "refused|starting up|shutting down|closed the connection|not yet accepting|terminating connection"
PATIENCE = 15.0
# How long another program's hold on an SQLite file is waited for, and in pieces of what length: Ctrl+C ends one.
LOCKED_SECONDS, LOCKED_PIECE = 60.0, 1.0
# Waiting does not cure these: https://www.postgresql.org/docs/current/errcodes-appendix.html (disk full).
FOR_A_PERSON = ("53100",)
# What the index of SQLite's log takes at least (https://sqlite.org/walformat.html), without which nothing is read.
INDEX_BYTES = 65_536
WRITES = 7_203_112  # any number, the same in every process


class Survey:
    """The survey database. May be shared between threads; sessions may not.

    role: of the person in whose hands it is; a worker and the command line may do everything.
    """

    role = Role.ADMIN

    def __init__(self, url: str, data_dir: Path, event_gap_seconds: int = 60, *, reading: bool = False) -> None:
        self.url = url
        self.data_dir = data_dir
        self.engine = _engine(url, reading)
        info = {EVENT_GAP: event_gap_seconds, DATA_DIR: data_dir}
        # What one session reads is of one moment, as SQLite has it; a writer waits for the others and then sees theirs.
        steady = {} if self.engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        reads = self.engine.execution_options(**steady)
        self._sessions = sessionmaker(reads, expire_on_commit=False, info=info)
        writes = self.engine.execution_options(pugmark_writes=True)
        self._writes = sessionmaker(writes, expire_on_commit=False, info=info)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads."""
        with self._sessions() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session in one transaction: committed at the end, rolled back on an error.

        Raises NotAllowed for somebody who may only look.
        """
        self.require(Role.REVIEWER)
        with self._writes.begin() as session:
            yield session

    def seen_by(self, role: Role) -> Survey:
        """The same survey in the hands of somebody with this role."""
        seen = copy(self)
        seen.role = role
        return seen

    def require(self, least: Role) -> None:
        """Raises NotAllowed in the hands of somebody with a lower role."""
        if self.role < least:
            raise NotAllowed(
                f"You are {self.role.title} of this survey; this needs {least.title}. Ask whoever runs it."
            )

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()


def trouble(error: DBAPIError | sqlite3.Error) -> str:
    """What a refusal of the database means for the person at the screen, with what to do; the SQL is left out."""
    refusal = error.orig if isinstance(error, DBAPIError) else error
    cause = str(refusal)
    for sign, sentence in TROUBLES.items():
        if sign in cause.lower():
            return sentence
    return f"The survey's database refused: {cause.splitlines()[0] if cause else type(refusal).__name__}"


def is_away(error: BaseException) -> bool:
    """Whether the database's server did not answer, as in its restart: the same again may work later."""
    if not isinstance(error, OperationalError | InterfaceError) or isinstance(error.orig, sqlite3.Error):
        return False
    return getattr(error.orig, "sqlstate", None) not in FOR_A_PERSON


def slices(ids: Sequence[T]) -> Iterator[Sequence[T]]:
    """Many ids, as many at a time as one query may name."""
    return (ids[start : start + IDS_A_QUERY] for start in range(0, len(ids), IDS_A_QUERY))


def open_survey(settings: Settings, *, reading: bool = False) -> Survey:
    """Bring the schema up to date and open the survey. Raises StorageRefused, see `connect`.

    reading: the database will only be read, and for a short time: a full disk is no hindrance.
    """
    survey = Survey(settings.survey_url, settings.data_dir, settings.event_gap_seconds, reading=reading)
    shared.connect(settings.data_dir, settings.media_url)
    if os.access(settings.data_dir, os.W_OK):
        for path in settings.data_dir.glob("*.sqlite*"):  # made by a version that left them open to others
            path.chmod(0o600)
    migrate(survey)
    return survey


def migrate(survey: Survey) -> None:
    """Run the migrations this database has not seen. Safe when two processes start at once.

    A survey that is up to date is only read, so that one that is locked or on a read-only disk can be looked at.
    SQLite changes a table by making it anew, which keys that refer to it would forbid.
    """
    with survey.engine.connect() as connection:
        if set(MigrationContext.configure(connection).get_current_heads()) == _newest():
            return
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with survey.engine.execution_options(pugmark_writes=True).connect() as connection:
        _refer(connection, "OFF")
        try:
            with connection.begin():
                config.attributes["connection"] = connection
                command.upgrade(config, "heads")
        finally:
            _refer(connection, "ON")


@cache
def _newest() -> set[str]:
    """The migrations that a survey which is up to date has seen last."""
    return set(ScriptDirectory(str(MIGRATIONS)).get_heads())


def _refer(connection: sa.Connection, state: str) -> None:
    """Switch SQLite's check of foreign keys, which it heeds outside a transaction only."""
    raw = connection.connection.driver_connection
    if connection.dialect.name == "sqlite" and raw is not None:
        raw.execute(f"PRAGMA foreign_keys={state}")


def _engine(url: str, reading: bool) -> sa.Engine:
    if not url.startswith("sqlite"):
        return _postgres(url)
    path = Path(url.removeprefix("sqlite:///"))
    read_only = path.exists() and (not os.access(path.parent, os.W_OK) or (reading and _is_full(path.parent)))
    if read_only:
        url = _read_only_url(path)
    engine = sa.create_engine(url, connect_args={"timeout": LOCKED_PIECE}, pool_size=10, max_overflow=20)
    pragmas = ["foreign_keys=ON"] + ["journal_mode=WAL", "synchronous=FULL"] * (not read_only)
    patient = _when_free(path)

    @sa.event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # BEGIN is sent below, so that writers can take the lock at once
        for pragma in pragmas:
            patient(connection.execute, f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("pugmark_writes")
        if writes:
            patient(connection.exec_driver_sql, "BEGIN IMMEDIATE")
        else:  # the first read takes SQLite's lock, and so it is made here
            connection.exec_driver_sql("BEGIN")
            patient(connection.exec_driver_sql, "SELECT 1 FROM sqlite_master LIMIT 1")

    return engine


def _is_full(folder: Path) -> bool:
    return shutil.disk_usage(folder)[2] < INDEX_BYTES


def prepare_queue(url: str) -> None:
    """Wait until no other program writes to the queue's database, and have it written through a log (WAL).

    With DBOS's own setting every commit keeps all readers out and syncs the disk several times; with a log it does
    neither. Nothing is done where the database is no SQLite file.

    Raises:
        OperationalError: it is still held after LOCKED_SECONDS.
    """
    if not url.startswith("sqlite"):
        return
    patient = _when_free(Path(url.removeprefix("sqlite:///")))
    engine = sa.create_engine(url, connect_args={"timeout": LOCKED_PIECE})
    with engine.connect() as connection:
        patient(connection.exec_driver_sql, "PRAGMA journal_mode=WAL")
        patient(connection.exec_driver_sql, "BEGIN IMMEDIATE")
    engine.dispose()


def _when_free(path: Path) -> Retrying:
    """Tries a statement until no other program holds the database's file; says once that it waits, and for whom."""

    def say(state: RetryCallState) -> None:
        if state.attempt_number == 1:
            users = ", ".join(operating_system.users_of(path))
            log.warning(
                "Another program holds %s of the survey. Waiting up to %.0f s for it; end it to go on at once, or"
                " stop this with Ctrl+C.%s",
                path.name,
                LOCKED_SECONDS,
                f" The file is open in: {users}." if users else "",
            )

    locked = retry_if_exception_message(match="(?s).*is locked")
    # Tries are counted too: while the machine stands still the other program gets nowhere either.
    stop = stop_after_delay(LOCKED_SECONDS) & stop_after_attempt(round(LOCKED_SECONDS / LOCKED_PIECE))
    return Retrying(retry=locked, stop=stop, before_sleep=say, reraise=True)


def _read_only_url(path: Path) -> str:
    """Where a database is read that may not be written, together with what still lies in the log beside it.

    See https://sqlite.org/wal.html#read_only_databases: SQLite needs the log's index, or a place to make one.
    """
    log = Path(f"{path}-wal")
    if not log.exists() or not log.stat().st_size:
        return f"sqlite:///file:{quote(str(path))}?immutable=1&uri=true"
    if Path(f"{path}-shm").exists():
        return f"sqlite:///file:{quote(str(path))}?mode=ro&uri=true"
    folder = Path(tempfile.mkdtemp(prefix="pugmark-read-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for file in (path, log):
        shutil.copy(file, folder)
    return f"sqlite:///file:{quote(str(folder / path.name))}?mode=ro&uri=true"


def _postgres(url: str) -> sa.Engine:
    """One write transaction at a time, as SQLite has it: every decision is checked against all that came before.

    A server that is being restarted is waited for.
    """
    engine = sa.create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20)

    @sa.event.listens_for(engine, "do_connect")
    def _connect(dialect: sa.Dialect, _record: Any, arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:
        restarting = retry_if_exception_message(match=f"(?is).*({RESTARTING})")
        patient = Retrying(retry=restarting, wait=growing(0.2, 2.0), stop=stop_after_delay(PATIENCE), reraise=True)
        return patient(dialect.connect, *arguments, **options)

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("pugmark_writes"):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITES})")

    return engine
