"""What an older version of Pugmark left in the queue goes on by the rows of the survey."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from dbos import DBOSClient

from app.actions.notes import settings_of
from app.jobs.queue import Jobs, import_workflow_id, notes_workflow_id, video_workflow_id
from app.settings import Settings
from app.survey.calls import ledger
from app.survey.calls.ledger import Opening
from app.survey.calls.overview import snapshot
from app.survey.database import Survey
from app.survey.individuals.rankings import Scope
from app.survey.media import imports
from app.survey.notes import notes
from app.survey.tables.calls import Call
from app.survey.tables.media import ImportBatch, Media
from app.survey.tables.notes import NoteRun
from app.survey.tables.videos import VideoAnswer
from app.survey.videos import answers
from tests.support.pictures import encoded, noisy
from tests.support.waiting import wait_until
from tests.support.workers import worker

OLDER = "an older version"


@pytest.fixture
def queue(survey: Survey, settings: Settings):
    """The queue of a survey whose worker has ended."""
    jobs = Jobs(survey, settings)
    with worker(survey.data_dir):
        wait_until(jobs.ready)
    jobs.close()
    client = DBOSClient(system_database_url=settings.jobs_url)
    yield client
    client.destroy()


def put(queue: DBOSClient, name: str, workflow_id: str, *args: object) -> None:
    """A job as an older version put it into a queue that it knew."""
    options = {"queue_name": "bulk", "workflow_name": name, "workflow_id": workflow_id, "app_version": OLDER}
    queue.enqueue(options, *args)


def begun(settings: Settings, workflow_id: str, status: str) -> None:
    """Let a worker that is gone have begun this job."""
    engine = sa.create_engine(settings.jobs_url)
    with engine.begin() as connection:
        values = {"id": workflow_id, "status": status}
        query = "UPDATE workflow_status SET status = :status, executor_id = 'gone-1-abc' WHERE workflow_uuid = :id"
        connection.execute(sa.text(query), values)
    engine.dispose()


def new_import(survey: Survey, folder: Path) -> int:
    folder.mkdir()
    (folder / "one.jpg").write_bytes(encoded(noisy(320, 240, seed=len(folder.name))))
    with survey.write() as session:
        return imports.import_of_path(session, folder).id


def states(survey: Survey) -> list[tuple[str, str | None]]:
    with survey.read() as session:
        rows = session.scalars(sa.select(ImportBatch).order_by(ImportBatch.id))
        return [(row.state, row.error) for row in rows]


def test_imports_of_an_older_version_go_on_whether_they_waited_ran_or_were_handed_out(
    survey, settings, queue, tmp_path
):
    for name, status in (("waits", "ENQUEUED"), ("running", "PENDING"), ("handed out", "SUCCESS")):
        workflow_id = import_workflow_id(new_import(survey, tmp_path / name), 1)
        put(queue, "import_media", workflow_id, int(workflow_id.split("-")[1]))
        begun(settings, workflow_id, status)
    put(queue, "finish_remotely", "finish-import-3-1", 3, ["import-3-1-1"])
    put(queue, "analyse_window", "import-3-1-1", [1])
    with worker(survey.data_dir):
        wait_until(lambda: {state for state, _ in states(survey)} <= {"done", "failed"})
    assert states(survey) == [("done", None)] * 3
    with survey.read() as session:
        assert set(session.scalars(sa.select(Media.stage))) == {"ready"}
    left = queue.list_workflows(app_version=OLDER, status=["ENQUEUED", "PENDING"])
    assert left == []


def test_a_question_and_a_run_over_notes_of_an_older_version_go_on(survey, settings, queue):
    with survey.write() as session:
        run = notes.start_run(session, "nothing", settings_of([], "station"), "ana")
        media = Media(sha256="0" * 64, kind="video", format="mp4", bytes=1, width=1, height=1)
        session.add(media)
        session.flush()
        asked = {"model": "m", "host": "h", "through": "direct"}
        question = answers.ask(session, media.id, "own", "How many?", "ana", **asked)
    put(queue, "analyse_notes", notes_workflow_id(run.id, 1), run.id)
    put(queue, "ask_about_video", video_workflow_id(question.id), question.id)
    begun(settings, video_workflow_id(question.id), "PENDING")

    def ended() -> bool:
        with survey.read() as session:
            answer = session.get_one(VideoAnswer, question.id)
            return session.get_one(NoteRun, run.id).state == "failed" and answer.outcome == "failed"

    with worker(survey.data_dir):
        wait_until(ended)
    with survey.read() as session:
        assert "no notes" in session.get_one(NoteRun, run.id).error
        assert "is not configured" in session.get_one(VideoAnswer, question.id).error


def test_a_job_that_no_row_asks_for_is_begun_anew_with_its_input(survey, settings, queue):
    put(queue, "rank_queries", "rank-of-older", [7], Scope().key())
    with worker(survey.data_dir):
        wait_until(lambda: queue.list_workflows(name="rank_queries", status="SUCCESS", app_version=None))
    done = [
        workflow for workflow in queue.list_workflows(name="rank_queries") if workflow.workflow_id != "rank-of-older"
    ]
    assert [workflow.input["args"][0] for workflow in done] == [[7]]


def test_an_import_whose_job_broke_off_says_so(survey, settings, queue, tmp_path):
    import_id = new_import(survey, tmp_path / "card")
    shutil.rmtree(tmp_path / "card")
    workflow_id = import_workflow_id(import_id, 1)
    with worker(survey.data_dir):
        wait_until(lambda: states(survey)[0][0] in {"done", "failed"})
    with survey.write() as session:
        session.get_one(ImportBatch, import_id).state = "running"
    begun(settings, workflow_id, "ERROR")
    with worker(survey.data_dir):
        wait_until(lambda: states(survey)[0][0] == "failed")
    assert "The import broke off" in states(survey)[0][1]


def test_a_call_that_a_killed_worker_left_open_ends_when_its_job_has_ended(survey, settings, queue):
    for job, status in (("ended", "SUCCESS"), ("under-way", "ENQUEUED"), ("on-modal", "SUCCESS")):
        queue.enqueue({"queue_name": "nobody's", "workflow_name": "rank_queries", "workflow_id": job}, [7], "")
        begun(settings, job, status)
        call = ledger.open_call(survey, Opening(job, "abc", "match", "lighterglue", "embedded", 2, "gone-1-abc", 1.0))
        if job == "on-modal":  # it goes on there: it is cancelled there before it is closed here
            ledger.sent(survey, replace(call, remote_id="fc-1"), 0)

    def outcomes() -> dict[str, str | None]:
        with survey.read() as session:
            return {row.job.split("/")[0]: row.outcome for row in session.scalars(sa.select(Call))}

    with worker(survey.data_dir):
        wait_until(lambda: outcomes() == {"ended": "lost", "under-way": None, "on-modal": None})
    assert snapshot(survey).running == 2
