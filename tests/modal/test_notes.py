"""A run over field notes whose models run on Modal."""

from __future__ import annotations

from app.actions.notes import settings_of
from app.notes.sources import keep
from app.survey.notes import notes
from tests.modal.modal_survey import calls, sent_to, worker
from tests.support.planted_notes import planted_notes
from tests.support.waiting import wait_until


def test_no_request_is_sent_twice_when_a_worker_is_killed_and_modal_goes_away(survey, modal_settings, plane):
    table = planted_notes(2, [30, 30], neutral=40, words=2, share_in=0.5, length=3).table
    before = sent_to(plane)
    with survey.write() as session:
        file = keep(session, "planted", table, {"text": "text", "station": "category"}, "ana")
        run_id = notes.start_run(session, "by station", settings_of([file.id], "station"), "ana").id

    def state() -> str:
        with survey.read() as session:
            return notes.run_of(session, run_id).state

    plane.fault(method="FunctionGetOutputs", delay_s=1e6)
    with worker(modal_settings, plane, MODAL_TIMEOUT="60"):
        wait_until(lambda: any(call.remote_id for call in calls(survey)))
    plane.clear()
    plane.down()
    with worker(modal_settings, plane):
        wait_until(lambda: any("waits for Modal" in (call.note or "") for call in calls(survey)))
        assert state() == "running"
        plane.up()
        wait_until(lambda: state() in {"done", "failed"})
    assert state() == "done"
    rows = calls(survey)
    assert {(row.backend, row.outcome) for row in rows} == {("modal", "done")}
    assert sorted(row.remote_id for row in rows) == sorted(sent_to(plane) - before)
    assert sum(row.model == "keybert" for row in rows) == 2  # the notes, and the words that tell the stations apart
