"""Effort: on which days each station worked, as people said or, without their word, as its media show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from app.survey.media.clock_flags import factory_dated
from app.survey.media.stations import DeploymentView
from app.survey.tables.media import Media

WORKED, BROKEN, NOT_SET_UP = 1, 0, -1
LONGEST_DAYS = 366 * 20
ABOUT = timedelta(days=31)


class NoEffort(Exception):
    """Nothing says when any camera worked; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Effort:
    """On which days each station worked.

    Attributes:
        days: stations x days, int8: 1 worked, 0 set up but broken, -1 not set up; days count from `start`.
        from_media: deployments whose first and last day are those of their media because nobody said more.
    """

    stations: tuple[str, ...]
    start: date
    days: NDArray[np.int8]
    from_media: tuple[str, ...]
    without_days: tuple[str, ...]

    @property
    def end(self) -> date:
        """The last day, included."""
        return self.start + timedelta(days=self.days.shape[1] - 1)


def effort(session: Session, deployments: Sequence[DeploymentView]) -> Effort:
    """The days of every station. Raises NoEffort when no deployment has a day, or the days span over 20 years."""
    shown = media_days(session, deployments)
    spans: list[tuple[DeploymentView, date, date]] = []
    from_media, without = [], []
    for deployment in deployments:
        if deployment.first_day is not None and deployment.last_day is not None:
            spans.append((deployment, deployment.first_day, deployment.last_day))
        elif deployment.id in shown:
            spans.append((deployment, *shown[deployment.id]))
            from_media.append(deployment.name)
        else:
            without.append(deployment.name)
    if not spans:
        raise NoEffort("No deployment has a first and last day, and no media a time: fill in the days of a deployment.")
    start, end = min(first for _, first, _ in spans), max(last for _, _, last in spans)
    length = (end - start).days + 1
    if length > LONGEST_DAYS:
        raise NoEffort(
            f"The deployments span {start} to {end}: the clock of {_astray(spans)} was wrong. Correct it or set its "
            "days: Stations."
        )
    stations = tuple(sorted({deployment.station for deployment, _, _ in spans}))
    days = np.full((len(stations), length), NOT_SET_UP, np.int8)
    for deployment, first, last in spans:
        worked = np.full((last - first).days + 1, WORKED, np.int8)
        if deployment.broken_from is not None and deployment.broken_to is not None:
            low, high = max((deployment.broken_from - first).days, 0), (deployment.broken_to - first).days + 1
            worked[low : max(high, 0)] = BROKEN
        at = (first - start).days
        row = days[stations.index(deployment.station), at : at + len(worked)]
        np.maximum(row, worked, out=row)
    return Effort(stations, start, days, tuple(from_media), tuple(without))


def media_days(session: Session, deployments: Sequence[DeploymentView]) -> dict[int, tuple[date, date]]:
    """First and last day of each deployment's media.

    Media with a date that cameras count from are left aside, unless the others of the deployment were taken about
    that time or, where it has no others, those of the survey.
    """
    ids, sure = {row.id for row in deployments}, sa.case((factory_dated(), None), else_=Media.taken_at)
    rows = session.execute(
        sa.select(
            Media.deployment_id,
            *(function(time) for time in (Media.taken_at, sure) for function in (sa.func.min, sa.func.max)),
        )
        .where(Media.deployment_id.is_not(None), Media.taken_at.is_not(None))
        .group_by(Media.deployment_id)
    )
    values: list[tuple[Any, ...]] = [tuple(row) for row in rows if row[0] in ids]
    begun = min((first for *_, first, _ in values if first), default=datetime.max)
    ended = max((last for *_, last in values if last), default=datetime.min)
    found = {}
    for number, first, last, first_sure, last_sure in values:
        low, high = (first_sure, last_sure) if first_sure else (begun, ended)
        if low - first > ABOUT or last - high > ABOUT:
            first, last = first_sure, last_sure
        if first is not None:
            found[number] = (first.date(), last.date())
    return found


def _astray(spans: Sequence[tuple[DeploymentView, date, date]]) -> str:
    """The cameras whose days lie farthest from those of the others, at most three by name."""
    usual = sorted(day for _, first, last in spans for day in (first, last))[len(spans)]
    reach = timedelta(days=LONGEST_DAYS // 2)
    found = [
        f"{deployment.name} ({first} to {last})"
        for deployment, first, last in spans
        if usual - first > reach or last - usual > reach
    ]
    return ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
