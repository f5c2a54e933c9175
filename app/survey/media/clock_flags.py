"""What is suspicious about a camera's clock, found from its pictures and the places and cameras around it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

import sqlalchemy as sa
from astral import Observer
from astral.sun import elevation
from sqlalchemy.orm import Session

from app.survey.media import looks
from app.survey.media.clocks import Timed, in_camera_order
from app.survey.media.stations import DeploymentView, deployment_views
from app.survey.tables.media import Media

BACK = timedelta(minutes=5)  # a video's file is written after that of the image that was taken with it
LEAP = timedelta(days=366)
FACTORY_YEARS = frozenset({*range(1970, 2006), 2010, 2012, 2015, 2016, 2020})
FACTORY_DAYS = 2  # after 1 January 00:00, where cameras begin to count when their batteries were out
DAYLIGHT, DARK = 6.0, -6.0  # degrees of the sun over the horizon; in between cameras use either
MOST_WRONG = 0.15
LETTERS = re.compile(r"\D*")
FEWEST, FEWEST_PAIRS, MOST_COMPARED = 5, 4, 200
PAIR_REACH, PAIR_STEP, TOGETHER = timedelta(hours=26), timedelta(seconds=30), timedelta(minutes=2)


def factory_dated() -> sa.ColumnElement[bool]:
    """Whether a media bears a date that cameras count from, as a condition of a query."""
    year, month, day = (sa.extract(part, Media.taken_at) for part in ("year", "month", "day"))
    return sa.and_(year.in_(sorted(FACTORY_YEARS)), month == 1, day <= FACTORY_DAYS)


class Doubt(StrEnum):
    """One kind of doubt about a clock."""

    BACK = "jumps back"
    FACTORY = "factory date"
    LEAP = "leaps ahead"
    OUTSIDE = "outside the stated days"
    FUTURE = "in the future"
    SUN = "day and night do not fit"
    PAIR = "cameras disagree"


JUMPED = {Doubt.FACTORY: "falls back to a factory date", Doubt.BACK: "jumps back", Doubt.LEAP: "leaps ahead"}


@dataclass(frozen=True, slots=True)
class Flag:
    """One doubt about a deployment's clock.

    Args:
        text: a sentence for the person.
        media_id: the picture to begin with.
        seconds: the correction that would make it fit, to be added to the present times; None where nothing says.
    """

    doubt: Doubt
    deployment_id: int
    text: str
    media_id: int
    seconds: int | None = None


def report(session: Session) -> list[Flag]:
    """Every doubt about every clock, deployment by deployment."""
    found: list[Flag] = []
    of_station: dict[str, list[list[Timed]]] = defaultdict(list)
    for deployment in deployment_views(session):
        media = in_camera_order(session, deployment.id)
        found += flags(deployment, media, looks.colours(session, deployment.id), of_station[deployment.station])
        of_station[deployment.station].append(media)
    return found


def flags(
    deployment: DeploymentView, media: Sequence[Timed], colours: Mapping[int, float], others: Sequence[Sequence[Timed]]
) -> list[Flag]:
    """Every doubt about one deployment's clock, as it stands corrected.

    Args:
        media: in the camera's order.
        colours: the look's `colour` of images, by media.
        others: the media of the other cameras of its station.
    """
    timed = [shot for shot in media if shot.taken_at is not None]
    found = _jumps(deployment, timed) + _outside(deployment, timed)
    found += _against_the_sun(deployment, timed, colours)
    for other in others:
        found += _against(deployment, timed, [shot for shot in other if shot.taken_at is not None])
    return found


def _jumps(deployment: DeploymentView, timed: Sequence[Timed]) -> list[Flag]:
    """Places where a picture that was taken later bears an earlier time, or one years ahead."""
    found = []
    if timed and _is_factory(timed[0]) and _year(timed[0]) in FACTORY_YEARS:
        text = f"It begins at {_words(timed[0])}, a date that cameras count from."
        found.append(Flag(Doubt.FACTORY, deployment.id, text, timed[0].media_id))
    for before, after in pairwise(timed):
        assert before.taken_at is not None
        assert after.taken_at is not None
        if _series(before) != _series(after):
            continue
        step = after.taken_at - before.taken_at
        if step < -BACK or step > LEAP:
            back = Doubt.FACTORY if _is_factory(after) else Doubt.BACK
            doubt = back if step < -BACK else Doubt.LEAP
            text = f"The clock {JUMPED[doubt]} after {_name(before)}: {_words(before)}, then {_words(after)}."
            found.append(Flag(doubt, deployment.id, text, after.media_id))
    return found


def _series(timed: Timed) -> tuple[str, str]:
    """Files that a camera counts one after the other: their folder, and the letters before the number."""
    folder, _, name = timed.path.rpartition("/")
    letters = LETTERS.match(name)
    return folder, letters.group() if letters else ""


def _outside(deployment: DeploymentView, timed: Sequence[Timed]) -> list[Flag]:
    first, last, found = deployment.first_day, deployment.last_day, []
    if first is not None and last is not None:
        outside = [shot for shot in timed if shot.taken_at and not first <= shot.taken_at.date() <= last]
        if outside:
            text = f"{len(outside):,} lie outside {first} to {last}, the first at {_words(outside[0])}."
            found.append(Flag(Doubt.OUTSIDE, deployment.id, text, outside[0].media_id))
    tomorrow = datetime.now() + timedelta(days=1)
    ahead = [shot for shot in timed if shot.taken_at and shot.taken_at > tomorrow]
    if ahead:
        text = f"{len(ahead):,} lie in the future, the first at {_words(ahead[0])}."
        found.append(Flag(Doubt.FUTURE, deployment.id, text, ahead[0].media_id))
    return found


def _against_the_sun(deployment: DeploymentView, timed: Sequence[Timed], colours: Mapping[int, float]) -> list[Flag]:
    """Infrared pictures by daylight and colour pictures in the dark.

    Without a stated time zone the clock is taken to follow the sun at the place within three hours: only what no such
    zone explains is a doubt.
    """
    if deployment.latitude is None or deployment.longitude is None:
        return []
    seen = [(shot, colours[shot.media_id] < looks.INFRARED_COLOUR) for shot in timed if shot.media_id in colours]
    seen = seen[:: -(-len(seen) // MOST_COMPARED)] if seen else []
    if len(seen) < FEWEST:
        return []
    at = Observer(deployment.latitude, deployment.longitude)
    zone = _hours(deployment.time_zone)
    zones = [zone] if zone is not None else [deployment.longitude / 15 + hours for hours in range(-3, 4)]
    wrong = min((_wrong(seen, at, hours) for hours in zones), key=len)
    if len(wrong) < max(3, MOST_WRONG * len(seen)):
        return []
    base = zone if zone is not None else deployment.longitude / 15
    best = min(range(-12, 13), key=lambda hours: (len(_wrong(seen, at, base - hours)), abs(hours)))
    night = sum(infrared for _, infrared in wrong)
    text = f"Of {len(seen):,} pictures {night:,} are infrared by day, {len(wrong) - night:,} in colour in the dark."
    fits = len(_wrong(seen, at, base - best)) * 2 < len(wrong)
    if fits:
        text += f" About {best:+d} h would make them fit."
    return [Flag(Doubt.SUN, deployment.id, text, wrong[0][0].media_id, best * 3600 if fits else None)]


def _wrong(seen: Sequence[tuple[Timed, bool]], at: Observer, hours: float) -> list[tuple[Timed, bool]]:
    """The pictures whose light does not fit the sun, with the clock so many hours ahead of UTC."""
    wrong = []
    for shot, infrared in seen:
        assert shot.taken_at is not None
        height = elevation(at, shot.taken_at.replace(tzinfo=UTC) - timedelta(hours=hours))
        if (infrared and height > DAYLIGHT) or (not infrared and height < DARK):
            wrong.append((shot, infrared))
    return wrong


def _against(deployment: DeploymentView, mine: Sequence[Timed], theirs: Sequence[Timed]) -> list[Flag]:
    """Another camera of the station that was set off at the same moments by its clock, but at other times."""
    ours, others = _starts(mine), sorted(_starts(theirs))
    apart: Counter[int] = Counter()
    for moment in ours:
        near = bisect_left(others, moment - PAIR_REACH)
        while near < len(others) and others[near] <= moment + PAIR_REACH:
            apart[round((others[near] - moment) / PAIR_STEP)] += 1
            near += 1
    if not apart:
        return []
    steps, _ = max(apart.items(), key=lambda item: (_around(apart, item[0]), -abs(item[0])))
    pairs = _around(apart, steps)
    shift = steps * PAIR_STEP
    by_chance = sum(apart.values()) * 3 * PAIR_STEP / (2 * PAIR_REACH)
    if abs(shift) <= TOGETHER or pairs < max(FEWEST_PAIRS, 4 * by_chance, 2 * _around(apart, 0)):
        return []
    seconds = round(shift.total_seconds())
    later = "later" if seconds > 0 else "earlier"
    text = f"The other camera has the same {pairs:,} moments {_span(seconds)} {later}: one of the clocks is wrong."
    return [Flag(Doubt.PAIR, deployment.id, text, mine[0].media_id, seconds)]


def _around(apart: Counter[int], steps: int) -> int:
    return apart[steps - 1] + apart[steps] + apart[steps + 1]


def _starts(timed: Sequence[Timed]) -> list[datetime]:
    """When each event began: the first picture of it."""
    first: dict[int, datetime] = {}
    for shot in timed:
        assert shot.taken_at is not None
        key = shot.event_id if shot.event_id is not None else -shot.media_id
        first[key] = min(first.get(key, shot.taken_at), shot.taken_at)
    return list(first.values())


def _is_factory(timed: Timed) -> bool:
    """Whether a time lies in the first days of a year, from where cameras count when nobody set their clock."""
    return timed.taken_at is not None and timed.taken_at.month == 1 and timed.taken_at.day <= FACTORY_DAYS


def _year(timed: Timed) -> int:
    return timed.taken_at.year if timed.taken_at else 0


def _hours(zone: str | None) -> float | None:
    if zone is None:
        return None
    sign = -1 if zone.startswith("-") else 1
    return sign * (int(zone[1:3]) + int(zone[4:6]) / 60)


def _span(seconds: int) -> str:
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def _name(timed: Timed) -> str:
    return timed.path.rpartition("/")[2] or f"media {timed.media_id}"


def _words(timed: Timed) -> str:
    return f"{timed.taken_at:%Y-%m-%d %H:%M}"
