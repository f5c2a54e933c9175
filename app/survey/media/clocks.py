"""The time that counts: what the camera's clock showed, corrected for the deployment or for a range of its media.

`Media.recorded_at` is never changed. `taken_at` is derived from it, or from the time that a person took from the
picture (`MediaTime`), by `retime`, so that every reader of the survey moves with a correction, and goes back with its
undo.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import EVENT_GAP, slices
from app.survey.media.events import regroup
from app.survey.media.places import settle_places
from app.survey.tables.decisions import Decision
from app.survey.tables.deployments import Deployment, DeploymentReview
from app.survey.tables.media import ListedFile, Media, Outcome
from app.survey.tables.stamps import MediaTime

FIRST_YEAR = 2001  # camera traps began to write files about then; see `remarks.FIRST_DAY`
CLOCK = re.compile(r"(?:(\d+) ?d(?:ays?)? +)?(\d+):([0-5]\d)(?::([0-5]\d))?")
UNITS = re.compile(
    r"(?:(\d+) ?d(?:ays?)?)? ?(?:(\d+) ?h(?:ours?)?)? ?(?:(\d+) ?m(?:in(?:utes?)?)?)? ?(?:(\d+) ?s(?:ec(?:onds?)?)?)?"
)
DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Timed:
    """One media with its two times, camera-local. path: of its file; kind: image or video; seconds: the correction."""

    media_id: int
    sha256: str
    kind: str
    path: str
    recorded_at: datetime | None
    taken_at: datetime | None
    event_id: int | None

    @property
    def seconds(self) -> int:
        """How much is added to the recorded time."""
        if self.recorded_at is None or self.taken_at is None:
            return 0
        return round((self.taken_at - self.recorded_at).total_seconds())


def in_camera_order(session: Session, deployment_id: int) -> list[Timed]:
    """The media of a deployment in the order in which the camera took them, whatever its clock showed.

    Within a folder that is the order of the file names, as cameras count; folders follow each other by their earliest
    believable time.
    """
    path = (
        sa.select(sa.func.min(ListedFile.path))
        .where(ListedFile.media_id == Media.id, ListedFile.outcome == Outcome.NEW)
        .correlate(Media)
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(
            Media.id, Media.sha256, Media.kind, path, Media.recorded_at, Media.taken_at, Media.event_id, MediaTime.at
        )
        .outerjoin(MediaTime, MediaTime.media_id == Media.id)
        .where(Media.deployment_id == deployment_id)
        .order_by(Media.id)
    )
    folders: dict[str, list[Timed]] = defaultdict(list)
    for row in rows:
        shown = datetime.fromisoformat(row[7]) if row[7] else row[4]
        folders[(row[3] or "").rpartition("/")[0]].append(
            Timed(row[0], row[1], row[2], row[3] or "", shown, row[5], row[6])
        )
    order = sorted(folders, key=lambda name: _begin(name, folders[name]))
    return [timed for name in order for timed in _by_name(folders[name])]


def part(found: list[Timed], first: int | None, last: int | None) -> list[Timed]:
    """The media from one to another (ids), both included; None: from the beginning, to the end.

    Raises:
        ValueError: one of the two is not there, or they are in the wrong order.
    """
    ids = [timed.media_id for timed in found]
    try:
        start = ids.index(first) if first is not None else 0
        end = ids.index(last) + 1 if last is not None else len(ids)
    except ValueError as error:
        raise ValueError("This picture is not in the deployment any more.") from error
    if end <= start:
        raise ValueError("The last picture comes before the first.")
    return found[start:end]


def correction(text: str) -> int:
    """The seconds of a correction as people write it: +1:07, -0:30:15, 2 d 3 h, 1 h 07 min, 90 s.

    Raises:
        ValueError: with a sentence.
    """
    wanted = text.strip().replace("\u2212", "-").lower()
    sign, rest = (-1, wanted[1:]) if wanted.startswith("-") else (1, wanted.removeprefix("+"))
    match = CLOCK.fullmatch(rest.strip()) or UNITS.fullmatch(rest.strip())
    if match is None or not any(match.groups()):
        raise ValueError(f"“{text}” is no length of time: write +1:07 (hours and minutes), -0:30:15 or 2 d 3 h.")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return sign * (((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def times_mark(found: Iterable[Timed]) -> str:
    """Names the times of these media; another mark means that somebody has changed them."""
    text = ";".join(f"{timed.media_id},{timed.taken_at}" for timed in found)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def settle_times(session: Session, decision: Decision) -> None:
    """What follows a decision about stations: times, events and places of the deployments it concerns.

    The decision remembers which events it made disappear, so that its undo brings them back.
    """
    concerned = _concerned(session, decision)
    if not concerned:
        return
    if decision.undone_at is not None:
        retime(session, concerned, {media_id: event_id for event_id, media_id in decision.view.get("events", [])})
    else:
        before = _first_media(session, concerned)
        retime(session, concerned)
        now = _events_of(session, list(before.values()))
        gone = [[event_id, media_id] for event_id, media_id in before.items() if now[media_id] != event_id]
        decision.view = {**decision.view, "events": gone}
    if any("deployment_id" in (change["after"] or {}) for change in decision.changes if change["table"] == "media"):
        settle_places(session, {number for number in concerned if number is not None})
    session.flush()


def retime(session: Session, deployment_ids: Collection[int | None], former: Mapping[int, int] | None = None) -> None:
    """Work out the times of these deployments' media and group them into events. former: see `regroup`."""
    for deployment_id in deployment_ids:
        review = session.get(DeploymentReview, deployment_id) if deployment_id else None
        usual = (review.clock_offset_seconds if review else None) or 0
        same = Media.deployment_id.is_(None) if deployment_id is None else Media.deployment_id == deployment_id
        rows = session.execute(
            sa.select(Media.id, Media.recorded_at, Media.clock_seconds, Media.taken_at, MediaTime.at)
            .outerjoin(MediaTime, MediaTime.media_id == Media.id)
            .where(same, sa.or_(Media.recorded_at.is_not(None), Media.taken_at.is_not(None), MediaTime.at.is_not(None)))
        )
        moves: list[dict[str, Any]] = []
        for media_id, recorded_at, own, taken_at, by_person in (tuple[Any, ...](row) for row in rows):
            shown = datetime.fromisoformat(by_person) if by_person else recorded_at
            at = shown and shown + timedelta(seconds=usual if own is None else own)
            if at != taken_at:
                moves.append({"id": media_id, "taken_at": at})
        if moves:
            session.execute(sa.update(Media), moves)
    regroup(session, deployment_ids, session.info[EVENT_GAP], former)


