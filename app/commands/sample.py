"""python -m app sample: draw the synthetic sample survey and take it in."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from app.commands import imports
from app.sample.demo_survey import sample_import
from app.settings import Settings
from app.survey.database import open_survey


def add_arguments(command: ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument("--wait", action="store_true", help="return when every picture is done")


def run(settings: Settings, options: Namespace) -> int:
    """Exit status as for import."""
    survey = open_survey(settings)
    import_id = sample_import(survey)
    if not options.wait:
        return imports.queue(survey, settings, import_id, options.as_json)
    return imports.report(survey, imports.wait_for(survey, settings, import_id), options.as_json)
