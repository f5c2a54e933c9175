"""Where deployments are, as far as their media say so, and where and when media were taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from statistics import median
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.tables.deployments import Deployment
from app.survey.tables.media import Media

PLACES_COMPARED = 10_000
SQUARE = 0.01  # degrees
NEAR_DEGREES = 2 * SQUARE


class Taken(NamedTuple):
    """Where and when a media was taken, as far as that is known."""

    deployment: str | None
    at: datetime | None
    synthetic: bool


def taken(session: Session, media_ids: Collection[int]) -> dict[int, Taken]:
    """Where and when these media were taken, by their ids."""
    found: dict[int, Taken] = {}
    for chunk in slices(sorted(media_ids)):
        rows = sa.select(Media.id, Deployment.name, Media.taken_at, Media.synthetic)
        rows = rows.outerjoin(Deployment, Deployment.id == Media.deployment_id).where(Media.id.in_(chunk))
        found.update({row.id: Taken(row.name, row.taken_at, row.synthetic) for row in session.execute(rows)})
    return found


def give_place(session: Session, deployment_id: int | None, latitude: float | None, longitude: float | None) -> None:
    """Give a deployment without coordinates those of its first picture that has some (degrees, WGS 84)."""
    if deployment_id is None or latitude is None or longitude is None:
        return
    deployment = session.get_one(Deployment, deployment_id)
    if deployment.latitude is None:
        deployment.latitude, deployment.longitude = latitude, longitude


def settle_places(session: Session, deployment_ids: Collection[int | None]) -> None:
    """Place each deployment where most of its media were taken: the median of those around the commonest square."""
    for deployment in session.scalars(sa.select(Deployment).where(Deployment.id.in_(deployment_ids))):
        of_it = sa.select(Media.latitude, Media.longitude).where(
            Media.deployment_id == deployment.id, Media.latitude.is_not(None), Media.longitude.is_not(None)
        )
        rows = session.execute(of_it.order_by(Media.id).limit(PLACES_COMPARED))
        places: list[tuple[float, float]] = [(row[0], row[1]) for row in rows if None not in row]  # type: ignore[misc]
        if not places:
            deployment.latitude = deployment.longitude = None
            continue
        squares = Counter((round(latitude, 2), round(longitude, 2)) for latitude, longitude in places)
        south, west = max(squares, key=lambda square: _beside(squares, square))
        near = [place for place in places if max(abs(place[0] - south), abs(place[1] - west)) <= NEAR_DEGREES]
        deployment.latitude = median(latitude for latitude, _ in near)
        deployment.longitude = median(longitude for _, longitude in near)


def _beside(squares: Counter[tuple[float, float]], square: tuple[float, float]) -> tuple[int, int]:
    """How many places lie in a square and those beside it, and in it: a station may lie on the edge of several."""
    steps = (-SQUARE, 0.0, SQUARE)
    beside = ((round(square[0] + south, 2), round(square[1] + east, 2)) for south in steps for east in steps)
    return sum(squares[other] for other in beside), squares[square]
