"""Notes as the screens show them and a run takes them: of files, about individuals, and summaries of videos."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.detections.boxes import NOT_REJECTED
from app.survey.notes.notes import DELETED
from app.survey.tables.deployments import Deployment
from app.survey.tables.detections import Detection, DetectionReview
from app.survey.tables.individuals import Individual, Sighting
from app.survey.tables.media import ListedFile, Media
from app.survey.tables.notes import Note
from app.survey.tables.videos import Video, VideoRunRow
from app.survey.videos.runs import facts_of
from modal_backend.notes.categories import plain_name

MOST_LINKS = 12
# Videos and individuals share one space of numbers with notes: individuals below 0, videos above any note.
VIDEOS_FROM = 2**40
AND = " and "


@dataclass(frozen=True, slots=True)
class NoteView:
    """A note as the screens show it.

    Attributes:
        media_id: of the video whose computed summary it is, None where a person wrote.
        day: of its date, as 2024-03-12, empty where that is not known.
    """

    id: int
    text: str
    category: str
    date: str
    station: str
    individual: str
    media_id: int | None = None
    day: str = ""


@dataclass(frozen=True, slots=True)
class Links:
    """Where notes lead: deployments with their number of media, and individuals. Pairs of id and name."""

    deployments: list[tuple[int, str, int]]
    individuals: list[tuple[int, str]]
    unknown_stations: list[str]
    videos: list[tuple[int, str]]


def individual_rows(session: Session) -> list[dict[str, Any]]:
    """What was written about individuals, as notes; `row` is the negative id of the individual."""
    query = sa.select(Individual).where(Individual.notes.is_not(None), Individual.merged_into_id.is_(None))
    return [
        {"row": -animal.id, "text": animal.notes, "category": animal.species or "", "date": "", "station": "",
         "individual": animal.name}
        for animal in session.scalars(query.order_by(Individual.id))
    ]  # fmt: skip


def video_rows(session: Session, media_ids: Collection[int] | None = None) -> list[dict[str, Any]]:
    """The computed summaries of videos as notes, one a video; `row` is VIDEOS_FROM and the media's id.

    category: the species that people gave to its boxes or its individuals; station, date: of the video.

    Args:
        media_ids: of these videos only.
    """
    query = (
        sa.select(Video.media_id, VideoRunRow, Media.taken_at, Deployment.station)
        .join(VideoRunRow, VideoRunRow.id == Video.run_id)
        .join(Media, Media.id == Video.media_id)
        .outerjoin(Deployment, Deployment.id == Media.deployment_id)
        .where(sa.true() if media_ids is None else Video.media_id.in_(media_ids))
        .order_by(Video.media_id)
    )
    videos = [row for row in session.execute(query) if facts_of(row.VideoRunRow).sentences]
    species, names = _who(session, [row.media_id for row in videos])
    return [
        {
            "row": VIDEOS_FROM + row.media_id,
            "text": " ".join(str(sentence[0]) for sentence in facts_of(row.VideoRunRow).sentences),
            "category": AND.join(sorted(species.get(row.media_id, ()))),
            "date": row.taken_at.date().isoformat() if row.taken_at else "",
            "station": row.station or "",
            "individual": AND.join(sorted(names.get(row.media_id, ()))),
        }
        for row in videos
    ]


def video_count(session: Session) -> int:
    """How many videos have a computed summary."""
    return session.scalar(sa.select(sa.func.count(Video.media_id)).where(Video.run_id.is_not(None))) or 0


def _who(session: Session, media_ids: Sequence[int]) -> tuple[dict[int, set[str]], dict[int, set[str]]]:
    """Species and names of individuals in these videos, as people said."""
    species: dict[int, set[str]] = {}
    names: dict[int, set[str]] = {}
    for some in slices(media_ids):
        rows = session.execute(
            sa.select(Detection.media_id, DetectionReview.species, Individual.species, Individual.name)
            .outerjoin(DetectionReview, DetectionReview.detection_id == Detection.id)
            .outerjoin(Sighting, Sighting.detection_id == Detection.id)
            .outerjoin(Individual, Individual.id == Sighting.individual_id)
            .where(
                Detection.media_id.in_(some),
                NOT_REJECTED,
                sa.or_(DetectionReview.species.is_not(None), Individual.id.is_not(None)),
            )
            .distinct()
        )
        for media_id, label, of_individual, name in rows:
            if kind := label or of_individual:
                species.setdefault(media_id, set()).add(kind)
            if name:
                names.setdefault(media_id, set()).add(name)
    return species, names


def notes_by_id(session: Session, ids: Collection[int]) -> dict[int, NoteView]:
    """Notes by the `row` of note_rows, individual_rows and video_rows; those of deleted files are not in it."""
    own = [number for number in ids if 0 < number < VIDEOS_FROM]
    found = {
        note.id: note_view(note)
        for note in session.scalars(sa.select(Note).where(Note.id.in_(own), Note.file_id.not_in(DELETED)))
    }
    about = sa.select(Individual).where(Individual.id.in_([-number for number in ids if number < 0]))
    for animal in session.scalars(about):
        found[-animal.id] = NoteView(-animal.id, animal.notes or "", animal.species or "", "", "", animal.name)
    videos = [number - VIDEOS_FROM for number in ids if number >= VIDEOS_FROM]
    for row in video_rows(session, videos) if videos else ():
        number = row.pop("row")
        found[number] = NoteView(number, **row, media_id=number - VIDEOS_FROM)
    return found


def note_view(note: Note) -> NoteView:
    """A note of a file as the screens show it."""
    return NoteView(note.id, note.text, note.category, note.date, note.station, note.individual, day=note.day)


def links(session: Session, notes: Collection[NoteView]) -> Links:
    """The deployments and individuals these notes name, however written, and the videos they are of."""
    stations = {plain_name(note.station): note.station.strip() for note in notes if note.station.strip()}
    named = {plain_name(name) for note in notes for name in (note.individual, *note.individual.split(AND))} - {""}
    rows = session.execute(sa.select(Deployment.id, Deployment.name, Deployment.station).order_by(Deployment.name))
    placed = [row for row in rows if {plain_name(row.name), plain_name(row.station)} & stations.keys()]
    known = {plain_name(name) for row in placed for name in (row.name, row.station)}
    shown = [row.id for row in placed[:MOST_LINKS]]
    counted = sa.select(Media.deployment_id, sa.func.count(Media.id)).where(Media.deployment_id.in_(shown))
    media = {row[0]: row[1] for row in session.execute(counted.group_by(Media.deployment_id))}
    animals = session.execute(
        sa.select(Individual.id, Individual.name).where(Individual.merged_into_id.is_(None)).order_by(Individual.name)
    )
    return Links(
        [(row.id, row.name, media.get(row.id, 0)) for row in placed[:MOST_LINKS]],
        [(row.id, row.name) for row in animals if plain_name(row.name) in named][:MOST_LINKS] if named else [],
        sorted(name for key, name in stations.items() if key not in known)[:MOST_LINKS],
        _videos(session, [note.media_id for note in notes if note.media_id][:MOST_LINKS]),
    )


def _videos(session: Session, media_ids: Sequence[int]) -> list[tuple[int, str]]:
    path = sa.select(ListedFile.media_id, sa.func.min(ListedFile.path)).where(ListedFile.media_id.in_(media_ids))
    found = {row[0]: row[1].rpartition("/")[2] for row in session.execute(path.group_by(ListedFile.media_id))}
    return [(media_id, found.get(media_id, f"Video {media_id}")) for media_id in media_ids]
