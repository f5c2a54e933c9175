"""Take over what the bars of a deployment's pictures say."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.decisions.changes import Change
from app.survey.decisions.refusals import BadDecision
from app.survey.decisions.stations import found, put_times
from app.survey.media.stamps import ORDERS, proposal, readings
from app.survey.tables.decisions import Decision
from app.survey.tables.deployments import Deployment
from app.survey.tables.media import Media


def take_times(
    session: Session,
    who: str,
    deployment_id: int,
    *,
    order: str | None = None,
    seen: int | None = None,
) -> Decision:
    """Give the media of a deployment that have no time the one on their bar.

    Args:
        order: of day and month (mdy, dmy or ymd), where the bars leave it open and the person knows it.
        seen: how many times the person saw proposed.

    Raises:
        BadDecision: there is no such deployment or order, there is nothing to take, or other times are proposed by now.
    """
    deployment = found(session, deployment_id)
    if order is not None and order not in ORDERS:
        raise BadDecision(f"The order of a date is one of {', '.join(ORDERS)}.")
    times = proposal(deployment, readings(session, [deployment_id]), order).times
    if seen is not None and seen != len(times):
        raise BadDecision(f"The bars of {deployment.name} propose {len(times)} times by now. Look again.")
    if not times:
        raise BadDecision(f"The bars of {deployment.name} propose no time that is missing.")
    return _keep(session, who, deployment, times, order)


def write_times(session: Session, who: str, deployment_id: int, times: dict[int, datetime]) -> Decision:
    """Give media of a deployment that have no time the one that a person read on their bars.

    Args:
        times: camera-local, by media.

    Raises:
        BadDecision: there is no such deployment, nothing was written, or a media has a time or is elsewhere.
    """
    deployment = found(session, deployment_id)
    if not times:
        raise BadDecision("Write the time of one picture at least.")
    known = session.scalars(sa.select(Media).where(Media.id.in_(times), Media.deployment_id == deployment_id))
    if {media.id for media in known if media.recorded_at is None and media.taken_at is None} != set(times):
        raise BadDecision("One of these media has a time by now, or belongs to another deployment. Look again.")
    return _keep(session, who, deployment, times, None)


def _keep(
    session: Session, who: str, deployment: Deployment, times: dict[int, datetime], order: str | None
) -> Decision:
    change = Change(session, who)
    put_times(change, times)
    what = f"{len(times):,} {'time' if len(times) == 1 else 'times'}"
    return change.record("stamp times", view={"deployment": deployment.name, "what": what, "order": order or ""})
