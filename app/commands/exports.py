"""python -m app export FORMAT OUT: write the survey in an exchange format."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from app.commands.output import Bar, CommandFailed, note, tell
from app.exchange.formats import FORMATS
from app.exchange.identifiers import ExportRefused
from app.exchange.images_zip import SORTED_BY
from app.exchange.sizes import measured
from app.exchange.wishes import WORDS, wish_of
from app.exchange.writers import readme_beside
from app.settings import Settings
from app.survey.capture.effort import NoEffort
from app.survey.capture.history import FLANKS
from app.survey.database import Survey, open_survey
from app.survey.individuals.catalogue import names
from modal_backend.weights.whole_file import put, whole_file


def add_arguments(command: ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument("format", choices=FORMATS)
    command.add_argument("out", type=Path)
    command.add_argument("--occasion-days", dest="days", metavar="DAYS", help="days an occasion lasts (default 5)")
    command.add_argument("--start", metavar="DAY", help="first day of the first occasion, as 2024-03-31")
    command.add_argument("--occasions", metavar="NUMBER", help="number of occasions (default: all)")
    command.add_argument("--species", help="individuals of this species only")
    command.add_argument("--flank", choices=FLANKS, help="sightings of one flank only")
    command.add_argument("--individual", metavar="NAME", help="sightings and crops of one individual only")
    command.add_argument("--title", help="Camtrap DP: title of the project")
    command.add_argument(
        "--sampling-design", dest="sampling", metavar="DESIGN", help="Camtrap DP: how stations were chosen, as targeted"
    )
    command.add_argument(
        "--capture-method", dest="method", metavar="METHOD", help="Camtrap DP: activityDetection or timeLapse"
    )
    command.add_argument("--utc-offset", metavar="OFFSET", help="Camtrap DP: what the clocks were set to, as +05:30")
    command.add_argument(
        "--media-url", metavar="URL", help="Camtrap DP: where others find the media, a folder's address"
    )
    command.add_argument("--by", choices=SORTED_BY, help="images: how folders are sorted")
    command.add_argument("--exact", action="store_true", help="exact places, also of sensitive species")


def run(settings: Settings, options: Namespace) -> int:
    """Write one file. Exits with 2 when it cannot be written as asked; the file appears when it is complete."""
    survey, out, kind, began = open_survey(settings, reading=True), options.out, options.format, time.monotonic()
    values = {key: getattr(options, key) for key in WORDS if getattr(options, key, None)}
    values |= {"exact": "yes" if options.exact else "", "who": settings.reviewer}
    if options.individual is not None:
        values |= _individual(survey, options.individual)
    elif kind == "crops":
        raise CommandFailed("Crops are exported of one individual: name it with --individual.", 2)
    note(f"Writing {kind} to {out}.")
    try:
        with Bar("") as bar, whole_file(out) as part:
            holds = FORMATS[kind].write(survey, wish_of(values, bar.report), part)
            if (readme := readme_beside(part)).exists():
                put(readme, readme_beside(out))
    except (ExportRefused, NoEffort, ValueError) as refused:
        raise CommandFailed(str(refused), 2) from refused
    except OSError as error:
        raise CommandFailed(f"{out} cannot be written ({error.strerror}).", 2) from error
    size, seconds = out.stat().st_size, round(time.monotonic() - began, 1)
    value = {"file": str(out), "format": kind, "holds": holds, "bytes": size, "seconds": seconds}
    tell(options.as_json, value, f"{holds} written to {out}: {measured(size)} in {seconds:g} s.")
    return 0


def _individual(survey: Survey, name: str) -> dict[str, str]:
    with survey.read() as session:
        found = [(number, known) for number, known in names(session).items() if known.lower() == name.strip().lower()]
    if not found:
        raise CommandFailed(f"Nobody in the catalogue is called {name}.", 2)
    return {"individual": str(found[0][0]), "name": found[0][1]}
