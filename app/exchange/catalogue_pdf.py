"""The catalogue of individuals to print: on each one's pages its best crops by flank, its sightings and a map."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.exchange.coordinates import coarse, may_be_exact, survey_species
from app.exchange.crops_zip import crops
from app.exchange.identifiers import ExportRefused
from app.exchange.pdf_document import FONT, Document
from app.exchange.progress import Report, unheard
from app.survey.individuals import catalogue
from app.survey.individuals.catalogue import CatalogueEntry
from app.survey.individuals.sightings import SightingView, best_crops, sightings
from app.survey.media.stations import deployment_views, places
from app.survey.tables.individuals import Sighting

EACH_FLANK = 3
CROP_HEIGHT, MAP_SIDE, LINE = 38.0, 60.0, 5.0  # mm
AT_ONCE = 200
TABLE = (("Time", 42), ("Station", 70), ("Flank", 24), ("Decided by", 54))  # mm wide
Places = dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Printed:
    """How many individuals were printed, and what could not be, in words."""

    individuals: int
    lacking: str


def write(
    session: Session, data_dir: Path, out: Path, about: Sequence[str], *, exact: bool = False, report: Report = unheard
) -> Printed:
    """Write the catalogue.

    Raises:
        ExportRefused: nobody is named.
    """
    total = catalogue.count(session)
    if not total:
        raise ExportRefused("Nobody is named yet: there is no catalogue to print.")
    exact = may_be_exact(session, asked=exact)
    where = {name: coarse(place, exact=exact) for name, place in places(deployment_views(session)).items()}
    placed = {name: (place[0] or 0.0, place[1] or 0.0) for name, place in where.items()}
    with tempfile.TemporaryDirectory(prefix="fonts-") as scratch:
        document = Document(_texts(session, about), Path(scratch))
        document.add_page()
        document.line_of("Catalogue of individuals", size=22, style="B")
        for text in (*about, document.cannot_print()):
            document.line_of(text)
        for start in range(0, total, AT_ONCE):
            for done, animal in enumerate(catalogue.entries(session, limit=AT_ONCE, offset=start), start=start):
                report(done, total)
                _individual(document, session, data_dir, animal, placed)
        document.output(str(out))
    return Printed(total, document.cannot_print())


def _texts(session: Session, about: Sequence[str]) -> set[str]:
    """Every text that people gave and the pages may show."""
    people = sa.select(Sighting.who).distinct()
    stations = (view.station for view in deployment_views(session))
    return {*about, *catalogue.names(session).values(), *survey_species(session), *stations, *session.scalars(people)}


def _individual(document: Document, session: Session, data_dir: Path, animal: CatalogueEntry, placed: Places) -> None:
    found = sightings(session, animal.id)
    document.add_page()
    document.start_section(document.shown(animal.name))
    document.line_of(animal.name, size=18, style="B")
    facts = [animal.species, animal.sex, animal.age_class, animal.life_status]
    document.line_of(" · ".join(fact for fact in facts if fact) or "Species not set")
    days = f", {animal.first_seen:%Y-%m-%d} to {animal.last_seen:%Y-%m-%d}" if animal.first_seen else ""
    document.line_of(f"{animal.sightings} sightings at {animal.stations} stations{days}")
    for flank, best in best_crops(found, EACH_FLANK).items():
        _crops(document, session, data_dir, flank, best)
    _map(document, placed, {view.station for view in found if view.station})
    _table(document, found)


def _crops(document: Document, session: Session, data_dir: Path, flank: str, best: Sequence[SightingView]) -> None:
    """One row of crops, as wide as the page allows, with the time under each."""
    pictures = [(view, content) for view, content in crops(session, data_dir, best) if content is not None]
    if not pictures:
        return
    if document.will_page_break(CROP_HEIGHT + 3 * LINE):
        document.add_page()
    document.line_of(f"{flank.capitalize()} flank" if flank != "other" else "Other sides", size=10, style="B")
    width, top = document.epw / EACH_FLANK, document.get_y()
    for place, (view, content) in enumerate(pictures):
        left = document.l_margin + place * width
        document.image(io.BytesIO(content), left, top, width - 3, CROP_HEIGHT, keep_aspect_ratio=True)
        document.set_xy(left, top + CROP_HEIGHT)
        document.set_font(FONT, size=7)
        when = f"{view.taken_at:%Y-%m-%d %H:%M}" if view.taken_at else "time unknown"
        document.cell(width - 3, 4, document.fitted(f"{when}, {view.station or 'no station'}", width - 4))
    document.set_xy(document.l_margin, top + CROP_HEIGHT + LINE)


def _map(document: Document, placed: Places, seen: set[str]) -> None:
    """The stations as dots, north up, those that saw it filled; nothing where none of them has a place."""
    if not seen & set(placed):
        return
    if document.will_page_break(MAP_SIDE + 2 * LINE):
        document.add_page()
    document.line_of("Stations: filled where it was seen", size=10, style="B")
    left, top = document.l_margin, document.get_y()
    south, north = min(place[0] for place in placed.values()), max(place[0] for place in placed.values())
    west, east = min(place[1] for place in placed.values()), max(place[1] for place in placed.values())
    span = max(north - south, east - west) or 1.0
    inner = MAP_SIDE - 10
    document.rect(left, top, MAP_SIDE, MAP_SIDE)
    for name, (latitude, longitude) in sorted(placed.items(), key=lambda item: item[0] in seen):
        x, y = left + 5 + (longitude - west) / span * inner, top + 5 + (north - latitude) / span * inner
        document.ellipse(x - 1, y - 1, 2, 2, style="F" if name in seen else "D")
        if name in seen:
            document.set_font(FONT, size=6)
            document.set_xy(x + 1, y - 1.3)
            document.cell(30, 2.6, document.fitted(name, 30))
    document.set_xy(left, top + MAP_SIDE + 2)


def _table(document: Document, found: Sequence[SightingView]) -> None:
    document.line_of("Sightings", size=10, style="B")
    document.set_font(FONT, "B", 8)
    for title, width in TABLE:
        document.cell(width, LINE, title, border="B")
    document.ln()
    document.set_font(FONT, size=8)
    for view in found:
        when = f"{view.taken_at:%Y-%m-%d %H:%M:%S}" if view.taken_at else "unknown"
        for text, (_, width) in zip((when, view.station or "", view.flank, view.who), TABLE, strict=True):
            document.cell(width, LINE, document.fitted(text, width - 2))
        document.ln()
