"""python -m app export FORMAT OUT: write the survey in an exchange format."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from app.commands.output import CommandFailed, tell
from app.exchange.camtrap_dp import Statement
from app.exchange.formats import FORMATS, Wish
from app.exchange.identifiers import ExportRefused
from app.settings import Settings
from app.survey.capture.effort import NoEffort
from app.survey.capture.history import Design
from app.survey.database import Survey, open_survey
from app.survey.individuals.catalogue import names
from modal_backend.weights.whole_file import whole_file


def run(
    settings: Settings,
    kind: str,
    out: Path,
    *,
    as_json: bool,
    occasion_days: int = 5,
    start: str | None = None,
    occasions: int | None = None,
    species: str | None = None,
    flank: str = "any",
    individual: str | None = None,
    exact: bool = False,
    said: tuple[str, str, str, str | None] = ("", "", "", None),
) -> int:
    """Write one file. Exits with 2 when it cannot be written as asked; the file appears when it is complete."""
    survey = open_survey(settings)
    design = Design(occasion_days, _day(start), occasions, species, flank)
    wish = Wish(design, exact, _individual(survey, individual), Statement(*said), settings.reviewer)
    if kind == "crops" and wish.individual_id is None:
        raise CommandFailed("Crops are exported of one individual: name it with --individual.", 2)
    try:
        with whole_file(out) as part:
            told = FORMATS[kind].write(survey, wish, part)
    except (ExportRefused, NoEffort) as refused:
        raise CommandFailed(str(refused), 2) from refused
    except OSError as error:
        raise CommandFailed(f"{out} cannot be written ({error.strerror}).", 2) from error
    tell(as_json, {"file": str(out), "format": kind, "holds": told}, f"{told} written to {out}.")
    return 0


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise CommandFailed(f"{text} is not a day: write it as 2024-03-31.", 2) from error


def _individual(survey: Survey, name: str | None) -> int | None:
    if name is None:
        return None
    with survey.read() as session:
        found = [number for number, one in names(session).items() if one.lower() == name.strip().lower()]
    if not found:
        raise CommandFailed(f"Nobody in the catalogue is called {name}.", 2)
    return found[0]
