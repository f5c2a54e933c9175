"""Who the matcher looks at first: the crop on the screen, never those that nobody has opened yet."""

from __future__ import annotations

import asyncio
import inspect

from dbos import DBOSClient

from app.jobs import rank
from app.jobs.queue import Jobs
from app.survey.individuals.rankings import Scope
from tests.support.waiting import wait_until
from tests.support.workers import worker


def test_crops_nobody_has_opened_are_ranked_without_standing_in_the_matchers_queue(survey, settings):
    jobs = Jobs(survey, settings)
    with worker(survey.data_dir):
        wait_until(jobs.ready)
        jobs.rank([7], Scope(), bulk=True)
        client = DBOSClient(system_database_url=settings.jobs_url)
        wait_until(lambda: client.list_workflows(name="rank_queries", status="SUCCESS"))
    assert not client.list_workflows(name="match_queries")
    client.destroy()
    jobs.close()


def test_what_the_matcher_does_ahead_ends_at_the_first_crop_that_meets_an_import(monkeypatch):
    asked: list[int] = []

    async def match_ahead(detection_id: int, _scope: str, _job: str) -> bool:
        asked.append(detection_id)
        return detection_id != 8

    monkeypatch.setattr(rank, "match_ahead", match_ahead)
    asyncio.run(inspect.unwrap(rank.rank_ahead)([7, 8, 9], Scope().key()))
    assert asked == [7, 8]