def _concerned(session: Session, decision: Decision) -> set[int | None]:
    """The deployments whose media a decision moved in time or place; those that are gone left out."""
    found: set[int | None] = set()
    for change in decision.changes:
        old, new = change["before"] or {}, change["after"] or {}
        if change["table"] == Media.__tablename__:
            found |= {row["deployment_id"] for row in (old, new) if "deployment_id" in row}
            for chunk in slices(new["id"]):
                found |= set(session.scalars(sa.select(Media.deployment_id).where(Media.id.in_(chunk)).distinct()))
        elif change["table"] == MediaTime.__tablename__:
            media_id = (new or old)["media_id"]
            found.add(session.scalar(sa.select(Media.deployment_id).where(Media.id == media_id)))
        elif old.get("clock_offset_seconds") != new.get("clock_offset_seconds"):
            found.add((new or old)["deployment_id"])
    there = set(session.scalars(sa.select(Deployment.id)))
    return {number for number in found if number is None or number in there}


def _first_media(session: Session, deployment_ids: Collection[int | None]) -> dict[int, int]:
    """The first media of each event of these deployments' media, and of the events that refer to them."""
    mine = [Media.deployment_id.in_([number for number in deployment_ids if number is not None])]
    if None in deployment_ids:
        mine.append(Media.deployment_id.is_(None))
    rows = session.execute(
        sa.select(Media.event_id, sa.func.min(Media.id))
        .where(Media.event_id.is_not(None), sa.or_(*mine))
        .group_by(Media.event_id)
    )
    return {row[0]: row[1] for row in rows if row[0] is not None}


def _events_of(session: Session, media_ids: list[int]) -> dict[int, int | None]:
    found: dict[int, int | None] = {}
    for chunk in slices(media_ids):
        rows = session.execute(sa.select(Media.id, Media.event_id).where(Media.id.in_(chunk)))
        found.update({row[0]: row[1] for row in rows})
    return found


def _by_name(found: list[Timed]) -> list[Timed]:
    return sorted(found, key=lambda timed: (natural(timed.path), timed.media_id))


def natural(text: str) -> list[tuple[int, str]]:
    """A key that sorts IMG_9 before IMG_10."""
    return [(int(part), "") if part.isdigit() else (0, part.lower()) for part in DIGITS.split(text)]


def _begin(name: str, found: list[Timed]) -> tuple[datetime, list[tuple[int, str]]]:
    times = [timed.recorded_at for timed in found if timed.recorded_at and timed.recorded_at.year >= FIRST_YEAR]
    return min(times, default=datetime.max), natural(name)
