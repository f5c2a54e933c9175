"""A survey made again from its backup: into a new folder, and into the database that the settings name."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import zipfile
import zlib
from contextlib import closing
from pathlib import Path, PurePosixPath
from uuid import uuid4

import sqlalchemy as sa

from app import files
from app.safekeeping.backup import CONTENTS, DATABASE, FOLDERS, VERSION, Backup, Report, copied
from app.safekeeping.rows import copy_rows, counts
from app.survey.database import Survey, migrate

KEPT = frozenset({"originals", "thumbs", "views", "frames", *FOLDERS})
HASHED = "originals"
WITHOUT_ROWS = ("import_batch", "media", "decision", "note_file")  # of a new survey


class RestoreRefused(Exception):
    """The backup cannot be restored; the text says why and what to do."""


def restore(file: Path, folder: Path, database_url: str | None, report: Report) -> Backup:
    """Make the data folder, whole or not at all. Returns what was restored; `damaged` are originals with another hash.

    Args:
        file: from `write_backup`.
        folder: the new data folder, not there yet or empty.
        database_url: an empty PostgreSQL database for the rows; None: SQLite in the folder.
        report: called with files done and all.

    Raises:
        RestoreRefused, OSError
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RestoreRefused(f"{folder} is not empty. Name a new folder; nothing is ever written over.")
    part = folder.with_name(f".{folder.name}-{uuid4().hex}.part")
    try:
        part.mkdir(parents=True)
        with zipfile.ZipFile(file) as archive:
            backup = _contents(archive, file)
            backup.damaged = _unpack(archive, part, report)
        backup.rows = _settle(part, folder.absolute(), backup, database_url)
        if folder.exists():
            folder.rmdir()
        os.replace(part, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, sqlite3.DatabaseError) as error:
        raise RestoreRefused(f"{file} is damaged or incomplete ({error}). Use another backup.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return backup


def _contents(archive: zipfile.ZipFile, file: Path) -> Backup:
    try:
        backup = Backup(**json.loads(archive.read(CONTENTS)))
    except (KeyError, ValueError, TypeError) as error:
        raise RestoreRefused(f"{file} is no backup of Pugmark.") from error
    if backup.version > VERSION:
        raise RestoreRefused(f"{file} was made by a newer version of Pugmark. Restore it with that version.")
    return backup


def _unpack(archive: zipfile.ZipFile, part: Path, report: Report) -> list[str]:
    """Write every file; the names of originals that have another hash than their name says."""
    damaged = []
    entries = [entry for entry in archive.infolist() if entry.filename != CONTENTS and not entry.is_dir()]
    for done, entry in enumerate(entries, 1):
        inside = PurePosixPath(entry.filename)
        plain = ".." not in inside.parts and "\\" not in entry.filename and ":" not in entry.filename
        if entry.filename != DATABASE and not (plain and inside.parts[0] in KEPT):
            raise RestoreRefused(f"The backup holds {entry.filename}, which does not belong into one.")
        place = part / inside
        place.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as source, place.open("xb") as target:
            sha256 = copied(source, target)
        if inside.parts[0] == HASHED and sha256 != inside.stem:
            damaged.append(inside.name)
        report(done, len(entries))
    return damaged


def _settle(part: Path, folder: Path, backup: Backup, database_url: str | None) -> dict[str, int]:
    """Bring the rows up to date, let them name the new folder where they name the old one, and count every table."""
    database = files.database_path(part)
    if not database.exists():
        raise RestoreRefused("The backup holds no database. Use another backup.")
    with closing(sqlite3.connect(database)) as rows:
        old = backup.data_dir
        begins = (str(folder), len(old) + 1, len(old), old)
        rows.execute("UPDATE import_batch SET root = ? || substr(root, ?) WHERE substr(root, 1, ?) = ?", begins)
        if rows.execute("SELECT 1 FROM sqlite_master WHERE name = 'results_file'").fetchone():  # not in an old backup
            rows.execute("UPDATE results_file SET path = ? || substr(path, ?) WHERE substr(path, 1, ?) = ?", begins)
        rows.execute("DELETE FROM worker")  # those of the old folder, whether they still live or not
        rows.commit()
    survey = Survey(f"sqlite:///{database}", part)
    with closing(survey):
        migrate(survey)
        with survey.engine.connect() as source:
            found = counts(source)
            if database_url:
                _into(database_url, source, part)
    if database_url:
        for path in part.glob(f"{database.name}*"):
            path.unlink()
    return found


def _into(database_url: str, source: sa.Connection, data_dir: Path) -> None:
    survey = Survey(database_url, data_dir)
    with closing(survey):
        migrate(survey)
        with survey.write() as session:
            there = counts(session.connection())
            if any(there[table] for table in WITHOUT_ROWS):
                raise RestoreRefused("The database of PUGMARK_DATABASE_URL holds a survey already. Name an empty one.")
            copy_rows(source, session.connection())
