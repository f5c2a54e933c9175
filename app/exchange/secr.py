"""Capture and detector files for the R package secr, in the DENSITY text formats that read.capthist reads.

Source: Efford, "Data input for secr" (vignette of the package). Capture file: Session ID Occasion Detector, then
individual covariates. Detector file: Detector X Y and one usage value an occasion. Values separated by blanks, comments
after #, identifiers without blanks, tabs, commas or (for detectors) underscores, coordinates in metres.
"""

from __future__ import annotations

from app.exchange.coordinates import Metres, metres
from app.exchange.csv_text import NO_SIGHTING, described, identifiers_csv
from app.exchange.identifiers import ExportRefused, identifiers
from app.survey.capture.history import CaptureHistory

SESSION = "1"
SEX = {"female": "F", "male": "M"}


def files(history: CaptureHistory, *, exact: bool = False) -> dict[str, str]:
    """captures.txt (detector type proximity), captures-count.txt (count), detectors.txt, identifiers.csv, README.txt.

    Args:
        exact: UTM coordinates; without it their origin is hidden (see `coordinates.may_be_exact`).

    Raises:
        ExportRefused: a station that worked has no coordinates, or there is nothing to write.
    """
    days = history.days_worked()
    working = [place for place in range(len(history.stations)) if days[place].sum() > 0]
    if not history.captures:
        raise ExportRefused(NO_SIGHTING)
    unplaced = [history.stations[place] for place in working if history.stations[place] not in history.places]
    if unplaced:
        raise ExportRefused(
            f"secr needs the coordinates of every station, and {', '.join(unplaced[:8])} "
            f"{'have' if len(unplaced) > 1 else 'has'} none. Fill them in: Stations."
        )
    stations = identifiers((history.stations[place] for place in working), "S")
    animals = identifiers((animal.name for animal in history.individuals), "A")
    used = {history.stations[place]: history.places[history.stations[place]] for place in working}
    placed = metres(used, exact=exact)
    detectors = ["# Detector X Y Usage (days worked, one value an occasion)"]
    for place in working:
        x, y = placed.xy[history.stations[place]]
        usage = " ".join(str(value) for value in days[place])
        detectors.append(f"{stations[history.stations[place]]} {x:.0f} {y:.0f} {usage}")
    return {
        "captures.txt": _captures(history, animals, stations, repeated=False),
        "captures-count.txt": _captures(history, animals, stations, repeated=True),
        "detectors.txt": "\n".join(detectors) + "\n",
        "identifiers.csv": identifiers_csv({"individual": animals, "station": stations}),
        "README.txt": _readme(history, placed),
    }


def _captures(history: CaptureHistory, animals: dict[str, str], stations: dict[str, str], *, repeated: bool) -> str:
    lines = ["# Session ID Occasion Detector Sex"]
    for (place, station, occasion), events in sorted(history.captures.items()):
        animal = history.individuals[place]
        line = f"{SESSION} {animals[animal.name]} {occasion + 1} {stations[history.stations[station]]}"
        lines += [f"{line} {SEX.get(animal.sex or '', 'NA')}"] * (events if repeated else 1)
    return "\n".join(lines) + "\n"


def _readme(history: CaptureHistory, placed: Metres) -> str:
    lines = [
        "Capture history for the R package secr.",
        "",
        "library(secr)",
        "ch <- read.capthist('captures.txt', 'detectors.txt', detector = 'proximity',",
        f"                    noccasions = {history.occasions}, covnames = 'Sex', binary.usage = FALSE)",
        "",
        "For detector = 'count' read captures-count.txt: one line an event. Usage is in days: tell secr about effort",
        "with binary.usage = FALSE, as above.",
        f"X and Y are {placed.words}",
        "",
        *described(history),
    ]
    return "\n".join(lines) + "\n"
