"""How big a file each format will be, about, before it is written."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.individuals import catalogue
from app.survey.tables.individuals import Sighting
from app.survey.tables.media import Media

# Bytes of a sighting or of a media with one box, as written of a generated survey of 300,000 media (COCO: of the length
# of a row).
SIGHTING = {"sightings": 200, "sightings-xlsx": 60}
MEDIA = {"camtrap-dp": 30, "megadetector": 150, "coco": 480}
INDIVIDUAL = {"catalogue": 150_000}  # with some crops
# Seconds a media, a sighting or an image takes, about, and any format at least.
SECONDS_A_MEDIA = {"camtrap-dp": 4e-4, "megadetector": 1e-4, "coco": 2e-4, "images": 0.02}
SECONDS_A_SIGHTING = {"sightings": 1e-4, "sightings-xlsx": 2e-4, "catalogue": 0.005}
SECONDS_AT_LEAST = 0.2


def sizes(session: Session) -> dict[str, int]:
    """Bytes of each format whose size grows with the survey, about."""
    image = sa.case((Media.kind == "image", Media.bytes), else_=0)
    count, stored = session.execute(sa.select(sa.func.count(Media.id), sa.func.sum(image))).one()
    sighted = session.scalar(sa.select(sa.func.count(Sighting.detection_id))) or 0
    found = {key: each * sighted for key, each in SIGHTING.items()}
    found |= {key: each * count for key, each in MEDIA.items()}
    found |= {key: each * catalogue.count(session) for key, each in INDIVIDUAL.items()}
    found["images"] = int(stored or 0)
    return found | {"everything": sum(found.values())}


def expected_seconds(session: Session, keys: Iterable[str]) -> dict[str, float]:
    """How long each of these formats takes to write, about: for shares of a whole, not for a clock."""
    media = session.scalar(sa.select(sa.func.count(Media.id))) or 0
    sighted = session.scalar(sa.select(sa.func.count(Sighting.detection_id))) or 0
    return {
        key: SECONDS_AT_LEAST + SECONDS_A_MEDIA.get(key, 0.0) * media + SECONDS_A_SIGHTING.get(key, 0.0) * sighted
        for key in keys
    }


def measured(size: int) -> str:
    """The size of a file that is there: 34 KB, 1.2 MB, 3.4 GB."""
    if size < 1e6:
        return f"{max(size / 1e3, 1):,.0f} KB"
    return f"{size / 1e6:,.1f} MB" if size < 1e9 else f"{size / 1e9:,.1f} GB"


def size_text(size: int) -> str:
    """A size as people write it at the start of a sentence: Under 1 MB, About 12 MB, About 3.4 GB."""
    if size < 1_000_000:
        return "Under 1 MB"
    return f"About {size / 1e6:,.0f} MB" if size < 1e9 else f"About {size / 1e9:,.1f} GB"
