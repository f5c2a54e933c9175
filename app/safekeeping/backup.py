"""A backup: one zip with every row of the survey, every original by its hash, and what cannot be made again.

Queue, crops and views are left out: they are made again. An import that was under way goes on after the restoration.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

import sqlalchemy as sa

from app import files
from app.ingest.formats import SUFFIX, Format
from app.safekeeping.rows import counts, snapshot
from app.storage import shared
from app.storage.errors import StorageDamaged, StorageMissing
from app.survey.database import Survey
from app.survey.tables.media import Media
from modal_backend.weights.whole_file import whole_file

VERSION = 2
CONTENTS = "backup.json"
DATABASE = "survey.sqlite"
FOLDERS = ("evaluations", "notes", "results", "sample", "uploads")
NOT_COPIED = (".part", ".sqlite", ".sqlite-journal")  # databases are read instead
BLOCK = 1 << 20
Report = Callable[[int, int], None]


@dataclass(slots=True)
class Backup:
    """What a backup holds.

    Attributes:
        data_dir: the data folder it was made of.
        made_at: seconds since 1970.
        rows: of each table.
        missing: originals that a row names and that are not there.
        media: the storage that machines shared the media in; empty where they lay in the data folder alone.
        damaged: originals whose content has not the hash of their name; they are in the backup as they are.
    """

    data_dir: str
    made_at: float
    rows: dict[str, int] = field(default_factory=dict)
    originals: int = 0
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    media: str = ""
    version: int = VERSION


def write_backup(survey: Survey, place: Path, report: Report) -> Backup:
    """Write a backup while the survey is in use; the file appears when it is complete.

    Uploads that wait are copied before the rows and, those that came meanwhile, after them.

    Args:
        place: the zip to write.
        report: called with media done and all.

    Raises:
        OSError: it cannot be written.
        StorageError: the media cannot be fetched.
    """
    storage = shared.storage_of(survey.data_dir)
    backup = Backup(str(survey.data_dir), time.time(), media=storage.url if storage is not None else "")
    place.parent.mkdir(parents=True, exist_ok=True)
    with (
        whole_file(place) as part,
        tempfile.TemporaryDirectory(prefix=".backup-", dir=place.parent) as beside,
        zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive,
    ):
        _add_folders(archive, survey.data_dir)
        copy = Path(beside) / DATABASE
        snapshot(survey, copy)
        archive.write(copy, DATABASE, zipfile.ZIP_DEFLATED)
        _add_folders(archive, survey.data_dir)
        _add_read_results(archive, survey.data_dir, Path(beside))
        kept = Survey(f"sqlite:///{copy}", copy.parent)
        with closing(kept), kept.engine.connect() as rows:
            backup.rows = counts(rows)
            for done, media in enumerate(_media(rows), 1):
                _add_media(archive, survey.data_dir, media, backup)
                report(done, backup.rows["media"])
        archive.writestr(CONTENTS, json.dumps(asdict(backup), indent=1))
    return backup


def media_files(data_dir: Path, media: sa.Row[str, str, str]) -> Iterator[Path]:
    """The files of a media that are kept, beside its original."""
    yield files.thumb_path(data_dir, media.sha256)
    if media.kind == "video":
        yield files.view_path(data_dir, media.sha256)
        folder = files.frame_path(data_dir, media.sha256, 0).parent
        storage = shared.storage_of(data_dir)
        yield from sorted({*folder.glob("*.jpg"), *(storage.below(folder) if storage is not None else ())})


def _media(rows: sa.Connection) -> Iterator[sa.Row[str, str, str]]:
    yield from rows.execute(sa.select(Media.sha256, Media.format, Media.kind).order_by(Media.id))


def _add_folders(archive: zipfile.ZipFile, data_dir: Path) -> None:
    there = set(archive.namelist())
    for folder in FOLDERS:
        for path in sorted((data_dir / folder).rglob("*")):
            if path.is_file() and path.suffix not in NOT_COPIED and path.relative_to(data_dir).as_posix() not in there:
                _add(archive, data_dir, path)


def _add_read_results(archive: zipfile.ZipFile, data_dir: Path, beside: Path) -> None:
    """Copy what was read of files of results, each whole while a job writes to it."""
    for path in sorted(files.results_folder(data_dir).glob("*.sqlite")):
        copy = beside / path.name
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        archive.write(copy, path.relative_to(data_dir).as_posix(), zipfile.ZIP_DEFLATED)
        copy.unlink()


def _add_media(archive: zipfile.ZipFile, data_dir: Path, media: sa.Row[str, str, str], backup: Backup) -> None:
    kind: Format = media.format
    original = files.original_path(data_dir, media.sha256, SUFFIX[kind])
    sha256 = _add_shared(archive, data_dir, original)
    if sha256 is None:
        backup.missing.append(original.name)
    else:
        backup.originals += 1
        if sha256 != media.sha256:
            backup.damaged.append(original.name)
    for path in media_files(data_dir, media):
        _add_shared(archive, data_dir, path)


def _add_shared(archive: zipfile.ZipFile, data_dir: Path, path: Path) -> str | None:
    """The same as `_add`, from the storage where there is one and the file is not here."""
    storage = shared.storage_of(data_dir)
    if storage is None:
        return _add(archive, data_dir, path)
    try:
        with storage.borrowed(path):
            return _add(archive, data_dir, path)
    except (StorageMissing, StorageDamaged):
        return None


def _add(archive: zipfile.ZipFile, data_dir: Path, path: Path) -> str | None:
    """Copy a file under its place in the data folder; its hash, or None when it is gone."""
    try:
        source = path.open("rb")
    except FileNotFoundError:
        return None
    entry = zipfile.ZipInfo.from_file(path, path.relative_to(data_dir).as_posix(), strict_timestamps=False)
    with source, archive.open(entry, "w", force_zip64=True) as target:
        return copied(source, target)


def copied(source: IO[bytes], target: IO[bytes]) -> str:
    """Copy all that is left of `source`; its hash."""
    digest = hashlib.sha256()
    while block := source.read(BLOCK):
        digest.update(block)
        target.write(block)
    return digest.hexdigest()
