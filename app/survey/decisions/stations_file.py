"""Take a table of stations: places, days and the rest go to the deployments it means; missing ones are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import Any

from sqlalchemy.orm import Session

from app.survey.capture.effort import media_days
from app.survey.decisions.changes import Change
from app.survey.decisions.deployments import free_name, tidy
from app.survey.decisions.refusals import BadDecision
from app.survey.decisions.stations import checked
from app.survey.media.station_tables import ALIKE, StationRow, plain
from app.survey.media.stations import DeploymentView, deployment_views, review_values, stamp_values
from app.survey.tables.decisions import Decision
from app.survey.tables.deployments import Deployment, DeploymentReview

MediaDays = Mapping[int, tuple[date, date]]


@dataclass(frozen=True, slots=True)
class Planned:
    """What a line of the table would do.

    Args:
        deployment_id: whom it describes; None for a new deployment of this name.
        changes: the values that differ from what is known.
        problem: why the line is left out.
    """

    line: int
    station: str
    name: str
    deployment_id: int | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None


def unknown_stations(session: Session, rows: Sequence[StationRow]) -> dict[str, list[str]]:
    """Stations of the table that are not in the survey, each with those that it may mean, the most alike first."""
    there = {plain(view.station): view.station for view in deployment_views(session)}
    missing = dict.fromkeys(row.station for row in rows if row.station and plain(row.station) not in there)
    return {name: [there[key] for key in get_close_matches(plain(name), there, 3, ALIKE)] for name in missing}


def plan(session: Session, rows: Sequence[StationRow], meant: Mapping[str, str] | None = None) -> list[Planned]:
    """What each line would do.

    Args:
        meant: for stations of the table the station of the survey that a person says is meant.
    """
    views, meant, taken = deployment_views(session), meant or {}, set[int]()
    days = media_days(session, views)
    planned = []
    for row in rows:
        station = meant.get(row.station, row.station)
        mine = [view for view in views if plain(view.station) == plain(station)]
        if row.problem is None:
            planned.append(_planned(row, station, mine, taken, days))
        else:
            planned.append(Planned(row.line, station, "", problem=row.problem))
    return planned


def take(session: Session, who: str, planned: Sequence[Planned], file: str) -> Decision:
    """Write down what a table says, as one decision. Raises BadDecision when nothing would change."""
    change = Change(session)
    for one in planned:
        if one.problem is not None:
            continue
        number = one.deployment_id
        if number is None:
            number = change.add(Deployment(name=free_name(session, one.name), station=tidy(one.station))).id
        if one.changes:
            kept = checked(session, number, one.changes)
            change.put(DeploymentReview, {"deployment_id": number}, **kept, **stamp_values(who))
    if not change.rows:
        raise BadDecision("The table says nothing new.")
    lines = sum(one.problem is None for one in planned)
    return change.record("stations file", who, view={"deployment": file, "what": f"{lines:,} lines"})


def _planned(
    row: StationRow, station: str, mine: Sequence[DeploymentView], taken: set[int], days: MediaDays
) -> Planned:
    try:
        values = review_values(row.values)
    except ValueError as error:
        return Planned(row.line, station, "", problem=str(error))
    camera = str(values.get("camera") or "")
    name = f"{station}/{camera}" if camera else station
    found = [view for view in mine if not camera or _is_camera(view, camera)]
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
        return Planned(row.line, station, name + suffix, None, values)
    view = found[0]
    taken.add(view.id)
    changes = {key: value for key, value in values.items() if str(getattr(view, key) or "") != str(value)}
    return Planned(row.line, station, view.name, view.id, changes)


def _is_camera(view: DeploymentView, camera: str) -> bool:
    return plain(camera) in (plain(view.camera or ""), plain(view.name.rpartition("/")[2]), plain(view.name))


def _overlaps(row: StationRow, days: tuple[date, date] | None) -> bool:
    first, last = row.values.get("first_day"), row.values.get("last_day")
    return days is None or not (first and last) or (str(days[0]) <= last and first <= str(days[1]))
