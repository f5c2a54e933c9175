"""Open the survey: engine, migrations, and the two kinds of session (read, write)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.orm import Session, sessionmaker

from app.settings import Settings

T = TypeVar("T")
MIGRATIONS = Path(__file__).parent / "migrations"
IDS_A_QUERY = 500  # SQLite before 3.32 takes 999 values: https://sqlite.org/limits.html
EVENT_GAP = "event gap, seconds"
WRITES = 7_203_112  # any number, the same in every process


class Survey:
    """The survey database. May be shared between threads; sessions may not."""

    def __init__(self, url: str, data_dir: Path, event_gap_seconds: int = 60) -> None:
        self.url = url
        self.data_dir = data_dir
        self.engine = _engine(url)
        info = {EVENT_GAP: event_gap_seconds}
        self._sessions = sessionmaker(self.engine, expire_on_commit=False, info=info)
        writes = self.engine.execution_options(pugmark_writes=True)
        self._writes = sessionmaker(writes, expire_on_commit=False, info=info)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads."""
        with self._sessions() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session in one transaction: committed at the end, rolled back on an error."""
        with self._writes.begin() as session:
            yield session

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()


def slices(ids: Sequence[T]) -> Iterator[Sequence[T]]:
    """Many ids, as many at a time as one query may name."""
    return (ids[start : start + IDS_A_QUERY] for start in range(0, len(ids), IDS_A_QUERY))


def open_survey(settings: Settings) -> Survey:
    """Bring the schema up to date and open the survey."""
    survey = Survey(settings.survey_url, settings.data_dir, settings.event_gap_seconds)
    for path in settings.data_dir.glob("*.sqlite*"):  # made by a version that left them open to others
        path.chmod(0o600)
    migrate(survey)
    return survey


def migrate(survey: Survey) -> None:
    """Run the migrations this database has not seen. Safe when two processes start at once.

    SQLite changes a table by making it anew, which keys that refer to it would forbid.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with survey.engine.execution_options(pugmark_writes=True).connect() as connection:
        _refer(connection, "OFF")
        try:
            with connection.begin():
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        finally:
            _refer(connection, "ON")


def _refer(connection: sa.Connection, state: str) -> None:
    """Switch SQLite's check of foreign keys, which it heeds outside a transaction only."""
    raw = connection.connection.driver_connection
    if connection.dialect.name == "sqlite" and raw is not None:
        raw.execute(f"PRAGMA foreign_keys={state}")


def _engine(url: str) -> sa.Engine:
    if not url.startswith("sqlite"):
        return _postgres(url)
    engine = sa.create_engine(url, connect_args={"timeout": 60}, pool_size=10, max_overflow=20)

    @sa.event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # BEGIN is sent below, so that writers can take the lock at once
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=60000"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("pugmark_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgres(url: str) -> sa.Engine:
    """One write transaction at a time, as SQLite has it: every decision is checked against all that came before."""
    engine = sa.create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20)

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("pugmark_writes"):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITES})")

    return engine
