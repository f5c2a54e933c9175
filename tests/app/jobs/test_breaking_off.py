"""What breaks off in the middle is begun again: files that were read and not listed, a queue that is being made."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from app import files
from app.analysis.context import open_context
from app.jobs import imports as job
from app.jobs.current import Current
from app.jobs.queue import Jobs
from app.matching.gallery import Gallery
from app.survey.database import is_away
from app.survey.media import imports
from app.survey.tables.media import Media
from tests.support.pictures import encoded, noisy


def test_files_whose_listing_broke_off_are_read_and_listed_again(survey, settings, tmp_path: Path, monkeypatch):
    card = tmp_path / "Ridge"
    card.mkdir()
    for number in range(3):
        (card / f"{number}.jpg").write_bytes(encoded(noisy(64, 48, seed=number)))
    with survey.write() as session:
        import_id = imports.import_of_path(session, card).id
    broken, list_batch = [psycopg.OperationalError("terminating connection")], job.list_batch

    def breaks_off(*arguments):
        if broken:
            raise sa.exc.OperationalError("INSERT", {}, broken.pop())
        return list_batch(*arguments)

    monkeypatch.setattr(job, "list_batch", breaks_off)
    with open_context(survey, "test") as context:
        now = Current(context, Gallery(survey), settings)
        with pytest.raises(sa.exc.OperationalError) as away:
            job._take_in_some(now, import_id, "job")
        assert is_away(away.value)
        while job._take_in_some(now, import_id, "job") is not None:
            pass
    with survey.read() as session:
        assert session.scalar(sa.select(sa.func.count(Media.id))) == 3


def test_a_queue_that_is_being_made_takes_no_work_yet(survey, settings):
    with sqlite3.connect(files.jobs_database_path(settings.data_dir)) as half:
        half.execute("CREATE TABLE workflow_status (workflow_uuid TEXT)")
    jobs = Jobs(survey, settings)
    assert not jobs.ready()
    assert not jobs.put("calibrate", "one")
