"""python -m app sample: draw the synthetic sample survey and take it in."""

from __future__ import annotations

from app.commands import imports
from app.sample.demo_survey import sample_import
from app.settings import Settings
from app.survey.database import open_survey


def run(settings: Settings, *, wait: bool, as_json: bool) -> int:
    """Exit status as for import."""
    survey = open_survey(settings)
    import_id = sample_import(survey)
    if not wait:
        return imports.queue(survey, settings, import_id, as_json)
    return imports.report(survey, imports.wait_for(survey, settings, import_id), as_json)
