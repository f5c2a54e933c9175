"""Group media into events: each picture closer than the gap to the one before, within one deployment.

The gap is between consecutive pictures (not from the first to the last), as Wildlife Insights and Camtrap DP users
call it; media without a capture time belong to no event.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import pairwise

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.deployments import Event
from app.survey.tables.media import Media


def regroup(session: Session, deployment_ids: Collection[int | None], gap_seconds: int) -> None:
    """Assign the media of these deployments to events again, keeping the ids of events that remain."""
    for deployment_id in deployment_ids:
        _regroup_one(session, deployment_id, timedelta(seconds=gap_seconds))


def _regroup_one(session: Session, deployment_id: int | None, gap: timedelta) -> None:
    same = Media.deployment_id.is_(None) if deployment_id is None else Media.deployment_id == deployment_id
    rows = session.execute(
        sa.select(Media.id, Media.taken_at, Media.event_id)
        .where(same, Media.taken_at.is_not(None))
        .order_by(Media.taken_at, Media.id)
    ).all()
    old = {row.event_id for row in rows if row.event_id}
    kept: set[int] = set()
    moves = []
    for group in _split([(row.id, row.taken_at, row.event_id) for row in rows], gap):
        event = _event_for(session, deployment_id, group, kept)
        kept.add(event.id)
        moves += [{"id": media_id, "event_id": event.id} for media_id, _, event_id in group if event_id != event.id]
    if moves:
        session.execute(sa.update(Media), moves)
    if old - kept:
        session.execute(sa.delete(Event).where(Event.id.in_(old - kept)))


def _split(
    rows: list[tuple[int, datetime, int | None]], gap: timedelta
) -> list[list[tuple[int, datetime, int | None]]]:
    groups = [[rows[0]]] if rows else []
    for before, row in pairwise(rows):
        if row[1] - before[1] <= gap:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _event_for(
    session: Session, deployment_id: int | None, group: list[tuple[int, datetime, int | None]], kept: set[int]
) -> Event:
    start, end = group[0][1], group[-1][1]
    known = next((event_id for _, _, event_id in group if event_id and event_id not in kept), None)
    event = session.get(Event, known) if known else None
    if event is None:
        event = Event(deployment_id=deployment_id, started_at=start, ended_at=end)
        session.add(event)
    event.deployment_id, event.started_at, event.ended_at = deployment_id, start, end
    session.flush()
    return event
