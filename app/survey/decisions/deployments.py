"""Decisions about which deployments and stations there are, and which media belong to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.decisions.changes import Change
from app.survey.decisions.refusals import BadDecision
from app.survey.decisions.stations import FIELDS, found
from app.survey.individuals.naming import alike
from app.survey.media import browse
from app.survey.media.folders import composed
from app.survey.tables.decisions import Decision
from app.survey.tables.deployments import Deployment, DeploymentReview
from app.survey.tables.media import ImportBatch, Media

LONGEST_NAME = 1024
MOST_LISTED = 100


def create(session: Session, who: str, name: str, station: str | None = None) -> Decision:
    """A deployment without media. Raises BadDecision when the name is taken, or its station's is like another's."""
    change = Change(session, who)
    new = change.add(Deployment(name=free_name(session, name), station=clear_station(session, station or name)))
    return change.record("new deployment", view={"deployment": new.name, "what": f"at {new.station}"})


def rename_deployment(session: Session, who: str, deployment_id: int, name: str, seen: str | None = None) -> Decision:
    """Give a deployment another name; its station keeps its own.

    seen: the name that the person saw. Raises BadDecision when it is another by now, or the new one is taken.
    """
    row = found(session, deployment_id)
    if seen is not None and seen != row.name:
        raise BadDecision(f"{seen} was renamed to {row.name} since you looked. Look again.")
    old, change = row.name, Change(session, who)
    change.put(Deployment, {"id": deployment_id}, name=free_name(session, name, but=row.name))
    return change.record("rename deployment", view={"deployment": old, "what": f"to {row.name}"})


def rename_station(session: Session, who: str, station: str, name: str, *, join: bool = False) -> Decision:
    """Give a station another name.

    Args:
        join: the new name may be that of another station: their deployments belong to one station then.

    Raises:
        BadDecision: there is no such station any more, or the other one is there and `join` was not said.
    """
    mine = list(session.scalars(sa.select(Deployment.id).where(Deployment.station == station)))
    if not mine:
        raise BadDecision(f"There is no station {station} any more. Look again.")
    new = tidy(name)
    if new == station:
        raise BadDecision(f"It is called {station} already.")
    there = alike(new, (other for other in browse.stations(session) if other != station))
    if there and not join:
        raise BadDecision(f"There is a station {there} already. Join the two if they are one place.")
    new = there or new
    change = Change(session, who)
    for number in mine:
        change.put(Deployment, {"id": number}, station=new)
    view = {"deployment": station, "what": f"to {new}", "joined": bool(there)}
    return change.record("rename station", view=view)


def set_station(session: Session, who: str, deployment_id: int, station: str) -> Decision:
    """Say at which station a deployment's camera was: cameras of one place belong to one station.

    Raises BadDecision when it is there already, or the station's name is like that of another.
    """
    row, change = found(session, deployment_id), Change(session, who)
    old = row.station
    change.put(Deployment, {"id": deployment_id}, station=clear_station(session, station, but=old))
    if row.station == old:
        raise BadDecision(f"{row.name} is at {old} already.")
    return change.record("rename station", view={"deployment": row.name, "what": f"at {row.station}"})


def move_media(session: Session, who: str, media_ids: Collection[int], to: int | str | None) -> Decision:
    """Let media belong to a deployment (id, or the name of a new one), or to none. Their times stay as they are."""
    change = Change(session, who)
    if isinstance(to, str):
        row = change.add(Deployment(name=free_name(session, to), station=clear_station(session, to)))
    else:
        row = found(session, to) if to is not None else None
    name = row.name if row is not None else "no deployment"
    _move(change, media_ids, row.id if row is not None else None)
    if not change.rows:
        raise BadDecision(f"Choose media that do not belong to {name} yet.")
    ids = sorted(set(media_ids))
    view = {"deployment": name, "what": f"{len(ids):,} moved here", "media_ids": ids[:MOST_LISTED]}
    return change.record("move media", view=view)


def split(session: Session, who: str, deployment_id: int, day: date, name: str) -> Decision:
    """Let what was taken from a day on be a deployment of its own, at the same station.

    Place, clock and what else is known hold for both; stated days are divided at the day. Raises BadDecision when one
    of the two would have no media.
    """
    row, review = found(session, deployment_id), session.get(DeploymentReview, deployment_id)
    at = datetime.combine(day, time.min)
    mine = sa.select(Media.id).where(Media.deployment_id == deployment_id)
    later = list(session.scalars(mine.where(Media.taken_at >= at)))
    earlier = session.scalar(mine.where(Media.taken_at < at).limit(1))
    if not later or earlier is None:
        raise BadDecision(f"All media of {row.name} lie on one side of {day}. Choose a day between them.")
    change = Change(session, who)
    new = change.add(Deployment(name=free_name(session, name), station=row.station))
    if review is not None:
        known = {field: getattr(review, field) for field in FIELDS}
        first, second = _divided(known, day)
        change.sign(DeploymentReview, {"deployment_id": new.id}, **second)
        if first != known:
            change.sign(DeploymentReview, {"deployment_id": row.id}, **first)
    _move(change, later, new.id)
    view = {"deployment": row.name, "what": f"{new.name} from {day}", "media": len(later)}
    return change.record("split deployment", view=view)


def join(session: Session, who: str, keep_id: int, other_id: int) -> Decision:
    """Let all media of one deployment belong to another; the first is gone. Corrected times stay as they are."""
    keep, other = found(session, keep_id), found(session, other_id)
    if keep.id == other.id:
        raise BadDecision("Choose two deployments.")
    change = Change(session, who)
    reviews = [session.get(DeploymentReview, number) for number in (keep_id, other_id)]
    if all(review is not None and review.first_day and review.last_day for review in reviews):
        first = min(str(review.first_day) for review in reviews if review)
        last = max(str(review.last_day) for review in reviews if review)
        change.sign(DeploymentReview, {"deployment_id": keep_id}, first_day=first, last_day=last)
    view = {"deployment": keep.name, "what": f"with {other.name}"}
    _remove(change, other, keep_id)
    return change.record("join deployments", view=view)


def delete(session: Session, who: str, deployment_id: int) -> Decision:
    """Take a deployment out; its media belong to none and ask to be sorted."""
    row, change = found(session, deployment_id), Change(session, who)
    view = {"deployment": row.name, "what": f"{_remove(change, row, None):,} media wait to be sorted"}
    return change.record("delete deployment", view=view)


def tidy(name: str) -> str:
    """A name as it is kept. Raises BadDecision for an empty one."""
    kept = composed(" ".join(name.split()))[:LONGEST_NAME]
    if not kept:
        raise BadDecision("A name needs at least one letter.")
    return kept


def free_name(session: Session, name: str, but: str | None = None) -> str:
    """A name that no deployment bears, `but` apart.

    Raises BadDecision, also when a name differs from it only by case, spaces or hyphens.
    """
    kept = tidy(name)
    others = (other for other in session.scalars(sa.select(Deployment.name)) if other != but)
    if there := alike(kept, others):
        raise BadDecision(f"There is a deployment {there} already.")
    return kept


def clear_station(session: Session, name: str, but: str | None = None) -> str:
    """The name of a station that is there, or of a new one that nobody takes for another, `but` apart.

    Raises BadDecision when it differs from a station's name only by case, spaces or hyphens.
    """
    kept = tidy(name)
    there = alike(kept, (other for other in browse.stations(session) if kept == other or other != but))
    if there not in (kept, None):
        raise BadDecision(f"There is a station {there} already. Choose it, or take a name that differs more.")
    return kept


def _move(change: Change, media_ids: Collection[int], deployment_id: int | None) -> None:
    """Move media; those whose clock was corrected with their deployment keep this correction as their own."""
    session = change.session
    rows = session.execute(
        sa.select(DeploymentReview.deployment_id, sa.func.coalesce(DeploymentReview.clock_offset_seconds, 0))
    )
    usual: dict[int | None, int] = {row[0]: row[1] for row in rows}
    keep: dict[int | None, list[int]] = defaultdict(list)
    for chunk in slices(sorted(set(media_ids))):
        media = sa.select(Media.id, Media.deployment_id, Media.clock_seconds).where(Media.id.in_(chunk))
        for number, old, own in session.execute(media):
            seconds = usual.get(old, 0) if own is None else own
            keep[None if seconds == usual.get(deployment_id, 0) else seconds].append(number)
    for correction, ids in keep.items():
        change.put_many(Media, ids, deployment_id=deployment_id, clock_seconds=correction)


def _remove(change: Change, row: Deployment, heir_id: int | None) -> int:
    """Move the media of a deployment and take it out; returns how many media it had."""
    session = change.session
    media = list(session.scalars(sa.select(Media.id).where(Media.deployment_id == row.id)))
    _move(change, media, heir_id)
    batches = list(session.scalars(sa.select(ImportBatch.id).where(ImportBatch.deployment_id == row.id)))
    change.put_many(ImportBatch, batches, deployment_id=heir_id)
    change.drop(DeploymentReview, {"deployment_id": row.id})
    change.drop(Deployment, {"id": row.id})
    return len(media)


def _divided(known: dict[str, object], day: date) -> tuple[dict[str, object], dict[str, object]]:
    """What is known of a deployment for its days before a day and for those from it on."""
    before, since = (day - timedelta(days=1)).isoformat(), day.isoformat()
    first, second = dict(known), dict(known)
    for start, end in (("first_day", "last_day"), ("broken_from", "broken_to")):
        begins, ends = known[start], known[end]
        if begins is None or ends is None:
            continue
        first[start], first[end] = (begins, min(str(ends), before)) if str(begins) <= before else (None, None)
        second[start], second[end] = (max(str(begins), since), ends) if str(ends) >= since else (None, None)
    return first, second
