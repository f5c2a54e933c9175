"""Record table, camera operation matrix and station table for the R package camtrapR.

Source: its reference manual (recordTableIndividual, cameraOperation, camtraps, spatialDetectionHistory). Operation
matrix: a row a station, a column a date (YYYY-MM-DD); NA not set up, 0 not working, 1 working. Two underscores separate
station, camera and session in its row names, so they do not occur in ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import groupby

from app.exchange.coordinates import Metres, metres
from app.exchange.csv_text import NO_SIGHTING, csv_text, described, identifiers_csv, operation_csv
from app.exchange.identifiers import ExportRefused
from app.survey.capture.effort import WORKED
from app.survey.capture.history import CaptureHistory
from app.survey.individuals.sightings import SightingView

RECORD_COLUMNS = (
    "Station", "Species", "Individual", "DateTimeOriginal", "Date", "Time", "Directory", "FileName", "n_images",
    "Sex", "AgeClass", "Flank",
)  # fmt: skip


def files(history: CaptureHistory, paths: Mapping[int, str], *, exact: bool = False) -> dict[str, str]:
    """record_table.csv, camera_operation.csv, stations.csv, README.txt.

    Args:
        paths: a media's file path by media id.
        exact: UTM coordinates; without it their origin is hidden (see `coordinates.may_be_exact`).

    Raises:
        ExportRefused: there is no sighting.
    """
    if not history.used:
        raise ExportRefused(NO_SIGHTING)
    placed = metres(history.places, exact=exact)
    names = station_names(history.stations)
    return {
        "record_table.csv": csv_text(RECORD_COLUMNS, _records(history, paths, names), "NA"),
        "camera_operation.csv": operation_csv(history, "", names),
        "stations.csv": _stations(history, placed.xy, names),
        "identifiers.csv": identifiers_csv({"station": names}),
        "README.txt": _readme(history, placed),
    }


def station_name(name: str) -> str:
    """A station's name without the double underscore that camtrapR keeps for cameras and sessions."""
    return re.sub(r"_{2,}", "_", name)


def station_names(names: Iterable[str]) -> dict[str, str]:
    """A name that camtrapR reads for each station, and never the same for two."""
    found: dict[str, str] = {}
    for name in sorted(names, key=lambda name: (station_name(name) != name, name)):
        base, again = station_name(name), 1
        while (written := base if again == 1 else f"{base}-{again}") in found.values():
            again += 1
        found[name] = written
    return found


def _records(history: CaptureHistory, paths: Mapping[int, str], names: Mapping[str, str]) -> list[tuple[object, ...]]:
    animals = {animal.id: animal for animal in history.individuals}

    def key(sighting: SightingView) -> tuple[str, int, tuple[str, int]]:
        return str(sighting.station), sighting.individual_id, sighting.unit

    rows: list[tuple[object, ...]] = []
    for (station, individual_id, _), group in groupby(sorted(history.used, key=key), key=key):
        same = sorted(group, key=lambda sighting: (sighting.taken_at, sighting.media_id))
        first, animal = same[0], animals[individual_id]
        assert first.taken_at is not None
        folder, _, name = paths.get(first.media_id, "").rpartition("/")
        flanks = {sighting.flank for sighting in same} & {"left", "right"}
        rows.append(
            (
                names[station], animal.species or "unnamed", animal.name,
                f"{first.taken_at:%Y-%m-%d %H:%M:%S}", first.taken_at.date(), f"{first.taken_at:%H:%M:%S}",
                folder, name, len({sighting.media_id for sighting in same}),
                animal.sex, animal.age_class,
                "+".join(sorted(flanks)) or None,
            )
        )  # fmt: skip
    return sorted(rows, key=lambda row: (str(row[0]), str(row[3]), str(row[2])))


def _stations(history: CaptureHistory, xy: Mapping[str, tuple[float, float]], names: Mapping[str, str]) -> str:
    window = history.window()
    gaps = [_gaps(list(map(int, row)), history.start) for row in window]
    most = max((len(gap[2]) for gap in gaps if gap), default=0)
    header = ["Station", "utm_x", "utm_y", "Setup_date", "Retrieval_date"]
    header += [f"Problem{number}_{end}" for number in range(1, most + 1) for end in ("from", "to")]
    rows: list[list[object]] = []
    for place, name in enumerate(history.stations):
        found = gaps[place]
        if found is None:
            continue
        first, last, problems = found
        x, y = xy.get(name, (None, None))
        days = [str(day) for problem in problems for day in problem]
        rows.append([names[name], x, y, first, last, *days, *[""] * (2 * most - len(days))])
    return csv_text(header, rows, "NA")


def _gaps(states: list[int], start: date) -> tuple[date, date, list[tuple[date, date]]] | None:
    """First and last day worked, and the periods in between without work; None when it never worked."""
    worked = [number for number, state in enumerate(states) if state == WORKED]
    if not worked:
        return None
    problems, at = [], worked[0]
    for works, group in groupby(states[worked[0] : worked[-1] + 1], key=lambda state: state == WORKED):
        length = len(list(group))
        if not works:
            problems.append((start + timedelta(days=at), start + timedelta(days=at + length - 1)))
        at += length
    return start + timedelta(days=worked[0]), start + timedelta(days=worked[-1]), problems


def _readme(history: CaptureHistory, placed: Metres) -> str:
    known = (animal.species for animal in history.individuals if animal.species)
    species = history.design.species or next(known, "unnamed")
    lines = [
        "Tables for the R package camtrapR.",
        "",
        "library(camtrapR)",
        "records  <- read.csv('record_table.csv')",
        "stations <- read.csv('stations.csv')",
        "camop    <- as.matrix(read.csv('camera_operation.csv', row.names = 1, check.names = FALSE))",
        f"sdh <- spatialDetectionHistory(records, species = '{species}', camOp = camop, CTtable = stations,",
        "         output = 'binary', Xcol = 'utm_x', Ycol = 'utm_y', individualCol = 'Individual',",
        f"         occasionLength = {history.design.occasion_days}, day1 = 'survey', timeZone = 'UTC')",
        "",
        "Times are the cameras' local times; timeZone = 'UTC' only keeps R from shifting them.",
        "A row of record_table.csv is one event of one individual at one station: its first image, and how many.",
        "camera_operation.csv: NA not set up, 0 set up but not working, 1 working. In stations.csv days between two",
        "deployments of one station are a problem period.",
        f"utm_x and utm_y are {placed.words}",
        "",
        *described(history),
    ]
    return "\n".join(lines) + "\n"
