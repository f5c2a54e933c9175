"""The sample survey that ships: who walks past which camera and when, written out so that every page has its story.

Six tigers at four stations. At the first two the sample's own team has named what came by; the other two are open. One
tiger turns round before the camera (a flank to join), one crop was given a wrong name (a conflict), and one camera's
clock was twelve hours late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.sample.plan import START, Event, Visitor
from modal_backend.contracts import Flank

SEED = 7
STATIONS = 4
LEFT, RIGHT = Flank.LEFT, Flank.RIGHT
# Seconds that a station's clock is ahead of the true time.
CLOCKS = {3: timedelta(hours=-12)}
# The tiger that shows one flank, turns round and shows the other: to its team they are two individuals so far.
TURNED = "Stripe-03"
# The team takes the tiger at this place and time for another, which it cannot be.
MISTAKEN_AT, MISTAKEN_FOR = (1, 12, "02:27"), "Stripe-02"


# Who, the first and last second in view, the animal's length in shares of the frame's width.
Crossing = tuple[Visitor, float, float, float]


@dataclass(frozen=True, slots=True)
class Film:
    """A video of animals that walk through the view."""

    station: int
    start: datetime
    seconds: float
    crossings: tuple[Crossing, ...]


def _at(day: int, clock: str) -> datetime:
    hours, minutes, seconds = (int(part) for part in f"{clock}:00".split(":")[:3])
    return START + timedelta(days=day - 1, hours=hours, minutes=minutes, seconds=seconds)


def _tiger(number: int, flank: Flank) -> tuple[Visitor, ...]:
    return (Visitor(number, flank),)


def _deer(flank: Flank) -> tuple[Visitor, ...]:
    return (Visitor(None, flank),)


# Station, day, time of day, who, seconds of each picture.
_EVENTS: tuple[tuple[int, int, str, tuple[Visitor, ...], tuple[int, ...]], ...] = (
    (0, 1, "06:40", _tiger(1, LEFT), (0, 2, 4)),
    (0, 3, "18:30", _tiger(2, RIGHT), (0, 2, 3)),
    (0, 5, "13:00", (), (0,)),
    (0, 6, "09:10", _tiger(1, RIGHT), (0, 2)),
    (0, 8, "16:20", _tiger(3, LEFT), (0, 2)),
    (0, 8, "16:20:24", _tiger(3, RIGHT), (0, 2)),
    (0, 10, "11:00", _deer(LEFT), (0, 2)),
    (0, 12, "02:15", _tiger(2, RIGHT), (0, 1)),
    (1, 2, "07:20", _tiger(1, LEFT), (0, 2)),
    (1, 4, "21:40", _tiger(4, LEFT), (0, 1, 3)),
    (1, 7, "15:05", _deer(RIGHT), (0, 2)),
    (1, 9, "17:10", _tiger(5, LEFT), (0, 2)),
    (1, 12, "02:27", _tiger(4, RIGHT), (0, 2)),
    (1, 14, "12:00", (), (0,)),
    (2, 3, "08:15", _tiger(1, LEFT), (0, 2, 3)),
    (2, 6, "17:20", _tiger(5, LEFT), (0, 2)),
    (2, 11, "07:30", _tiger(6, RIGHT), (0, 2, 4)),
    (2, 13, "10:20", _deer(LEFT), (0, 2)),
    (2, 15, "16:45", _tiger(4, LEFT), (0, 1)),
    (2, 17, "09:00", (), (0,)),
    (3, 4, "22:30", _tiger(2, RIGHT), (0, 2)),
    (3, 8, "09:40", _tiger(6, RIGHT), (0, 2, 4)),
    (3, 10, "18:55", _tiger(3, RIGHT), (0, 2)),
    (3, 13, "07:50", _tiger(5, LEFT), (0, 2)),
    (3, 14, "12:10", (), (0,)),
    (3, 16, "03:00", _deer(RIGHT), (0, 1)),
)

FILMS = (
    Film(1, _at(10, "08:05"), 6.0, ((Visitor(1, LEFT), 0.6, 5.4, 0.34),)),
    Film(2, _at(12, "15:40"), 6.0, ((Visitor(None, RIGHT), 0.2, 4.2, 0.26), (Visitor(None, RIGHT), 1.9, 5.9, 0.20))),
)


def events() -> list[Event]:
    """All events in the order of time, numbered from 1; their times are the true ones."""
    written = sorted(_EVENTS, key=lambda event: _at(event[1], event[2]))
    return [
        Event(number, station, start := _at(day, clock), visitors, shots, not 6 <= start.hour < 18)
        for number, (station, day, clock, visitors, shots) in enumerate(written, 1)
    ]


def mistaken_event() -> int:
    """The number of the event at which the team names the wrong tiger."""
    station, day, clock = MISTAKEN_AT
    return next(event.number for event in events() if (event.station, event.start) == (station, _at(day, clock)))
