"""Coordinates that may leave the survey: coarsened for sensitive species, in metres for capture-recapture.

Nothing tells a reader of a file where a sensitive animal is, unless the person who exports asks for exact places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import asinh, atan, atanh, cos, cosh, floor, radians, sin, sinh, sqrt, tan

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.exchange.sensitive import is_sensitive
from app.survey.individuals.catalogue import species_known
from app.survey.individuals.species import stated_species
from app.survey.tables.detections import DetectionReview
from app.survey.tables.individuals import Individual, Sighting

# Chapman 2020, Current Best Practices for Generalizing Sensitive Species Occurrence Data (GBIF): 0.1 degree, about
# 11 km, is the category for species at high risk.
COARSE_DECIMALS = 1


@dataclass(frozen=True, slots=True)
class Metres:
    """Places in metres.

    Attributes:
        zone: UTM zone and hemisphere, None when only the distances between stations are right.
    """

    xy: dict[str, tuple[float, float]]
    zone: str | None

    @property
    def words(self) -> str:
        """What the figures are, in words that follow their names."""
        if self.zone:
            return f"metres in UTM zone {self.zone} (WGS 84)."
        return "metres from a hidden origin: distances are right, the place is not given away."


def survey_species(session: Session) -> list[str]:
    """The species that people named, of individuals or of boxes."""
    named = sa.select(DetectionReview.species).where(DetectionReview.species.is_not(None)).distinct()
    return sorted({*species_known(session), *(name for name in session.scalars(named) if name)})


def may_be_exact(session: Session, *, asked: bool) -> bool:
    """Whether exact places may leave the survey: a person asked for them, or no sensitive species is in it.

    The rule holds for every row of every file. Stations are in all of them by name, so that an exact place in the row
    of a deer would give away the tiger's.
    """
    if asked:
        return True
    species = survey_species(session)
    unnamed = sa.select(Sighting.detection_id).join(Individual, Individual.id == Sighting.individual_id)
    unnamed = unnamed.where(stated_species().is_(None)).limit(1)
    return bool(species) and not any(map(is_sensitive, species)) and session.scalar(unnamed) is None


def coarse(place: tuple[float, float] | None, *, exact: bool) -> tuple[float | None, float | None]:
    """The place with five decimals, or rounded to 0.1 degree where it may not be exact."""
    if place is None:
        return None, None
    decimals = 5 if exact else COARSE_DECIMALS
    return round(place[0], decimals), round(place[1], decimals)


def metres(places: Mapping[str, tuple[float, float]], *, exact: bool) -> Metres:
    """Stations in metres, rounded to one: UTM, or with a hidden origin where they may not be exact.

    With a hidden origin the least x and y are 0; distances, which are all that capture-recapture needs, stay right.
    """
    if not places:
        return Metres({}, None)
    middle = sum(longitude for _, longitude in places.values()) / len(places)
    zone = min(max(floor((middle + 180) / 6) + 1, 1), 60)
    south = sum(latitude for latitude, _ in places.values()) < 0
    xy = {name: transverse_mercator(*place, zone=zone, south=south) for name, place in places.items()}
    if exact:
        return Metres({name: (round(x), round(y)) for name, (x, y) in xy.items()}, f"{zone}{'S' if south else 'N'}")
    left, low = min(x for x, _ in xy.values()), min(y for _, y in xy.values())
    return Metres({name: (round(x - left), round(y - low)) for name, (x, y) in xy.items()}, None)


def transverse_mercator(latitude: float, longitude: float, *, zone: int, south: bool) -> tuple[float, float]:
    """UTM easting and northing in metres (WGS 84), to a few millimetres within the zone and its neighbours.

    Krueger's series to the third order in n (Karney 2011, J. Geodesy 85: 475-485, equations 7 to 11 and 35).
    """
    a, f, k0 = 6378137.0, 1 / 298.257223563, 0.9996
    n = f / (2 - f)
    radius = a / (1 + n) * (1 + n**2 / 4 + n**4 / 64)
    alpha = (
        n / 2 - 2 * n**2 / 3 + 5 * n**3 / 16,
        13 * n**2 / 48 - 3 * n**3 / 5,
        61 * n**3 / 240,
    )
    e = sqrt(f * (2 - f))
    tau = tan(radians(latitude))
    sigma = sinh(e * atanh(e * tau / sqrt(1 + tau * tau)))
    tau_prime = tau * sqrt(1 + sigma * sigma) - sigma * sqrt(1 + tau * tau)
    away = radians(longitude - (6 * zone - 183))
    xi = atan(tau_prime / cos(away)) if cos(away) else 0.0
    eta = asinh(sin(away) / sqrt(tau_prime**2 + cos(away) ** 2))
    x = eta + sum(c * cos(2 * (j + 1) * xi) * sinh(2 * (j + 1) * eta) for j, c in enumerate(alpha))
    y = xi + sum(c * sin(2 * (j + 1) * xi) * cosh(2 * (j + 1) * eta) for j, c in enumerate(alpha))
    return 500_000 + k0 * radius * x, (10_000_000 if south else 0) + k0 * radius * y
