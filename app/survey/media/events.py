"""Group media into events: each picture closer than the gap to the one before, within one deployment.

The gap is between consecutive pictures (not from the first to the last), as Wildlife Insights and Camtrap DP users
call it; media without a capture time belong to no event.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from itertools import pairwise

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.tables.deployments import Event
from app.survey.tables.media import Media

Row = tuple[int, datetime, int | None]


def regroup(
    session: Session,
    deployment_ids: Collection[int | None],
    gap_seconds: int,
    former: Mapping[int, int] | None = None,
) -> None:
    """Assign the media of these deployments to events again, keeping the ids of events that remain.

    Args:
        former: events that are to come back if they can: event by one of its media.
    """
    gap, old = timedelta(seconds=gap_seconds), set[int]()
    ids = _Ids(session, set(deployment_ids), former or {})
    for deployment_id in sorted(ids.deployments, key=lambda number: number or 0):
        old |= _regroup_one(session, deployment_id, gap, ids)
    for chunk in slices(sorted(old - ids.used)):
        session.execute(sa.delete(Event).where(Event.id.in_(chunk)))


def free_events(session: Session, deployment_id: int) -> None:
    """Let no event refer to a deployment that is to go; its media are grouped again where they are now."""
    session.execute(sa.update(Event).where(Event.deployment_id == deployment_id).values(deployment_id=None))


class _Ids:
    """Which event a group of media continues: the one that is to come back, or the first that its media had."""

    def __init__(self, session: Session, deployments: set[int | None], former: Mapping[int, int]) -> None:
        self.session, self.deployments, self.former = session, deployments, former
        self.reserved = set(former.values())
        self.used: set[int] = set()
        self.there: dict[int, Event] = {}

    def look_up(self, numbers: Collection[int]) -> None:
        """Fetch the events that may go on, a few hundred at a time."""
        for chunk in slices(sorted({*numbers, *self.reserved} - self.there.keys())):
            self.there |= {
                event.id: event for event in self.session.scalars(sa.select(Event).where(Event.id.in_(chunk)))
            }

    def event(self, group: list[Row]) -> Event:
        """The event of a group; made when it continues none."""
        back = [self.former[media_id] for media_id, _, _ in group if media_id in self.former]
        had = [event_id for _, _, event_id in group if event_id and event_id not in self.reserved]
        for number in dict.fromkeys((*back, *had)):
            event = self.there.get(number)
            if number not in self.used and (event is None or event.deployment_id in {None, *self.deployments}):
                self.used.add(number)
                return event or self._made(Event(id=number))
        return self._made(Event())

    def _made(self, event: Event) -> Event:
        self.session.add(event)
        return event


def _regroup_one(session: Session, deployment_id: int | None, gap: timedelta, ids: _Ids) -> set[int]:
    """Group one deployment; returns the events that its media had."""
    same = Media.deployment_id.is_(None) if deployment_id is None else Media.deployment_id == deployment_id
    rows = session.execute(
        sa.select(Media.id, Media.taken_at, Media.event_id).where(same).order_by(Media.taken_at, Media.id)
    ).all()
    old = {row.event_id for row in rows if row.event_id}
    ids.look_up(old)
    grouped = []
    for group in _split([(row.id, row.taken_at, row.event_id) for row in rows if row.taken_at], gap):
        event = ids.event(group)
        event.deployment_id, event.started_at, event.ended_at = deployment_id, group[0][1], group[-1][1]
        grouped.append((event, group))
    session.flush()
    ids.used |= {event.id for event, _ in grouped}
    moves = [{"id": row.id, "event_id": None} for row in rows if row.taken_at is None and row.event_id]
    for event, group in grouped:
        moves += [{"id": media_id, "event_id": event.id} for media_id, _, event_id in group if event_id != event.id]
    if moves:
        session.execute(sa.update(Media), moves)
    return old


def _split(rows: list[Row], gap: timedelta) -> list[list[Row]]:
    groups = [[rows[0]]] if rows else []
    for before, row in pairwise(rows):
        if row[1] - before[1] <= gap:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups
