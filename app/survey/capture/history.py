"""Capture history: individuals x occasions and individuals x stations x occasions, with the effort behind them.

A day runs from midnight to midnight of the camera's local time. An occasion in which a camera did not work is NA for
it, not 0. A picture proves that its camera worked that day, whatever was entered for the deployment; a note says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from app.survey.capture.effort import WORKED, Effort, NoEffort, effort
from app.survey.individuals.sightings import SightingView, sightings
from app.survey.individuals.species import stated_species
from app.survey.media.stations import deployment_views, places
from app.survey.tables.individuals import Individual

MISSING = -1
FLANKS = ("any", "left", "right")
MOST_OCCASIONS = 1000
AT_ONCE = timedelta(seconds=60)  # paired cameras: as close as media of one event


@dataclass(frozen=True, slots=True)
class Design:
    """What a capture history is made of.

    Attributes:
        start: None for the first day a camera worked.
        flank: any, left or right.
        species: None for all.
        occasions: None for as many as the effort holds.
    """

    occasion_days: int = 5
    start: date | None = None
    occasions: int | None = None
    species: str | None = None
    flank: str = "any"


@dataclass(frozen=True, slots=True)
class Captured:
    """One row of a capture history.

    Attributes:
        flanks: which sides of it are known in the whole catalogue.
    """

    id: int
    name: str
    species: str | None
    sex: str | None
    age_class: str | None
    flanks: frozenset[str]


@dataclass(frozen=True, slots=True)
class CaptureHistory:
    """Who was seen where and when.

    Attributes:
        captures: sightings as (individual, station, occasion) -> number of events; indices from 0.
        places: latitude and longitude of the stations that have some.
        effort: days.
        used: the sightings that count.
        notes: what was left out or taken from elsewhere, in sentences.
    """

    design: Design
    start: date
    occasions: int
    individuals: tuple[Captured, ...]
    effort: Effort
    captures: dict[tuple[int, int, int], int]
    places: dict[str, tuple[float, float]]
    used: tuple[SightingView, ...]
    notes: tuple[str, ...]

    @property
    def stations(self) -> tuple[str, ...]:
        """The stations, in the order of the effort's rows."""
        return self.effort.stations

    def days_worked(self) -> NDArray[np.int64]:
        """Stations x occasions: days each station worked."""
        worked = self.window() == WORKED
        edges = np.arange(0, worked.shape[1], self.design.occasion_days)
        return np.add.reduceat(worked.astype(np.int64), edges, axis=1)

    def window(self) -> NDArray[np.int8]:
        """Stations x days of all occasions, as in `Effort.days`."""
        first = (self.start - self.effort.start).days
        return self.effort.days[:, first : first + self.occasions * self.design.occasion_days]

    def occasion_start(self, number: int) -> date:
        """First day of an occasion counted from 0."""
        return self.start + timedelta(days=number * self.design.occasion_days)

    def by_occasion(self) -> NDArray[np.int8]:
        """Individuals x occasions: 1 seen, 0 not seen, -1 where no camera worked."""
        table = np.zeros((len(self.individuals), self.occasions), np.int8)
        table[:, self.days_worked().sum(axis=0) == 0] = MISSING
        for animal, _, occasion in self.captures:
            table[animal, occasion] = 1
        return table

    def events(self) -> NDArray[np.int64]:
        """Events of each individual."""
        counts = np.zeros(len(self.individuals), np.int64)
        for (animal, _, _), events in self.captures.items():
            counts[animal] += events
        return counts


def capture_history(session: Session, design: Design) -> CaptureHistory:
    """Build a capture history. Reads every sighting: not for a page's script. Raises NoEffort.

    NoEffort also says when the chosen start lies outside the effort or the occasions are too many.
    """
    deployments = deployment_views(session)
    worked = effort(session, deployments)
    start, occasions = _grid(design, worked)
    found = sightings(session)
    animals = {animal.id: animal for animal in _animals(session, found) if _wanted(animal, design)}
    notes = _effort_notes(worked, design, start, occasions)
    found = [sighting for sighting in found if sighting.individual_id in animals]
    used, captures = _captures(found, design, worked, start, occasions)
    notes += _left_out(found, used, design)
    notes += _proved(used, worked)
    seen = {sighting.individual_id for sighting in used}
    rows = sorted((animals[number] for number in seen), key=lambda animal: animal.name)
    order = {animal.id: place for place, animal in enumerate(rows)}
    counted = {(order[who], station, occasion): count for (who, station, occasion), count in captures.items()}
    return CaptureHistory(
        design, start, occasions, tuple(rows), worked, counted, places(deployments), tuple(used),
        tuple(notes + _flank_notes(rows, design)),
    )  # fmt: skip


