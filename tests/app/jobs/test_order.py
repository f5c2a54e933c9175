"""Waiting jobs are begun in their order, but for one that a person moved to the front; that can be taken back."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from app.actions.order import move
from app.jobs import order
from app.jobs.queue import Jobs
from app.settings import Settings
from app.survey import audit
from app.survey.database import Survey, open_survey
from app.survey.roles import NotAllowed, Role
from app.survey.tables.exports import ExportFile, ExportState
from app.survey.tables.media import ImportBatch
from tests.support.catalogued import seen
from tests.support.waiting import wait_until
from tests.support.workers import worker

SERVER = os.environ.get("PUGMARK_TEST_POSTGRES", "")


def asked_for(survey: Survey, jobs: Jobs, count: int) -> list[str]:
    """Exports and imports that nobody does; the ids of the jobs of the exports."""
    ids = []
    for number in range(1, count + 1):
        with survey.write() as session:
            session.add(ExportFile(format="sightings", settings={}, who="ana"))
            session.add(ImportBatch(kind="folder", root=f"/card {number}", label=f"Card {number}"))
        jobs.write_export(number)
        jobs.run_import(number)
        ids.append(f"export-{number}")
    return ids


def exports(jobs: Jobs) -> list[str]:
    found = jobs.order()
    assert found is not None
    listed = [job for job in found.waiting() if job.workflow == "write_export"]
    assert [job.number for job in listed] == list(range(1, len(listed) + 1))
    return [job.id for job in listed]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.skipif(not SERVER, reason="no server"))])
def queue(request: pytest.FixtureRequest, survey: Survey, settings: Settings) -> Iterator[tuple[Survey, Jobs]]:
    """The queue of a survey without a worker."""
    if request.param == "sqlite":
        jobs = Jobs(survey, settings)
        with worker(survey.data_dir):
            wait_until(jobs.ready)
        yield survey, jobs
        jobs.close()
        return
    name = f"pugmark_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    url = f"{SERVER}/{name}"
    there = open_survey(Settings(PUGMARK_DATA_DIR=survey.data_dir, PUGMARK_DATABASE_URL=url, _env_file=None))
    jobs = Jobs(there, Settings(PUGMARK_DATA_DIR=survey.data_dir, PUGMARK_DATABASE_URL=url, _env_file=None))
    with worker(survey.data_dir, PUGMARK_DATABASE_URL=url):
        wait_until(jobs.ready)
    yield there, jobs
    jobs.close()
    there.close()
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_one_job_passes_those_beside_it_the_others_keep_their_order_and_all_can_be_taken_back(queue):
    survey, jobs = queue
    first, second, third, fourth = ids = asked_for(survey, jobs, 4)
    assert exports(jobs) == ids
    assert move(survey, jobs, "ana", third, front=True)
    assert exports(jobs) == [third, first, second, fourth]
    assert move(survey, jobs, "ben", fourth, front=True)
    assert exports(jobs) == [fourth, third, first, second]
    assert [job.moved for job in jobs.order().waiting() if job.workflow == "import_media"] == [False] * 4
    assert move(survey, jobs, "ana", third, front=False)
    assert exports(jobs) == [fourth, first, second, third]
    assert move(survey, jobs, "ana", fourth, front=False)
    assert exports(jobs) == ids
    with survey.read() as session:
        entries = [(entry.who, entry.kind, entry.about) for entry in reversed(audit.newest(session, 10))]
    assert entries == [
        ("ana", "moved to the front", "Export · sightings"),
        ("ben", "moved to the front", "Export · sightings"),
        ("ana", "moved back", "Export · sightings"),
        ("ana", "moved back", "Export · sightings"),
    ]


def test_no_queue_hides_what_waits_in_another(queue):
    survey, jobs = queue
    asked_for(survey, jobs, 3)
    first = [(job.id, job.number) for job in jobs.order().waiting(2)]
    assert first == [("export-1", 1), ("export-2", 2), ("import-1-1", 1), ("import-2-1", 2)]


def test_what_does_not_wait_any_more_is_not_moved_and_nothing_is_written_down(queue):
    survey, jobs = queue
    (only,) = asked_for(survey, jobs, 1)
    assert not move(survey, jobs, "ana", "export-7", front=True)
    assert not move(survey, jobs, "ana", only, front=False), "nobody moved it"
    with survey.read() as session:
        assert audit.newest(session, 10) == []
    with pytest.raises(NotAllowed):
        move(survey.seen_by(Role.VIEWER), jobs, "vera", only, front=True)


def test_a_worker_begins_with_the_job_that_was_moved(survey, settings):
    seen(survey, "A", "Ridge", 0)
    jobs = Jobs(survey, settings)
    with worker(survey.data_dir):
        wait_until(jobs.ready)
    ids = []
    for number in range(1, 6):
        with survey.write() as session:
            session.add(ExportFile(format="sightings", settings={}, who="ana"))
        jobs.write_export(number)
        ids.append(f"export-{number}")
    assert move(survey, jobs, "ana", ids[-1], front=True)
    with worker(survey.data_dir):
        wait_until(lambda: done(survey) == 5)
    engine = sa.create_engine(settings.jobs_url)
    with engine.connect() as connection:
        query = "SELECT workflow_uuid FROM workflow_status WHERE name = 'write_export'"
        begun = list(connection.scalars(sa.text(f"{query} ORDER BY started_at_epoch_ms, created_at")))
    engine.dispose()
    jobs.close()
    assert set(begun[:2]) == {ids[-1], ids[0]}, "two are begun at once"
    assert begun[2:] == ids[1:4]


def done(survey: Survey) -> int:
    with survey.read() as session:
        return session.scalar(sa.select(sa.func.count()).where(ExportFile.state == ExportState.DONE))


def test_every_job_that_people_ask_for_by_name_has_a_title(survey):
    with survey.write() as session:
        session.add(ImportBatch(kind="folder", root="/card", label="North ridge"))
    job = order.WaitingJob("import-1-1", "import_media", "imports", 1, 0.0, False)
    with survey.read() as session:
        assert order.title(session, job) == "Import · North ridge"
        for workflow, (kind, *_rest) in order.NAMED.items():
            assert order.title(session, order.WaitingJob("gone-9", workflow, "q", 1, 0.0, False)) == kind
