"""How fast a species may travel in a straight line between stations: defaults with their source, and people's own.

Published figures are distances a night or a day; the limit is the longest of them walked within ten hours, so that a
sighting is only questioned when it is beyond what has been seen. Camera clocks differ, so a slack is allowed besides.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.plausibility import SpeedLimit

CLOCK_SLACK_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a species is thought to travel.

    Attributes:
        kmh: fastest straight-line travel thought possible.
        source: where it comes from.
        set_by: None for a default.
    """

    kmh: float
    source: str
    set_by: str | None = None


GENERAL = Speed(10.0, "Pugmark's own cautious start for a species without a published figure here: set one for yours.")
TIGER = Speed(
    6.0,
    "Sunquist & Sunquist 2002, Wild Cats of the World: 15 to 32 km a night, rarely 50 to 60 km a day (Amur tigers "
    "tracked in snow); 60 km within ten active hours.",
)
LEOPARD = Speed(
    3.0,
    "Hubel et al. 2018, Proc. R. Soc. B 285: 11 km a day on average, 29 km at most (Okavango, GPS collars); 29 km "
    "within ten active hours.",
)
DEFAULTS = {
    "panthera tigris": TIGER,
    "tiger": TIGER,
    "panthera pardus": LEOPARD,
    "leopard": LEOPARD,
}


def speeds(session: Session) -> dict[str, Speed]:
    """All limits by species in lower case: the defaults, with what people set in their place."""
    rows = session.scalars(sa.select(SpeedLimit))
    return DEFAULTS | {row.species: Speed(row.kmh, row.reason, row.who) for row in rows}


def speed_of(species: str | None, known: dict[str, Speed]) -> Speed:
    """The limit of one species; the general one when it has none of its own."""
    return known.get((species or "").strip().lower(), known.get("", GENERAL))
