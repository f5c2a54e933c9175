"""Who walks past which camera, and when: the plan of a survey before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from app.sample.background import KINDS
from modal_backend.contracts import Flank

START = datetime(2026, 3, 2)
DAYS = 21


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who passes a camera.

    Attributes:
        individual: its number from 1, or None for an unstriped animal.
        flank: the side the camera sees.
    """

    individual: int | None
    flank: Flank


@dataclass(frozen=True, slots=True)
class Event:
    """A burst at a station; no visitors means blank pictures.

    Attributes:
        shots: seconds from `start` of each picture.
    """

    number: int
    station: int
    start: datetime
    visitors: tuple[Visitor, ...]
    shots: tuple[int, ...]
    night: bool


def station_name(number: int) -> str:
    """The name of a station counted from 0, such as "Salt lick 3"."""
    return f"{KINDS[number % len(KINDS)]} {number + 1}"


def visits(rng: np.random.Generator, individuals: int, count: int) -> list[Visitor]:
    """`count` visits, in which a flank comes back before a new one is seen, so that most can be matched."""
    first = [Flank.LEFT if rng.random() < 0.5 else Flank.RIGHT for _ in range(individuals)]
    other = [Flank.RIGHT if f is Flank.LEFT else Flank.LEFT for f in first]
    twice = [Visitor(i + 1, f) for f_list in (first, other) for i, f in enumerate(f_list) for _ in range(2)]
    return [twice[i % len(twice)] for i in range(count)] if twice else []


def survey_plan(
    rng: np.random.Generator,
    *,
    individuals: int,
    stations: int,
    events: int,
    pictures_per_event: int,
    blanks: int,
) -> list[Event]:
    """All events in the order of time, blanks among them, numbered from 1."""
    plain = events // 6 if individuals else events
    pairs = min(events // 12, events - plain) if individuals > 1 else 0
    striped = visits(rng, individuals, events - plain + pairs)
    groups: list[tuple[Visitor, ...]] = [(v,) for v in striped[pairs:]]
    for i in range(pairs):
        at = len(groups) - 1 - i * 3 % max(1, len(groups))
        groups[at] = (*groups[at], striped[i])
    groups += [(Visitor(None, Flank.LEFT if rng.random() < 0.5 else Flank.RIGHT),) for _ in range(plain)]
    places = [i % stations for i in range(len(groups))] + [i % stations for i in range(blanks)]
    groups += [()] * blanks
    slots = max(DAYS * 24 * 6 - 12, 2 * len(groups))
    minutes = rng.choice(slots, size=len(groups), replace=False) * 10 + rng.integers(0, 8, len(groups))
    order = np.argsort(minutes, kind="stable")
    plan = []
    for number, i in enumerate(order, 1):
        start = START + timedelta(minutes=int(minutes[i]), seconds=int(rng.integers(0, 50)))
        steps = rng.integers(1, 4, pictures_per_event - 1 if groups[i] else 0)
        shots = (0, *np.cumsum(steps).tolist())
        night = not 6 <= start.hour < 18
        plan.append(Event(number, places[i], start, groups[i], shots, night))
    return plan
