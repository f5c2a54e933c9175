"""A check of every row and file: what can be made again is, and what cannot is listed with what to do."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from PIL import Image
from sqlalchemy.orm import Session

from app import files
from app.ingest.formats import Format
from app.ingest.limits import Limits
from app.ingest.picture import decode, thumbnail
from app.ingest.refusals import Refused
from app.ingest.store import MediaStore
from app.ingest.video import read_video
from app.safekeeping.backup import Report
from app.storage import shared
from app.storage.errors import StorageDamaged, StorageMissing
from app.survey.database import DAMAGED, Survey, slices
from app.survey.tables.media import ImportBatch, ListedFile, Media
from app.survey.videos import runs
from modal_backend.weights.whole_file import whole_file

THUMB_SIDE = 256


@dataclass(slots=True)
class Checked:
    """What a check found; each line names a file or row, and what to do.

    Attributes:
        mended: what was missing or damaged and is whole again.
        left: what cannot be made again from what is there.
        shared: files that lay here and were put into the storage.
        unlisted: originals without a row, in bytes each; an import that runs has such for a moment.
    """

    media: int = 0
    mended: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    shared: int = 0
    unlisted: dict[str, int] = field(default_factory=dict)


def check(survey: Survey, report: Report) -> Checked:
    """Read every file once and compare it with its row. What lies here and not in a storage is put there.

    Args:
        report: called with media done and all.

    Raises:
        StorageError: the storage is away or refuses.
    """
    checked, store = Checked(), MediaStore(survey.data_dir)
    checked.left += _database(survey)
    known: set[str] = set()
    with survey.read() as session:
        ids = list(session.scalars(sa.select(Media.id).order_by(Media.id)))
    for some in slices(ids):
        with survey.read() as session:
            for media in session.scalars(sa.select(Media).where(Media.id.in_(some)).order_by(Media.id)):
                known.add(media.sha256)
                _media(session, store, media, checked)
                checked.media += 1
                report(checked.media, len(ids))
    _share_copies(survey.data_dir, checked)
    for path in sorted((survey.data_dir / "originals").glob("*/*")):
        if path.stem not in known and path.suffix != ".part":
            checked.unlisted[path.name] = path.stat().st_size
    return checked


def _database(survey: Survey) -> Iterator[str]:
    """What SQLite finds wrong; PostgreSQL checks its keys itself."""
    if survey.engine.dialect.name != "sqlite":
        return
    with survey.engine.connect() as connection:
        answers = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check(20)")]
        if answers != ["ok"]:
            yield f"{DAMAGED} ({answers[0]})"
        for table, row, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(20):
            yield f"Row {row} of {table} belongs to a row of {parent} that is gone. Restore the newest backup."


def _media(session: Session, store: MediaStore, media: Media, checked: Checked) -> None:
    kind: Format = media.format  # type: ignore[assignment]
    original = store.place_of(media.sha256, kind)
    storage = shared.storage_of(store.root)
    if storage is None:
        _files(session, store, original, media, checked)
        return
    was_here = original.exists()
    _fetch(storage, original, media.sha256, checked)
    if _files(session, store, original, media, checked) and not storage.has(original):
        storage.share(original)
        checked.shared += 1
    if not was_here and original.exists() and storage.has(original):
        original.unlink()  # a check leaves no copy of everything


def _fetch(storage: shared.Storage, original: Path, sha256: str, checked: Checked) -> None:
    found = _hash(original)
    if found == sha256 or storage.size_of(original) <= 0:
        return
    original.unlink(missing_ok=True)
    with suppress(StorageMissing, StorageDamaged):
        storage.here(original)
        checked.mended += [f"The original {original.name} was damaged here; fetched again."] * (found is not None)


def _share_copies(data_dir: Path, checked: Checked) -> None:
    """Put what else lies here alone into the storage: thumbnails, views, frames and crops."""
    storage = shared.storage_of(data_dir)
    if storage is None:
        return
    for _, _, path in storage.copies():
        if path.is_relative_to(data_dir / "originals") or path.suffix == ".part" or storage.has(path):
            continue
        storage.share(path)
        checked.shared += 1


def _files(session: Session, store: MediaStore, original: Path, media: Media, checked: Checked) -> bool:
    """Look at the files of a media; False when its original is lost."""
    found = _hash(original)
    if found != media.sha256:
        wrong = "is missing" if found is None else "is damaged"
        source = _source(session, media)
        if source is None:
            checked.left.append(
                f"The original {original.name} {wrong} ({_where(session, media)}). Put it there again, or import a "
                "copy of the file from another folder."
            )
            return False
        with whole_file(original) as part:
            part.write_bytes(source.read_bytes())
        checked.mended.append(f"The original {original.name} {wrong}; copied again from {source}.")
    thumb = store.thumb_path(media.sha256)
    with suppress(StorageMissing, StorageDamaged):
        shared.here(store.root, thumb)
    if not _is_thumb(thumb):
        _draw(store, original, media, checked)
    if media.kind == "video":
        looked = runs.facts_of(runs.counting_run(session, media.id)).looked
        frames = (files.frame_path(store.root, media.sha256, index) for index, _ in looked)
        lost = [frame for frame in frames if not shared.is_here(store.root, frame)]
        if lost:
            checked.left.append(
                f"{len(lost)} frames of the video {_where(session, media)} are gone. Press Summarise again on Videos."
            )
    return True


def _draw(store: MediaStore, original: Path, media: Media, checked: Checked) -> None:
    """Make a thumbnail from the original."""
    name = store.thumb_path(media.sha256).name
    try:
        if media.kind == "video":
            picture = read_video(original, pixels=Limits().pixels).picture
        else:
            picture = decode(original, at_least=THUMB_SIDE)
        store.replace_thumb(media.sha256, thumbnail(picture))
    except Refused as refused:
        checked.left.append(f"The thumbnail {name} cannot be made again: {refused}")
    else:
        checked.mended.append(f"The thumbnail {name} was missing or damaged; made again.")


def _hash(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _is_thumb(path: Path) -> bool:
    try:
        with Image.open(path, formats=["JPEG"]) as image:
            image.load()
    except (OSError, SyntaxError, ValueError):
        return False
    return True


def _listed(session: Session, media: Media) -> list[tuple[str, str, str]]:
    """Kind and root of the imports that a media came with, and its path there."""
    wanted = sa.select(ImportBatch.kind, ImportBatch.root, ListedFile.path).join(ListedFile.batch)
    return [(kind, root, path) for kind, root, path in session.execute(wanted.where(ListedFile.media_id == media.id))]


def _source(session: Session, media: Media) -> Path | None:
    """The file that a media was imported from, where it still lies there as it was."""
    for kind, root, path in _listed(session, media):
        place = Path(root) / path
        if kind == "folder" and _hash(place) == media.sha256:
            return place
    return None


def _where(session: Session, media: Media) -> str:
    return next((path for _, _, path in _listed(session, media)), media.sha256)