def _grid(design: Design, worked: Effort) -> tuple[date, int]:
    start = design.start or worked.start
    if design.occasion_days < 1:
        raise NoEffort("An occasion lasts at least one day.")
    if not worked.start <= start <= worked.end:
        raise NoEffort(f"No camera worked after {start}: cameras worked from {worked.start} to {worked.end}.")
    held = -(-((worked.end - start).days + 1) // design.occasion_days)
    occasions = min(design.occasions or held, held)
    if occasions > MOST_OCCASIONS:
        raise NoEffort(f"{occasions} occasions are more than {MOST_OCCASIONS}: choose longer ones.")
    return start, occasions


def _animals(session: Session, found: Sequence[SightingView]) -> list[Captured]:
    flanks: dict[int, set[str]] = {}
    for sighting in found:
        flanks.setdefault(sighting.individual_id, set()).add(sighting.flank)
    rows = session.execute(
        sa.select(
            Individual.id, Individual.name, stated_species().label("species"), Individual.sex, Individual.age_class
        )
    )
    return [
        Captured(row.id, row.name, row.species, row.sex, row.age_class, frozenset(flanks[row.id]))
        for row in rows
        if row.id in flanks
    ]


def _wanted(animal: Captured, design: Design) -> bool:
    return design.species is None or (animal.species or "").lower() == design.species.lower()


def _captures(
    found: Sequence[SightingView], design: Design, worked: Effort, start: date, occasions: int
) -> tuple[list[SightingView], Counter[tuple[int, int, int]]]:
    """The sightings that fall into an occasion, and the events they make by (individual id, station, occasion)."""
    station_of = {name: place for place, name in enumerate(worked.stations)}
    used, seen = [], set()
    same = _seen_by_both(found)
    captures: Counter[tuple[int, int, int]] = Counter()
    for sighting in found:
        if sighting.taken_at is None or sighting.station not in station_of:
            continue
        if design.flank != "any" and sighting.flank != design.flank:
            continue
        occasion = (sighting.taken_at.date() - start).days // design.occasion_days
        if not 0 <= occasion < occasions:
            continue
        used.append(sighting)
        key = (sighting.individual_id, station_of[sighting.station], occasion)
        unit = same.get((sighting.individual_id, sighting.unit), sighting.unit)
        if (key, unit) not in seen:
            seen.add((key, unit))
            captures[key] += 1
    return used, captures


def _seen_by_both(found: Sequence[SightingView]) -> dict[tuple[int, tuple[str, int]], tuple[str, int]]:
    """For an individual before both cameras of a station at once: the first camera's event, by the other's."""
    timed = [(sighting, sighting.taken_at) for sighting in found if sighting.taken_at and sighting.station]
    timed.sort(key=lambda row: (row[0].individual_id, str(row[0].station), row[1]))
    same: dict[tuple[int, tuple[str, int]], tuple[str, int]] = {}
    for (before, then), (after, now) in pairwise(timed):
        if before.individual_id != after.individual_id or before.station != after.station:
            continue
        if before.deployment_id != after.deployment_id and now - then <= AT_ONCE:
            first = same.get((before.individual_id, before.unit), before.unit)
            if first != after.unit:
                same.setdefault((after.individual_id, after.unit), first)
    return same


def _effort_notes(worked: Effort, design: Design, start: date, occasions: int) -> list[str]:
    notes = []
    if worked.from_media:
        notes.append(
            f"For {len(worked.from_media)} deployments nobody said when the camera worked: the days from its first to "
            f"its last image are taken ({_some(worked.from_media)}). Quiet days before and after are missing then."
        )
    if worked.without_days:
        notes.append(f"Deployments without any day, left out: {_some(worked.without_days)}.")
    days_left = (worked.end - start).days + 1 - (occasions - 1) * design.occasion_days
    if 0 < days_left < design.occasion_days:
        notes.append(f"The last occasion has {days_left} of {design.occasion_days} days.")
    return notes


def _left_out(found: Sequence[SightingView], used: Sequence[SightingView], design: Design) -> list[str]:
    counts: Counter[str] = Counter()
    kept = {sighting.detection_id for sighting in used}
    for sighting in found:
        if sighting.detection_id in kept:
            continue
        if sighting.taken_at is None:
            counts["without a capture time"] += 1
        elif sighting.station is None:
            counts["without a station"] += 1
        elif design.flank != "any" and sighting.flank != design.flank:
            counts[f"of another or an unknown flank than {design.flank}"] += 1
        else:
            counts["outside the occasions"] += 1
    notes = [f"Sightings {why}, left out: {count:,}." for why, count in sorted(counts.items())]
    gone = len({sighting.individual_id for sighting in found} - {sighting.individual_id for sighting in used})
    return [*notes, f"Individuals with no sighting left, not in the table: {gone:,}."] if gone else notes


def _proved(used: Sequence[SightingView], worked: Effort) -> list[str]:
    """Marks the days of sightings as worked and tells where that contradicts what was said."""
    station_of = {name: place for place, name in enumerate(worked.stations)}
    days = {
        (station_of[str(sighting.station)], sighting.taken_at.date())
        for sighting in used
        if sighting.taken_at is not None
    }
    contradicted: Counter[str] = Counter()
    for station, day in days:
        at = (day - worked.start).days
        if 0 <= at < worked.days.shape[1] and worked.days[station, at] != WORKED:
            worked.days[station, at] = WORKED
            contradicted[worked.stations[station]] += 1
    if not contradicted:
        return []
    counts = ", ".join(f"{name}: {count}" for name, count in sorted(contradicted.items()))
    return [f"Sightings on days when the camera is said not to have worked: these days count as worked ({counts})."]


def _flank_notes(animals: Sequence[Captured], design: Design) -> list[str]:
    notes = []
    if len({animal.species for animal in animals}) > 1:
        notes.append("The table holds individuals of more than one species, or of none: choose one for an analysis.")
    left = sum("left" in animal.flanks and "right" not in animal.flanks for animal in animals)
    right = sum("right" in animal.flanks and "left" not in animal.flanks for animal in animals)
    if design.flank == "any" and left and right:
        notes.append(
            f"{left} individuals are known from the left flank only and {right} from the right only: some of them may "
            "be the same animals. Use one flank, or join them under Flanks."
        )
    return notes


def _some(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
