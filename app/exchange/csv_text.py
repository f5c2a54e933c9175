"""Tables as CSV text, and what every capture-recapture export says about itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TextIO

from app.exchange.safe_cells import kept_cell
from app.survey.capture.effort import BROKEN, NOT_SET_UP, WORKED
from app.survey.capture.history import CaptureHistory

CELL = {WORKED: 1, BROKEN: 0, NOT_SET_UP: None}
NO_SIGHTING = "No sighting falls into these occasions."
ASSUMPTIONS = (
    "Every sighting was assigned to its individual by a person; a wrong identity is a wrong history.",
    "An occasion in which no camera worked is NA, not 0. A day counts as worked when a deployment covers it.",
    "A day runs from midnight to midnight of the cameras' local time, clock corrections included.",
    "Sightings of one individual at one station in one event (images closer than the event gap) count once.",
    "Two cameras at one station are one detector.",
    "A tiger's two flanks are different patterns: an individual known from one flank only may be counted twice.",
)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]], missing: str = "") -> str:
    """A CSV table, lines ending in a line feed, whose texts follow the RULE of `safe_cells`.

    Args:
        missing: what stands for None.
    """
    file = io.StringIO()
    write_csv(file, header, rows, missing)
    return file.getvalue()


def write_csv(file: TextIO, header: Sequence[str], rows: Iterable[Sequence[Any]], missing: str = "") -> int:
    """Write such a table a row at a time; returns the number of rows. file: opened without newline translation."""
    writer, count = csv.writer(file, lineterminator="\n"), 0
    writer.writerow(map(kept_cell, header))
    for row in rows:
        writer.writerow([missing if value is None else kept_cell(value) for value in row])
        count += 1
    return count


def identifiers_csv(written: Mapping[str, Mapping[str, str]]) -> str:
    """identifiers.csv: how a format writes the names that it cannot hold as they are.

    Args:
        written: the identifier of each name, by kind (individual, station).
    """
    rows = ((kind, name, short) for kind, names in written.items() for name, short in names.items())
    return csv_text(("kind", "name in Pugmark", "identifier"), rows)


def occasion_starts(history: CaptureHistory) -> list[str]:
    """The first day of each occasion."""
    return [str(history.occasion_start(number)) for number in range(history.occasions)]


def effort_csv(history: CaptureHistory) -> str:
    """A row a station, a column an occasion: days worked."""
    days = history.days_worked()
    rows = ((name, *map(int, days[at])) for at, name in enumerate(history.stations))
    return csv_text(("station", *occasion_starts(history)), rows)


def operation_csv(history: CaptureHistory, corner: str, names: Mapping[str, str]) -> str:
    """A row a station, a column a day: 1 worked, 0 did not, NA not set up.

    Args:
        corner: heads the column of the stations.
        names: what stations are called, where it is not their name.
    """
    window = history.window()
    dates = (str(history.start + timedelta(days=number)) for number in range(window.shape[1]))
    rows = (
        (names.get(name, name), *(CELL[int(day)] for day in window[at])) for at, name in enumerate(history.stations)
    )
    return csv_text((corner, *dates), rows, "NA")


def described(history: CaptureHistory) -> list[str]:
    """The design and what is assumed, a line each; `about` adds what was left out."""
    design = history.design
    lines = [
        f"{len(history.individuals)} individuals, {len(history.stations)} stations, {history.occasions} occasions of "
        f"{design.occasion_days} days from {history.start}; {int(history.days_worked().sum())} station-days worked.",
        f"Species: {design.species or 'all'}. Flank: {design.flank}.",
    ]
    return [*lines, "", "Assumptions:", *(f"- {text}" for text in ASSUMPTIONS)]
