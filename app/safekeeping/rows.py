"""Every row of a survey into another database, whichever of the two is SQLite or PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import app.survey.tables  # noqa: F401
from app.survey.database import Survey, migrate
from app.survey.tables.base import Base

ROWS_AT_ONCE = 500


def snapshot(survey: Survey, place: Path) -> None:
    """Write the survey as it is at this moment into a new SQLite file; writers go on meanwhile.

    Which workers live at the moment is no part of it.
    """
    if survey.engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(place)) as copy, survey.engine.connect() as connection:
            source: Any = connection.connection.driver_connection
            source.backup(copy)
    else:
        copy_survey = Survey(f"sqlite:///{place}", place.parent)
        migrate(copy_survey)
        frozen = survey.engine.execution_options(isolation_level="REPEATABLE READ")
        with frozen.connect() as rows, copy_survey.write() as target:
            copy_rows(rows, target.connection())
        copy_survey.close()
    with closing(sqlite3.connect(place)) as copy:
        copy.execute("DELETE FROM worker")
        copy.execute("DELETE FROM media_place")  # whoever restores it has another
        copy.commit()
        copy.execute("PRAGMA journal_mode=DELETE")  # so that it is one file


def copy_rows(source: sa.Connection, target: sa.Connection) -> None:
    """Copy every row, parents before children; what the tables of `target` hold (what a new survey has) is replaced."""
    for table in reversed(Base.metadata.sorted_tables):
        target.execute(sa.delete(table))
    for table in Base.metadata.sorted_tables:
        own = [column for column in table.columns if any(key.column.table is table for key in column.foreign_keys)]
        later = []
        for rows in _slices(source, table):
            later += [row for row in rows if any(row[column.name] is not None for column in own)]
            target.execute(sa.insert(table), [row | {column.name: None for column in own} for row in rows])
        for row in later:
            here = sa.and_(*(column == row[column.name] for column in table.primary_key))
            target.execute(sa.update(table).where(here).values({column.name: row[column.name] for column in own}))
        if target.dialect.name == "postgresql":
            _count_on(target, table)


def counts(connection: sa.Connection) -> dict[str, int]:
    """Rows of each table."""
    return {
        table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
        for table in Base.metadata.sorted_tables
    }


def _slices(source: sa.Connection, table: sa.Table) -> Iterator[list[dict[str, Any]]]:
    found = source.execution_options(yield_per=ROWS_AT_ONCE).execute(sa.select(table).order_by(*table.primary_key))
    for rows in found.mappings().partitions():
        yield [dict(row) for row in rows]


def _count_on(target: sa.Connection, table: sa.Table) -> None:
    """Let PostgreSQL number new rows after the last one."""
    (first, *more) = table.primary_key
    if not more and isinstance(first.type, sa.Integer):
        sequence = sa.func.pg_get_serial_sequence(table.name, first.name)
        if target.scalar(sa.select(sequence)) is not None:
            last = sa.select(sa.func.max(first)).scalar_subquery()
            target.execute(sa.select(sa.func.setval(sequence, sa.func.coalesce(last, 1), last.is_not(None))))
