"""Say when and where a deployment's camera worked, and how wrong its clock was."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.decisions.changes import Change
from app.survey.decisions.refusals import BadDecision
from app.survey.media.clocks import in_camera_order, part, times_mark
from app.survey.media.file_times import file_times
from app.survey.media.stations import check_review, review_values
from app.survey.tables.decisions import Decision
from app.survey.tables.deployments import Deployment, DeploymentReview
from app.survey.tables.media import Media
from app.survey.tables.stamps import MediaTime

MOST_SECONDS = 200 * 366 * 86400
FIELDS = (
    "latitude", "longitude", "first_day", "last_day", "broken_from", "broken_to", "clock_offset_seconds",
    "time_zone", "camera", "bait", "notes",
)  # fmt: skip


def found(session: Session, deployment_id: int) -> Deployment:
    """The deployment with this id. Raises BadDecision."""
    row = session.get(Deployment, deployment_id)
    if row is None:
        raise BadDecision("This deployment is not there any more. Look again.")
    return row


def set_deployment(session: Session, who: str, deployment_id: int, **values: Any) -> Decision:
    """Write down what a person knows of a deployment (see `review_values`); fields not given stay as they are.

    Raises BadDecision when a value cannot be, or contradicts another.
    """
    kept = checked(session, deployment_id, values)
    name, change = session.get_one(Deployment, deployment_id).name, Change(session, who)
    change.sign(DeploymentReview, {"deployment_id": deployment_id}, **kept)
    return change.record("deployment", view={"deployment": name, **kept})


def checked(session: Session, deployment_id: int, values: Mapping[str, Any]) -> dict[str, Any]:
    """What a person says of a deployment, as it is kept.

    Raises BadDecision when a value cannot be, or contradicts another.
    """
    deployment = found(session, deployment_id)
    row = session.get(DeploymentReview, deployment_id)
    from_files = {"latitude": deployment.latitude, "longitude": deployment.longitude}
    known = {name: getattr(row, name) for name in FIELDS if getattr(row, name) is not None} if row else {}
    try:
        kept = review_values(dict(values))
        stated = {name: value for name, value in kept.items() if value is not None}
        taken_back = {name: None for name in kept if kept[name] is None and name not in from_files}
        check_review({**from_files, **known, **taken_back, **stated})
    except ValueError as error:
        raise BadDecision(f"{deployment.name}: {error}") from error
    return kept


def correct_clock(
    session: Session,
    who: str,
    deployment_id: int,
    seconds: int,
    *,
    first: int | None = None,
    last: int | None = None,
    seen: str | None = None,
) -> Decision:
    """Say how wrong a camera's clock was, for a deployment or from one of its media to another.

    Args:
        seconds: what is to be added to the times as the camera recorded them; it replaces an earlier correction.
        first, last: ids of the first and the last media, in the camera's order; None: the beginning, the end.
        seen: the mark of the times that the person saw before (see `times_mark`).

    Raises:
        BadDecision: there are no such media, nothing would change, or the times are others than the person saw.
    """
    deployment = found(session, deployment_id)
    if abs(seconds) > MOST_SECONDS:
        raise BadDecision("A clock can be wrong by 200 years at most.")
    media = in_camera_order(session, deployment_id)
    try:
        chosen = part(media, first, last)
    except ValueError as error:
        raise BadDecision(f"{deployment.name}: {error}") from error
    if seen is not None and seen != times_mark(chosen):
        raise BadDecision(f"The times of {deployment.name} changed since you looked{_by_whom(session)}. Look again.")
    change = Change(session, who)
    ids = [timed.media_id for timed in chosen if timed.recorded_at is not None]
    if len(chosen) == len(media):
        review = session.get(DeploymentReview, deployment_id)
        if ((review.clock_offset_seconds if review else None) or 0) != seconds:
            change.sign(DeploymentReview, {"deployment_id": deployment_id}, clock_offset_seconds=seconds or None)
        change.put_many(Media, ids, clock_seconds=None)
    else:
        change.put_many(Media, ids, clock_seconds=seconds)
    if not change.rows:
        raise BadDecision(f"The times of {deployment.name} stand so already.")
    view = {"deployment": deployment.name, "what": correction_text(seconds), "seconds": seconds, "media": len(ids)}
    return change.record("clock", view=view)


def take_file_times(session: Session, who: str, deployment_id: int, seen: int | None = None) -> Decision:
    """Let media without a time count as taken when their files were last written (see `file_times`).

    seen: how many times the person saw offered. Raises BadDecision when there are others or none.
    """
    deployment = found(session, deployment_id)
    times = file_times(session, deployment_id)
    if not times or (seen is not None and seen != len(times)):
        raise BadDecision(f"The files of {deployment.name} offer {len(times):,} times by now. Look again.")
    change = Change(session, who)
    put_times(change, times)
    return change.record("file times", view={"deployment": deployment.name, "what": f"{len(times):,} times"})


def put_times(change: Change, times: Mapping[int, datetime]) -> None:
    """Let media count as taken at these camera-local times, as part of a decision."""
    signature = change.signature
    rows = {media_id: {"at": at.isoformat(timespec="seconds"), **signature} for media_id, at in times.items()}
    change.put_all(MediaTime, rows)


def correction_text(seconds: int) -> str:
    """A correction as people write it: +1 h 07 min, -3 d 2 h 00 min, or no correction."""
    if not seconds:
        return "no correction"
    days, rest = divmod(abs(seconds), 86400)
    hours, minutes, left = rest // 3600, rest % 3600 // 60, rest % 60
    parts = [f"{days:,} d"] * bool(days) + [f"{hours} h {minutes:02} min"] + [f"{left} s"] * bool(left)
    return ("+" if seconds > 0 else "-") + " ".join(parts)


def _by_whom(session: Session) -> str:
    newest = session.scalar(sa.select(Decision).where(Decision.kind == "clock").order_by(Decision.id.desc()).limit(1))
    return f" (by {newest.who} at {datetime.fromtimestamp(newest.decided_at):%H:%M})" if newest else ""
