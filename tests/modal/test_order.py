"""A waiting import that was moved to the front is begun before older ones, also where the models run on Modal."""

from __future__ import annotations

import sqlalchemy as sa

from app.actions.order import move
from app.jobs.queue import Jobs, import_workflow_id
from app.jobs.worker import IMPORTS_AT_ONCE
from app.survey.tables.media import ImportBatch
from tests.modal.modal_survey import ask_for_import, state, worker
from tests.support.waiting import wait_until


def test_an_import_that_was_moved_begins_with_the_first_ones(survey, modal_settings, plane, tmp_path):
    jobs = Jobs(survey, modal_settings)
    with worker(modal_settings, plane):
        wait_until(jobs.ready)
    ids = [
        ask_for_import(survey, tmp_path / f"card {number}", pictures=1, width=64 + number)
        for number in range(IMPORTS_AT_ONCE + 2)
    ]
    for number in ids:
        jobs.run_import(number)
    assert move(survey, jobs, "ana", import_workflow_id(ids[-1], 1), front=True)
    jobs.close()
    with worker(modal_settings, plane):
        wait_until(lambda: all(state(survey, number)[0] == "done" for number in ids))
    with survey.read() as session:
        begun = list(session.scalars(sa.select(ImportBatch.id).order_by(ImportBatch.started_at)))
    assert set(begun[:IMPORTS_AT_ONCE]) == {ids[-1], *ids[: IMPORTS_AT_ONCE - 1]}
