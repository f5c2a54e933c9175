"""python -m app export FORMAT OUT: write the survey in an exchange format."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import date
from pathlib import Path

from app.commands.output import CommandFailed, tell
from app.exchange.camtrap_dp import Statement
from app.exchange.formats import FORMATS
from app.exchange.identifiers import ExportRefused
from app.exchange.images_zip import SORTED_BY
from app.exchange.writers import Wish
from app.settings import Settings
from app.survey.capture.effort import NoEffort
from app.survey.capture.history import FLANKS, Design
from app.survey.database import Survey, open_survey
from app.survey.individuals.catalogue import names
from modal_backend.weights.whole_file import whole_file


def add_arguments(command: ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument("format", choices=FORMATS)
    command.add_argument("out", type=Path)
    command.add_argument("--occasion-days", type=int, default=5, help="days an occasion lasts (default 5)")
    command.add_argument("--start", metavar="DAY", help="first day of the first occasion, as 2024-03-31")
    command.add_argument("--occasions", type=int, help="number of occasions (default: all)")
    command.add_argument("--species", help="individuals of this species only")
    command.add_argument("--flank", choices=FLANKS, default="any", help="sightings of one flank only")
    command.add_argument("--individual", metavar="NAME", help="sightings and crops of one individual only")
    command.add_argument("--title", default="Camera-trap survey", help="Camtrap DP: title of the project")
    command.add_argument("--sampling-design", default="", help="Camtrap DP: how stations were chosen, as targeted")
    command.add_argument("--capture-method", default="", help="Camtrap DP: activityDetection or timeLapse")
    command.add_argument("--utc-offset", metavar="OFFSET", help="Camtrap DP: what the clocks were set to, as +05:30")
    command.add_argument("--by", choices=SORTED_BY, default=SORTED_BY[0], help="images: how folders are sorted")
    command.add_argument("--exact", action="store_true", help="exact places, also of sensitive species")


def run(settings: Settings, options: Namespace) -> int:
    """Write one file. Exits with 2 when it cannot be written as asked; the file appears when it is complete."""
    survey, out, kind = open_survey(settings), options.out, options.format
    design = Design(options.occasion_days, _day(options.start), options.occasions, options.species, options.flank)
    statement = Statement(options.title, options.sampling_design, options.capture_method, options.utc_offset)
    wish = Wish(
        design, options.exact, _individual(survey, options.individual), statement, settings.reviewer, options.by
    )
    if kind == "crops" and wish.individual_id is None:
        raise CommandFailed("Crops are exported of one individual: name it with --individual.", 2)
    try:
        with whole_file(out) as part:
            told = FORMATS[kind].write(survey, wish, part)
    except (ExportRefused, NoEffort) as refused:
        raise CommandFailed(str(refused), 2) from refused
    except OSError as error:
        raise CommandFailed(f"{out} cannot be written ({error.strerror}).", 2) from error
    tell(options.as_json, {"file": str(out), "format": kind, "holds": told}, f"{told} written to {out}.")
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
