"""individuals.csv of a Camtrap DP: the catalogue as a resource of its own, which the standard allows and ignores."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.exchange.camtrap_dp_rows import LIFE_STAGES
from app.exchange.camtrap_dp_schema import COLUMNS, write_table
from app.exchange.safe_cells import kept_present
from app.survey.individuals import catalogue
from app.survey.media.stations import DeploymentView

TYPES = {"firstSeen": "date", "lastSeen": "date", "sightings": "integer", "stations": "integer"}
RESOURCE: dict[str, Any] = {
    "name": "individuals", "path": "individuals.csv", "profile": "tabular-data-resource", "format": "csv",
    "mediatype": "text/csv", "encoding": "utf-8",
    "schema": {
        "fields": [{"name": name, "type": TYPES.get(name, "string")} for name in COLUMNS["individuals"]],
        "missingValues": [""], "primaryKey": "individualID",
    },
}  # fmt: skip
AT_ONCE = 20  # each with all its sightings


def write(session: Session, package: zipfile.ZipFile) -> None:
    """Write the catalogue; days are those of the cameras' clocks, corrections included."""
    write_table(package, "individuals", COLUMNS["individuals"], _rows(session))


def changed_names(session: Session, deployments: Sequence[DeploymentView]) -> dict[str, dict[str, str]]:
    """The names that the package writes otherwise, by kind; empty when there are none."""
    names = {
        "deployment": [deployment.name for deployment in deployments],
        "station": [deployment.station for deployment in deployments],
        "individual": list(catalogue.names(session).values()),
    }
    found = {
        kind: {name: str(kept_present(name)) for name in listed if kept_present(name) != name}
        for kind, listed in names.items()
    }
    return found if any(found.values()) else {}


def _rows(session: Session) -> Iterator[tuple[object, ...]]:
    for start in range(0, catalogue.count(session), AT_ONCE):
        for animal in catalogue.entries(session, limit=AT_ONCE, offset=start):
            yield (
                kept_present(animal.name), animal.species, animal.sex,
                LIFE_STAGES.get(animal.age_class or ""), animal.life_status,
                _day(animal.first_seen), _day(animal.last_seen), animal.sightings, animal.stations,
            )  # fmt: skip


def _day(at: datetime | None) -> str | None:
    return at.date().isoformat() if at else None
