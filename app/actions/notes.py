"""What a page asks for: keep a file, start a run, try it with the example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from app.actions.needs import needs
from app.jobs.queue import Jobs
from app.notes import example
from app.notes.sources import keep, settings_of
from app.survey.database import Survey
from app.survey.notes import notes as survey_notes
from app.survey.roles import Role
from app.survey.tables.notes import NoteRun


@needs(Role.REVIEWER)
def keep_file(
    survey: Survey,
    label: str,
    table: pd.DataFrame,
    columns: Mapping[str, str | None],
    who: str,
    month_first: bool | None = None,
) -> int:
    """Keep a table of notes, see `sources.keep`; returns the file's id. Raises BadNotes."""
    with survey.write() as session:
        return keep(session, label, table, columns, who, month_first=month_first).id


@needs(Role.REVIEWER)
def start(survey: Survey, jobs: Jobs, name: str, settings: dict[str, Any], who: str) -> int:
    """Write a run down and put it into the queue; returns its id."""
    with survey.write() as session:
        run = survey_notes.start_run(session, name, settings, who)
    jobs.run_notes(run.id, run.attempt)
    return run.id


@needs(Role.REVIEWER)
def start_again(survey: Survey, jobs: Jobs, run_id: int) -> None:
    """Run a failed run once more."""
    with survey.write() as session:
        survey_notes.again(session, run_id)
        attempt = session.get_one(NoteRun, run_id).attempt
    jobs.run_notes(run_id, attempt)


@needs(Role.REVIEWER)
def try_example(survey: Survey, jobs: Jobs, who: str) -> int:
    """Keep the synthetic notes and run the graph over them; returns the run's id."""
    with survey.write() as session:
        file = keep(session, example.LABEL, example.example_notes(), example.COLUMNS, who, synthetic=True)
    return start(survey, jobs, f"{example.LABEL} by station", settings_of([file.id], "station"), who)
