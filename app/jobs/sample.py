"""What comes with the sample survey beside its media: the decisions and the notes of its own team."""

from __future__ import annotations

from app.jobs.current import Current
from app.sample import team
from app.survey.notes import notes as survey_notes
from app.survey.tables.media import ImportBatch

NOTES = 60
LABEL = "Sample survey: ranger notes (synthetic)"


def tell_story(now: Current, import_id: int) -> None:
    """Of the sample survey: make the decisions of its team and keep its notes; the run over them waits in the queue."""
    survey = now.context.survey
    with survey.read() as session:
        synthetic = session.get_one(ImportBatch, import_id).synthetic
    if not synthetic:
        return
    # They bring libraries that take long to start.
    from app.notes import example
    from app.notes.sources import keep, settings_of

    team.decide(survey, import_id)
    with survey.write() as session:
        if not survey_notes.files(session):
            notes = example.example_notes(count=NOTES)
            file = keep(session, LABEL, notes, example.COLUMNS, team.TEAM, synthetic=True)
            survey_notes.start_run(session, f"{LABEL}, by station", settings_of([file.id], "station"), team.TEAM)
