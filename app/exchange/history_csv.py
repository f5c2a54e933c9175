"""The capture history as plain tables: individuals x occasions, individuals x stations x occasions, effort."""

from __future__ import annotations

from collections.abc import Iterator

from app.exchange.csv_text import csv_text, described, effort_csv, occasion_starts
from app.survey.capture.history import MISSING, CaptureHistory


def files(history: CaptureHistory) -> dict[str, str]:
    """individuals_x_occasions.csv, individuals_x_stations_x_occasions.csv (long), effort.csv (days), README.txt."""
    starts = occasion_starts(history)
    wide = (
        (animal.name, *(None if value == MISSING else int(value) for value in row))
        for animal, row in zip(history.individuals, history.by_occasion(), strict=True)
    )
    return {
        "individuals_x_occasions.csv": csv_text(("individual", *starts), wide, "NA"),
        "individuals_x_stations_x_occasions.csv": csv_text(
            ("individual", "station", "occasion", "occasion_start", "events", "days_worked"), _long(history), "NA"
        ),
        "effort.csv": effort_csv(history),
        "README.txt": "\n".join(["Capture history as tables.", "", *described(history)]) + "\n",
    }


def _long(history: CaptureHistory) -> Iterator[tuple[object, ...]]:
    """Every individual at every station on every occasion; events is NA where the station did not work."""
    days = history.days_worked()
    for place, animal in enumerate(history.individuals):
        for station, name in enumerate(history.stations):
            for occasion in range(history.occasions):
                worked = int(days[station, occasion])
                events: object = history.captures.get((place, station, occasion), 0) if worked else None
                yield animal.name, name, occasion + 1, history.occasion_start(occasion), events, worked
