"""Who the matcher looks at first: the crop on the screen, never those that nobody has opened yet."""

from __future__ import annotations

from dbos import DBOSClient

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
