"""How well each camera worked: a picture a day, days without pictures, effort, and what went wrong with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from app.survey.media.looks import INFRARED_COLOUR
from app.survey.media.stations import DeploymentView, deployment_views
from app.survey.tables.media import Media, MediaLook

# Correlations of grey scenes: two views of different places hardly agree, the days of one view do.
OTHER_SCENE, SAME_SCENE, SCENE_DAYS = 0.3, 0.6, 3
BLOCKED_CONTRAST, BLOCKED_SHARE, BLOCKED_DAYS = 0.03, 0.8, 2
DARK, DARK_SHARE, NIGHT_PICTURES = 0.06, 0.7, 8
DEAD_DAYS, LONG_GAP_DAYS = 3, 14
LONGEST_DAYS = 366 * 20  # see `capture.effort`


class Fault(StrEnum):
    """One thing that went wrong with a camera."""

    KNOCKED = "knocked"
    BLOCKED = "blocked"
    FLASH = "dark flash"
    DEAD = "dead early"
    GAP = "days without pictures"
    CLOCK = "wrong clock"


@dataclass(frozen=True, slots=True)
class Shot:
    """A media of a camera with what it looks like; the look is None while nobody has looked."""

    media_id: int
    sha256: str
    taken_at: datetime
    brightness: float | None
    contrast: float | None
    colour: float | None
    scene: bytes | None


Day = tuple[date, Shot, int]
Found = tuple[Fault, str, date]


@dataclass(frozen=True, slots=True)
class Health:
    """How a camera worked.

    Args:
        days: the picture nearest to noon of each day with media, and how many there are that day.
        first, last: the days it is taken to have worked from and to: as a person says, else those of its media.
        stated: whether a person said so.
        nights: trap nights from the first to the last day, without a broken period.
        faults: what went wrong, a sentence, and the day it began.
    """

    deployment: DeploymentView
    days: tuple[tuple[date, Shot, int], ...]
    first: date | None
    last: date | None
    stated: bool
    nights: int
    faults: tuple[Found, ...]

    @property
    def empty_days(self) -> int:
        """Days between the first and the last without any media."""
        if self.first is None or self.last is None:
            return 0
        return (self.last - self.first).days + 1 - sum(self.first <= day <= self.last for day, _, _ in self.days)


def healths(session: Session) -> list[Health]:
    """How every camera worked, by station and deployment."""
    shots, views = _shots(session), deployment_views(session)
    ends: dict[str, date] = {}
    for view in views:
        for day in [shot.taken_at.date() for shot in shots.get(view.id, ())] + [view.last_day]:
            if day is not None:
                ends[view.station] = max(ends.get(view.station, day), day)
    return [health(view, shots.get(view.id, []), ends.get(view.station)) for view in views]


def health(deployment: DeploymentView, shots: Sequence[Shot], station_end: date | None = None) -> Health:
    """How one camera worked.

    Args:
        shots: its media, in the order of time.
        station_end: the last day on which any camera of the station is known to have worked.
    """
    by_day: dict[date, list[Shot]] = defaultdict(list)
    for shot in shots:
        by_day[shot.taken_at.date()].append(shot)
    days = tuple((day, min(some, key=_from_noon), len(some)) for day, some in sorted(by_day.items()))
    stated = deployment.first_day is not None and deployment.last_day is not None
    first = deployment.first_day if stated else (days[0][0] if days else None)
    last = deployment.last_day if stated else (days[-1][0] if days else None)
    if first is not None and last is not None and (last - first).days > LONGEST_DAYS:
        fault = (Fault.CLOCK, f"Its media span {first} to {last}: correct the clock, or state the days.", first)
        return Health(deployment, days, None, None, stated, 0, (fault,))
    nights = _nights(deployment, first, last)
    faults = [*_dead(days, first, last if stated else station_end), *_gaps(days)]
    faults += [*_blocked(by_day), *_dark_flash(shots), *_knocked(shots)]
    return Health(deployment, days, first, last, stated, nights, tuple(sorted(faults, key=lambda fault: fault[2])))


def _shots(session: Session) -> Mapping[int, list[Shot]]:
    look = MediaLook
    rows = session.execute(
        sa.select(Media.deployment_id, Media.id, Media.sha256, Media.taken_at, look.brightness, look.contrast,
                  look.colour, look.scene)
        .outerjoin(look, look.media_id == Media.id)
        .where(Media.deployment_id.is_not(None), Media.taken_at.is_not(None))
        .order_by(Media.taken_at, Media.id)
    )  # fmt: skip
    found: dict[int, list[Shot]] = defaultdict(list)
    for deployment_id, *values in (tuple[Any, ...](row) for row in rows):
        found[deployment_id].append(Shot(*values))
    return found


def _from_noon(shot: Shot) -> float:
    return abs(shot.taken_at.hour * 60 + shot.taken_at.minute - 720)


def _nights(deployment: DeploymentView, first: date | None, last: date | None) -> int:
    if first is None or last is None:
        return 0
    nights = (last - first).days
    if deployment.broken_from is not None and deployment.broken_to is not None:
        begin, end = max(deployment.broken_from, first), min(deployment.broken_to + timedelta(days=1), last)
        nights -= max((end - begin).days, 0)
    return nights


def _dead(days: Sequence[Day], first: date | None, end: date | None) -> list[Found]:
    """Whether the last media came long before the camera was fetched, or before the other camera's."""
    if not days or first is None or end is None or (end - days[-1][0]).days <= DEAD_DAYS:
        return []
    silent = (end - days[-1][0]).days
    return [(Fault.DEAD, f"Nothing after {days[-1][0]}, {silent} days before the end on {end}.", days[-1][0])]


