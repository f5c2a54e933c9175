"""What a process shares with the others of its survey: the database, the files of media, the workers."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import files
from app.settings import BadSetting, Settings
from app.storage.shared import storage_of
from app.survey.database import Survey
from app.survey.tables.calls import Worker
from app.survey.tables.media import Media, MediaPlace
from modal_backend.weights.whole_file import first_content

ONLY = 1
BEATEN_SECONDS = 60.0


def folder_mark(settings: Settings) -> str:
    """Eight characters that tell this data folder from every other; kept in a file of it."""
    mark = first_content(files.folder_mark_path(settings.data_dir), uuid.uuid4().hex[:8].encode())
    return mark.decode().strip()


def require_same_media(survey: Survey, settings: Settings) -> None:
    """Refuse a process whose files of media lie elsewhere than those of the survey's other processes.

    The first process of a survey on PostgreSQL, or with a storage, says where they lie. Raises BadSetting.
    """
    with survey.read() as session:
        known = session.get(MediaPlace, ONLY)
        empty = session.scalar(sa.select(Media.id).limit(1)) is None
    if known is None and settings.media_url and not empty:
        raise BadSetting(
            f"PUGMARK_MEDIA_URL: the media of this survey are not in {settings.media_url} yet. Run `python -m app "
            "check` once with these settings where they are: it puts them there."
        )
    if known is None and (settings.media_url or survey.engine.dialect.name != "sqlite"):
        with survey.write() as session:
            settle(session, settings)
            known = session.get_one(MediaPlace, ONLY)
    if known is not None and known.place != _place(settings):
        raise BadSetting(_differs(known.place, settings))


def settle(session: Session, settings: Settings, *, moved: bool = False) -> None:
    """Write down that the survey's files of media lie where these settings say, unless another place is known.

    moved: they were put there from the place that was known.
    """
    known = session.get(MediaPlace, ONLY)
    if known is None:
        session.add(MediaPlace(id=ONLY, place=_place(settings)))
    elif moved:
        known.place = _place(settings)
    session.flush()


def describe(survey: Survey, settings: Settings) -> str:
    """What this process shares, and with how many workers: one sentence for the start."""
    url = survey.engine.url
    rows = f"PostgreSQL {url.host or 'local'}/{url.database}" if url.get_backend_name() == "postgresql" else "SQLite"
    with survey.read() as session:
        recent = sa.select(Worker.host).where(Worker.recovered_by.is_(None), Worker.heartbeat_at > 0)
        hosts = session.scalars(recent.order_by(Worker.host)).all()
    media = settings.media_url or "the data folder"
    others = f"{len(hosts)} on {', '.join(sorted(set(hosts)))}" if hosts else "none"
    return f"Survey: {rows}. Media: {media}. Workers that run already: {others}."


def waits_for(session: Session, now: float) -> str:
    """What a worker that lives waits for, as a sentence; else empty. now: seconds since 1970."""
    living = sa.and_(Worker.recovered_by.is_(None), Worker.heartbeat_at > now - BEATEN_SECONDS)
    return session.scalar(sa.select(Worker.waits_for).where(living, Worker.waits_for.is_not(None)).limit(1)) or ""


def trouble_of(survey: Survey) -> str | None:
    """What is wrong with the storage as this process last found it."""
    storage = storage_of(survey.data_dir)
    return (storage.line.trouble or None) if storage is not None else None


def _place(settings: Settings) -> str:
    return settings.media_url or f"folder {folder_mark(settings)}"


def _differs(place: str, settings: Settings) -> str:
    here = settings.media_url or f"the data folder {settings.data_dir}"
    if place.startswith("folder "):
        return (
            f"The other processes of this survey keep its media in a data folder, and this one in {here}. Give all of "
            "them the same PUGMARK_DATA_DIR in a folder that the machines share, or put the media into a storage: set "
            "PUGMARK_MEDIA_URL for all, and run `python -m app check` once where the media are."
        )
    return f"The media of this survey lie in {place}, and this process has {here}. Set PUGMARK_MEDIA_URL={place}."
