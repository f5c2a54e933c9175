"""Notes and media near each other: of one station within a day, or about one individual."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.notes.notes import DELETED
from app.survey.notes.views import AND, MOST_LINKS, NoteView, note_view
from app.survey.tables.deployments import Deployment
from app.survey.tables.media import Media
from app.survey.tables.notes import Note
from modal_backend.notes.categories import plain_name

A_DAY = timedelta(days=1)
MOST_NOTES = 200


@dataclass(frozen=True, slots=True)
class MediaNear:
    """The media of a station from the day before a note to the day after it. station: as the survey calls it."""

    station: str
    first: date
    last: date
    media: int


def notes_near(session: Session, seen: Collection[tuple[str, date]], individual: str | None = None) -> list[NoteView]:
    """The notes of these stations within a day of these days, and those that name the individual; the oldest first.

    Args:
        seen: names of stations or deployments, each with a day.
    """
    names = _other_names(session, {name for name, _ in seen})
    wanted = {
        (plain_name(other), (day + A_DAY * step).isoformat())
        for name, day in seen
        for other in names[name]
        for step in (-1, 0, 1)
    }
    found: dict[int, Note] = {}
    for days in slices(sorted({day for _, day in wanted})):
        query = sa.select(Note).where(Note.day.in_(days), Note.station != "", Note.file_id.not_in(DELETED))
        found |= {note.id: note for note in session.scalars(query) if (plain_name(note.station), note.day) in wanted}
    if individual:
        for spellings in slices(_spellings(session, individual)):
            query = sa.select(Note).where(Note.individual.in_(spellings), Note.file_id.not_in(DELETED))
            found |= {note.id: note for note in session.scalars(query)}
    ordered = sorted(found.values(), key=lambda note: (note.day or "9", note.id))
    return [note_view(note) for note in ordered[:MOST_NOTES]]


def media_near(session: Session, notes: Collection[NoteView]) -> list[MediaNear]:
    """The media within a day of these notes, by station and day; a note without a day or station leads nowhere."""
    pairs = sorted({(plain_name(note.station), note.day) for note in notes if note.station and note.day})
    named: dict[str, dict[int, str]] = {}
    for row in session.execute(sa.select(Deployment.id, Deployment.name, Deployment.station)):
        for name in {plain_name(row.name), plain_name(row.station)}:
            named.setdefault(name, {})[row.id] = row.station
    found: list[MediaNear] = []
    for name, text in pairs:
        if len(found) == MOST_LINKS:
            break
        day = date.fromisoformat(text)
        first, last = day - A_DAY, day + A_DAY
        query = sa.select(sa.func.count(Media.id)).where(
            Media.deployment_id.in_(list(named.get(name, {}))),
            Media.taken_at >= datetime.combine(first, time.min),
            Media.taken_at < datetime.combine(last + A_DAY, time.min),
        )
        if count := session.scalar(query) if name in named else 0:
            found.append(MediaNear(next(iter(named[name].values())), first, last, count))
    return found


def _other_names(session: Session, names: Collection[str]) -> dict[str, set[str]]:
    """What a note may call each of these: a deployment also by its station, a station also by its deployments."""
    found = {name: {name} for name in names}
    for row in session.execute(sa.select(Deployment.name, Deployment.station)):
        for name in {row.name, row.station} & found.keys():
            found[name] |= {row.name, row.station}
    return found


def _spellings(session: Session, individual: str) -> list[str]:
    """How notes write the name of an individual, alone or beside others."""
    names = session.scalars(sa.select(Note.individual).where(Note.individual != "").distinct())
    wanted = plain_name(individual)
    return [name for name in names if wanted in {plain_name(part) for part in (name, *name.split(AND))}]
