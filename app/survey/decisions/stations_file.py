"""Take a table of stations: places, days and the rest go to the deployments it means; missing ones are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.capture.effort import media_days
from app.survey.decisions.changes import Change
from app.survey.decisions.deployments import free_name, tidy
from app.survey.decisions.refusals import BadDecision
from app.survey.decisions.stations import checked
from app.survey.media.station_tables import ALIKE, StationRow, plain
from app.survey.media.stations import (
    DeploymentView,
    check_review,
    deployment_views,
    kilometres,
    review_values,
)
from app.survey.tables.decisions import Decision
from app.survey.tables.deployments import Deployment, DeploymentReview

PAIRS = (("latitude", "longitude"), ("first_day", "last_day"))
SWAPPED_KM, MOVED_KM = 500.0, 10.0  # further apart than the stations of a survey; than one station is measured wrong
MediaDays = Mapping[int, tuple[date, date]]


@dataclass(frozen=True, slots=True)
class Planned:
    """What a line of the table would do.

    Args:
        deployment_id: whom it describes; None for a new deployment of this name.
        changes: the values that differ from what is known.
        stays: what a person has said otherwise, which stays: sentences.
        problem: why the line is left out.
        doubt: why its place is probably wrong; it is taken all the same.
    """

    line: int
    station: str
    name: str
    deployment_id: int | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    stays: tuple[str, ...] = ()
    problem: str | None = None
    doubt: str | None = None


def unknown_stations(session: Session, rows: Sequence[StationRow]) -> dict[str, list[str]]:
    """Stations of the table that are not in the survey, each with those that it may mean, the most alike first."""
    there = {plain(view.station): view.station for view in deployment_views(session)}
    missing = dict.fromkeys(row.station for row in rows if row.station and plain(row.station) not in there)
    return {name: [there[key] for key in get_close_matches(plain(name), there, 3, ALIKE)] for name in missing}


def plan(
    session: Session, rows: Sequence[StationRow], meant: Mapping[str, str] | None = None, *, keep: bool = False
) -> list[Planned]:
    """What each line would do.

    Args:
        meant: for stations of the table the station of the survey that a person says is meant.
        keep: what a person has said of a deployment stays; without it the table replaces it.
    """
    views, meant, taken = deployment_views(session), meant or {}, set[int]()
    days = media_days(session, views)
    reviews = {row.deployment_id: row for row in session.scalars(sa.select(DeploymentReview))} if keep else {}
    planned, new = list[Planned](), set[str]()
    for row in rows:
        station = meant.get(row.station, row.station)
        mine = [view for view in views if plain(view.station) == plain(station)]
        if row.problem is None:
            named = [view for view in views if row.deployment and plain(view.name) == plain(row.deployment)]
            line = _planned(row, station, named or mine, taken, days)
            if line.deployment_id is None and line.problem is None:
                if plain(line.name) in new:
                    line = Planned(row.line, station, line.name, problem="An earlier line has the same name.")
                new.add(plain(line.name))
            planned.append(_possible(session, _without_decided(line, row, views, reviews) if keep else line))
        else:
            planned.append(Planned(row.line, station, row.deployment, problem=row.problem))
    return _doubted(planned, views)


def take(session: Session, who: str, planned: Sequence[Planned], file: str) -> Decision:
    """Write down what a table says, as one decision. Raises BadDecision when nothing would change."""
    change = Change(session, who)
    write(change, planned)
    if not change.rows:
        raise BadDecision("The table says nothing new.")
    lines = sum(line.problem is None for line in planned)
    return change.record("stations file", view={"deployment": file, "what": f"{lines:,} lines"})


def write(change: Change, planned: Sequence[Planned]) -> None:
    """Write what the lines say as part of a decision."""
    session = change.session
    for line in planned:
        if line.problem is not None:
            continue
        number = line.deployment_id
        if number is None:
            number = change.add(Deployment(name=free_name(session, line.name), station=tidy(line.station))).id
        if line.changes:
            kept = checked(session, number, line.changes)
            change.sign(DeploymentReview, {"deployment_id": number}, **kept)


def _doubted(planned: list[Planned], views: Sequence[DeploymentView]) -> list[Planned]:
    """The lines, with a doubt about those that lie far from where their pictures or all others were taken."""
    known = {view.id: (view.latitude, view.longitude) for view in views
             if view.latitude is not None and view.longitude is not None}  # fmt: skip
    stated = {at: (line.changes["latitude"], line.changes["longitude"]) for at, line in enumerate(planned)
              if line.problem is None and line.changes.get("latitude") is not None}  # fmt: skip
    doubted = list(planned)
    for at, place in stated.items():
        beside = list(known.values()) or [other for key, other in stated.items() if key != at]
        mine = known.get(planned[at].deployment_id or 0)
        near = mine or (median(other[0] for other in beside), median(other[1] for other in beside)) if beside else None
        far = kilometres(place, near) if near else 0.0
        whose = "where it was before" if mine else "the others"
        if near and far > SWAPPED_KM and kilometres(place[::-1], near) < far / 10:
            doubt = f"Latitude and longitude seem to be swapped: this place is {far:,.0f} km from {whose}."
        elif far > (MOVED_KM if mine else SWAPPED_KM):
            doubt = f"This place is {far:,.0f} km from {whose}."
        else:
            continue
        doubted[at] = replace(planned[at], doubt=doubt)
    return doubted


def _planned(
    row: StationRow, station: str, mine: Sequence[DeploymentView], taken: set[int], days: MediaDays
) -> Planned:
    try:
        values = review_values(row.values)
    except ValueError as error:
        return Planned(row.line, station, "", problem=str(error))
    camera = str(values.get("camera") or "")
    name = f"{station}/{camera}" if camera else station
    is_named = bool(mine) and bool(row.deployment) and all(plain(view.name) == plain(row.deployment) for view in mine)
    found = [view for view in mine if not camera or is_named or _is_camera(view, camera)]
    if camera and not found and len(mine) == 1 and not mine[0].camera and mine[0].name == mine[0].station:
        found = list(mine)
    if len(found) > 1:
        found = [view for view in found if _overlaps(row, days.get(view.id))]
    found = [view for view in found if view.id not in taken]
    if len(found) > 1:
        names = ", ".join(view.name for view in found)
        return Planned(row.line, station, name, problem=f"{station} has several cameras ({names}): say which.")
    if not found:
        suffix = f" {row.values['first_day']}" if mine and "first_day" in row.values else ""
        return Planned(row.line, station, row.deployment or name + suffix, None, values)
    view = found[0]
    taken.add(view.id)
    changes = {key: value for key, value in values.items() if str(getattr(view, key) or "") != str(value)}
    return Planned(row.line, station, view.name, view.id, changes)


def _possible(session: Session, planned: Planned) -> Planned:
    """The line, left out where its values contradict each other or what is known: an end without a start."""
    if planned.problem is not None or not planned.changes:
        return planned
    try:
        if planned.deployment_id is None:
            check_review(planned.changes)
        else:
            checked(session, planned.deployment_id, planned.changes)
    except (BadDecision, ValueError) as error:
        return replace(planned, problem=str(error))
    return planned


def _without_decided(
    planned: Planned, row: StationRow, views: Sequence[DeploymentView], reviews: Mapping[int, DeploymentReview]
) -> Planned:
    """The line without what a person has said otherwise, and without a rounded place where there is a finer one."""
    view = next((view for view in views if view.id == planned.deployment_id), None)
    if view is None or not planned.changes:
        return planned
    review = reviews.get(view.id)
    stays = {key for key in planned.changes if getattr(review, key, None) is not None}
    if row.rough and view.latitude is not None:
        stays |= {"latitude", "longitude"} & planned.changes.keys()
    for pair in PAIRS:
        stays |= (set(pair) & planned.changes.keys()) if stays & set(pair) else set()
    words = tuple(
        f"The {key.replace('_', ' ')} here is {getattr(view, key)}, and stays; the file says {planned.changes[key]}."
        for key in planned.changes
        if key in stays
    )
    return replace(
        planned, changes={key: value for key, value in planned.changes.items() if key not in stays}, stays=words
    )


def _is_camera(view: DeploymentView, camera: str) -> bool:
    return plain(camera) in (plain(view.camera or ""), plain(view.name.rpartition("/")[2]), plain(view.name))


def _overlaps(row: StationRow, days: tuple[date, date] | None) -> bool:
    first, last = row.values.get("first_day"), row.values.get("last_day")
    return days is None or not (first and last) or (str(days[0]) <= last and first <= str(days[1]))