def _gaps(days: Sequence[Day]) -> list[Found]:
    steps = [(after - before).days for (before, _, _), (after, _, _) in pairwise(days)]
    usual = float(np.median(steps)) if steps else 0.0
    return [
        (Fault.GAP, f"No picture for {step - 1} days after {before}.", before)
        for step, (before, _, _) in zip(steps, days, strict=False)
        if step > max(LONG_GAP_DAYS, 4 * usual)
    ]


def _blocked(by_day: Mapping[date, Sequence[Shot]]) -> list[Found]:
    """Days on end on which nearly every picture shows one even surface."""
    even = []
    for day, shots in sorted(by_day.items()):
        contrasts = [shot.contrast for shot in shots if shot.contrast is not None]
        blank = sum(contrast < BLOCKED_CONTRAST for contrast in contrasts)
        even.append((day, bool(contrasts) and blank >= BLOCKED_SHARE * len(contrasts)))
    runs: list[list[date]] = [[]]
    for day, is_even in even:
        if is_even:
            runs[-1].append(day)
        elif runs[-1]:
            runs.append([])
    return [
        (Fault.BLOCKED, f"Nothing but an even surface on {len(run)} days from {run[0]}.", run[0])
        for run in runs
        if len(run) >= BLOCKED_DAYS
    ]


def _dark_flash(shots: Sequence[Shot]) -> list[Found]:
    """Whether the latest pictures at night are black."""
    night = [shot for shot in shots if shot.colour is not None and shot.colour < INFRARED_COLOUR]
    latest = night[-2 * NIGHT_PICTURES :]
    dark = [shot for shot in latest if shot.brightness is not None and shot.brightness < DARK]
    if len(latest) < NIGHT_PICTURES or len(dark) < DARK_SHARE * len(latest):
        return []
    share = f"{len(dark)} of the last {len(latest)} pictures at night are black."
    return [(Fault.FLASH, share, dark[0].taken_at.date())]


def _knocked(shots: Sequence[Shot]) -> list[Found]:
    """Days after which the camera looks at something else, and goes on to do so. By day or by night."""
    for infrared in sorted((False, True), key=lambda night: -sum(_is_infrared(shot) is night for shot in shots)):
        scenes = _scenes([shot for shot in shots if _is_infrared(shot) is infrared])
        days = sorted(scenes)
        for place in range(1, len(days)):
            before = [scenes[day] for day in days[max(place - SCENE_DAYS, 0) : place]]
            after = [scenes[day] for day in days[place : place + SCENE_DAYS]]
            if len(before) < 2 or len(after) < 2 or min(_unity(before), _unity(after)) < SAME_SCENE:
                continue
            if float(np.mean(before, axis=0) @ np.mean(after, axis=0)) < OTHER_SCENE:
                return [(Fault.KNOCKED, f"From {days[place]} on it looks at something else.", days[place])]
    return []


def _is_infrared(shot: Shot) -> bool | None:
    return None if shot.colour is None else shot.colour < INFRARED_COLOUR


def _scenes(shots: Sequence[Shot]) -> dict[date, NDArray[np.float64]]:
    """The usual scene of each day, as a unit vector without its mean."""
    by_day: dict[date, list[NDArray[np.float64]]] = defaultdict(list)
    for shot in shots:
        if shot.scene:
            by_day[shot.taken_at.date()].append(np.frombuffer(shot.scene, np.uint8).astype(np.float64))
    found = {}
    for day, scenes in by_day.items():
        scene = np.median(scenes, axis=0)
        scene -= scene.mean()
        length = float(np.linalg.norm(scene))
        if length > 0:
            found[day] = scene / length
    return found


def _unity(scenes: Sequence[NDArray[np.float64]]) -> float:
    """The least correlation of neighbouring days."""
    return min(float(first @ second) for first, second in pairwise(scenes))
