"""When each camera worked and which species it saw: operation matrix, and detection histories for occupancy models.

Source: MacKenzie et al. 2002, Ecology 83: 2248-2255 (a row a site, a column a visit: 1 detected, 0 not, NA not
visited); the R package unmarked, `unmarkedFrameOccu`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import files as names_of_files
from app.exchange.csv_text import csv_text, effort_csv, occasion_starts, operation_csv
from app.exchange.identifiers import ExportRefused
from app.survey.capture.history import CaptureHistory
from app.survey.individuals.species import stated_species
from app.survey.tables.deployments import Deployment
from app.survey.tables.detections import Detection, DetectionReview, MediaReview
from app.survey.tables.individuals import Individual, Sighting
from app.survey.tables.media import Media

Cells = dict[str, Counter[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class SpeciesSeen:
    """A species at a station at a time (camera-local, corrections included); unit: the event, or the media alone."""

    species: str
    station: str
    taken_at: datetime
    unit: tuple[str, int]


def species_seen(session: Session) -> list[SpeciesSeen]:
    """Every event in which people named a species, by its box or by its individual."""
    species = sa.func.coalesce(DetectionReview.species, stated_species())
    rows = session.execute(
        sa.select(species, Deployment.station, sa.func.min(Media.taken_at), Media.event_id, sa.func.min(Media.id))
        .select_from(Detection)
        .join(Media, Media.id == Detection.media_id)
        .join(Deployment, Deployment.id == Media.deployment_id)
        .outerjoin(DetectionReview, DetectionReview.detection_id == Detection.id)
        .outerjoin(MediaReview, MediaReview.media_id == Media.id)
        .outerjoin(Sighting, Sighting.detection_id == Detection.id)
        .outerjoin(Individual, Individual.id == Sighting.individual_id)
        .where(
            sa.or_(DetectionReview.species.is_not(None), Sighting.detection_id.is_not(None)),
            sa.func.coalesce(DetectionReview.verdict, "") != "rejected",
            sa.func.coalesce(MediaReview.verdict, "") != "blank",
            Media.taken_at.is_not(None),
        )
        .group_by(species, Deployment.station, Media.event_id, sa.case((Media.event_id.is_(None), Media.id)))
    )
    return [
        SpeciesSeen(row[0], row[1], row[2], ("event", row[3]) if row[3] is not None else ("media", row[4]))
        for row in rows
        if row[0] and row[2]
    ]


def operation(history: CaptureHistory) -> dict[str, str]:
    """operation.csv (a row a station, a column a day: 1 worked, 0 did not, NA not set up), effort.csv, README.txt."""
    lines = [
        "When each station's cameras worked, by day (operation.csv) and in days an occasion (effort.csv).",
        "1 worked, 0 was set up and did not work, NA was not set up. Two cameras of a station are one row: 1 when one",
        "of them worked.",
        "R: camop <- as.matrix(read.csv('operation.csv', row.names = 1, check.names = FALSE))",
        *_grid_lines(history),
    ]
    return {
        "operation.csv": operation_csv(history, "station", {}),
        "effort.csv": effort_csv(history),
        "README.txt": "\n".join(lines) + "\n",
    }


def detection_histories(history: CaptureHistory, seen: Iterable[SpeciesSeen]) -> dict[str, str]:
    """A matrix for each species (station x occasion), detections.csv with all of them in rows, operation and effort.

    Raises:
        ExportRefused: nobody named a species within the occasions.
    """
    cells, outside = _cells(history, seen)
    if not cells:
        raise ExportRefused("No box has a species within these occasions: set species on Detections first.")
    starts = occasion_starts(history)
    found, listed, taken = operation(history), [], set()
    for number, species in enumerate(sorted(cells), start=1):
        name = names_of_files.name_of_text(species, f"species-{number}")
        name = f"{name}-{number}" if name.lower() in taken else name
        taken.add(name.lower())
        rows = ((station, *_row(history, cells[species], at)) for at, station in enumerate(history.stations))
        found[f"species/{name}.csv"] = csv_text(("station", *starts), rows, "NA")
        listed.append((species, f"species/{name}.csv", sum(cells[species].values())))
    found["species.csv"] = csv_text(("species", "file", "events"), listed)
    found["detections.csv"] = csv_text(
        ("species", "station", "occasion", "occasion_start", "detected", "events", "days_worked"),
        _long(history, cells), "NA",
    )  # fmt: skip
    found["README.txt"] = "\n".join(_readme(history, outside)) + "\n"
    return found


def _cells(history: CaptureHistory, seen: Iterable[SpeciesSeen]) -> tuple[Cells, int]:
    """Events by species, station and occasion, and how many lie outside."""
    at_station = {name: at for at, name in enumerate(history.stations)}
    cells: Cells = {}
    outside, counted = 0, set()
    for sighting in seen:
        occasion = (sighting.taken_at.date() - history.start).days // history.design.occasion_days
        if sighting.station not in at_station or not 0 <= occasion < history.occasions:
            outside += 1
            continue
        key = (sighting.species, at_station[sighting.station], occasion, sighting.unit)
        if key not in counted:
            counted.add(key)
            cells.setdefault(sighting.species, Counter())[key[1:3]] += 1
    return cells, outside


def _row(history: CaptureHistory, cells: Counter[tuple[int, int]], station: int) -> list[int | None]:
    days = history.days_worked()[station]
    return [1 if cells[station, at] else 0 if days[at] else None for at in range(history.occasions)]


def _long(history: CaptureHistory, cells: Cells) -> Iterable[tuple[object, ...]]:
    days = history.days_worked()
    for species in sorted(cells):
        for at, station in enumerate(history.stations):
            for occasion, detected in enumerate(_row(history, cells[species], at)):
                start, events = history.occasion_start(occasion), cells[species][at, occasion]
                worked = int(days[at, occasion])
                yield species, station, occasion + 1, str(start), detected, None if detected is None else events, worked


def _grid_lines(history: CaptureHistory) -> list[str]:
    return [f"{history.occasions} occasions of {history.design.occasion_days} days from {history.start}."]


def _readme(history: CaptureHistory, outside: int) -> list[str]:
    return [
        "Detection histories for occupancy models: one file a species in species/, listed in species.csv.",
        "1: the species was seen there, 0: a camera worked and did not see it, NA: no camera worked.",
        "detections.csv has the same in rows, with the number of events and the days worked as effort.",
        "A species counts where a person set it on a box or on an individual; what a model guessed does not.",
        "R: y <- as.matrix(read.csv('species/NAME.csv', row.names = 1, check.names = FALSE))",
        "   effort <- as.matrix(read.csv('effort.csv', row.names = 1))",
        "   unmarked::unmarkedFrameOccu(y = y, obsCovs = list(effort = effort))",
        *_grid_lines(history),
        *([f"{outside:,} events lie outside these occasions or have no station with known days."] if outside else []),
    ]
