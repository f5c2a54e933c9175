"""Durable jobs over Modal: what survives a killed worker and a Modal that is away, and what is never done twice."""

from __future__ import annotations

import time

from app.jobs.queue import Jobs
from app.survey.calls.overview import snapshot
from app.survey.media import imports
from modal_backend.registry import DETECTOR
from tests.modal.local_modal import ROOT
from tests.modal.modal_survey import (
    ask,
    ask_for_import,
    calls,
    sent_to,
    stages,
    state,
    worker,
)
from tests.modal.slow_line import SlowLine
from tests.support.waiting import wait_until

CARDS = (("card", 320), ("other card", 240))


def test_a_worker_killed_between_submit_and_collect_collects_the_same_call(survey, modal_settings, plane, tmp_path):
    import_id = ask_for_import(survey, tmp_path / "card")
    before = sent_to(plane)
    plane.fault(method="FunctionGetOutputs", delay_s=1e6)
    with worker(modal_settings, plane, MODAL_TIMEOUT="60"):
        wait_until(lambda: len([row for row in calls(survey) if row.remote_id]) == 2)
        time.sleep(0.5)
    first = {row.remote_id for row in calls(survey)}
    plane.clear()
    with worker(modal_settings, plane, MODAL_TIMEOUT="60"):
        wait_until(lambda: state(survey, import_id)[0] == "done")
    assert {row.remote_id for row in calls(survey)} == first == sent_to(plane) - before


def test_on_a_slow_line_an_import_is_analysed_with_every_picture_sent_once_and_the_line_is_named(
    survey, modal_settings, plane, tmp_path
):
    import_id = ask_for_import(survey, tmp_path / "card", pictures=24, width=64)
    before = sent_to(plane)
    with SlowLine(plane.port) as line:
        plane.config(blob_url=f"http://127.0.0.1:{line.blob_port}")
        with worker(modal_settings, plane, MODAL_SERVER_URL=f"http://127.0.0.1:{line.port}", MODAL_TIMEOUT="20"):
            wait_until(lambda: any("slow line: " in (row.note or "") for row in calls(survey)))
            assert snapshot(survey, "modal").waits_for.startswith("slow line: ")
            wait_until(lambda: state(survey, import_id)[0] in ("done", "failed"))
    assert state(survey, import_id) == ("done", None)
    assert stages(survey) == {"ready"}
    detections = [row for row in calls(survey) if row.model == DETECTOR]
    assert sum(row.items for row in detections) == 24
    assert all(row.outcome == "done" for row in calls(survey))
    assert {row.remote_id for row in calls(survey)} == sent_to(plane) - before


def test_jobs_wait_while_modal_is_away_and_end_by_themselves_without_a_second_call(
    survey, modal_settings, plane, tmp_path
):
    import_id = ask_for_import(survey, tmp_path / "card")
    before = sent_to(plane)
    plane.down()
    with worker(modal_settings, plane):
        wait_until(lambda: any("waits for Modal" in (row.note or "") for row in calls(survey)))
        assert state(survey, import_id)[0] == "running"
        waited = {row.id for row in calls(survey) if row.note}
        plane.up()
        wait_until(lambda: state(survey, import_id)[0] == "done")
    rows = calls(survey)
    assert {row.remote_id for row in rows} == sent_to(plane) - before
    assert all(row.attempts > 1 for row in rows if row.id in waited)


def test_what_waits_for_modal_is_done_here_when_the_settings_change_to_embedded(
    survey, modal_settings, plane, tmp_path
):
    import_id = ask_for_import(survey, tmp_path / "card", pictures=2)
    plane.down()
    with worker(modal_settings, plane):
        wait_until(lambda: [row for row in calls(survey) if row.note])
    with worker(modal_settings, plane, PUGMARK_BACKEND="embedded"):
        wait_until(lambda: state(survey, import_id)[0] == "done")
    assert [(row.backend, row.outcome) for row in calls(survey)] == [("modal", "lost"), ("embedded", "done")]


def test_without_the_fallback_an_unreachable_modal_fails_the_job_with_the_reason_and_each_again_analyses_it(
    survey, modal_settings, plane, tmp_path
):
    first, second = (ask_for_import(survey, tmp_path / name, pictures=1, width=width) for name, width in CARDS)
    plane.down()
    with worker(modal_settings, plane, MODAL_FALLBACK_TO_QUEUE="false", MODAL_MAX_RETRIES="0"):
        wait_until(lambda: {state(survey, import_id)[0] for import_id in (first, second)} == {"failed"})
    assert "Modal cannot be reached" in (state(survey, first)[1] or "")
    assert stages(survey) == {"failed"}
    plane.up()
    with survey.write() as session:
        assert imports.import_of_path(session, tmp_path / CARDS[0][0]).id == first
    with worker(modal_settings, plane, MODAL_TIMEOUT="60"):
        wait_until(lambda: state(survey, first)[0] == "done")
        assert stages(survey) == {"ready", "failed"}
        ask(modal_settings, survey, Jobs.retry_failed)
        wait_until(lambda: stages(survey) == {"ready"})


def test_a_call_whose_app_was_stopped_and_deployed_again_is_made_once_more_and_the_cause_is_written_down(
    survey, modal_settings, plane, faulty, tmp_path
):
    import_id = ask_for_import(survey, tmp_path / "card", pictures=1)
    plane.config(cold_start_s=1e6)
    with worker(modal_settings, plane, MODAL_APP_NAME=faulty):
        wait_until(lambda: [row for row in calls(survey) if row.remote_id])
    plane.stop_app(faulty)
    with worker(modal_settings, plane, MODAL_APP_NAME=faulty):
        wait_until(lambda: any("modal deploy" in (row.note or "") for row in calls(survey)))
        assert stages(survey) == {"stored"}
        plane.deploy("tests.modal.faulty_app", ROOT)
        wait_until(lambda: any("made again: The app was stopped" in (row.note or "") for row in calls(survey)))
        assert [(row.outcome, bool(row.remote_id)) for row in calls(survey)] == [("lost", True), (None, True)]
    assert "stopped and deployed again" in (calls(survey)[0].error or "")
    assert state(survey, import_id)[0] == "running"


def test_a_token_refused_half_way_is_waited_for_with_the_remedy_and_no_media_fails(
    survey, modal_settings, plane, tmp_path
):
    import_id = ask_for_import(survey, tmp_path / "card", pictures=2)
    plane.fault(method="FunctionMap", status="UNAUTHENTICATED")
    with worker(modal_settings, plane):
        wait_until(lambda: any("modal token set" in (row.note or "") for row in calls(survey)))
        assert "failed" not in stages(survey)
        plane.clear()
        wait_until(lambda: state(survey, import_id)[0] == "done")
    assert stages(survey) == {"ready"}


def test_a_model_that_never_starts_is_told_while_the_job_waits(survey, modal_settings, plane, faulty, tmp_path):
    ask_for_import(survey, tmp_path / "card", pictures=1)
    with worker(modal_settings, plane, MODAL_APP_NAME=faulty, MODAL_STALL_SECONDS="1"):
        wait_until(lambda: any("nothing has run for" in (row.note or "") for row in calls(survey)))
    assert [row.outcome for row in calls(survey)] == [None]


def test_an_import_cancelled_while_modal_is_away_sends_nothing_later(survey, modal_settings, plane, tmp_path):
    import_id = ask_for_import(survey, tmp_path / "card", pictures=2)
    before = sent_to(plane)
    plane.down()
    with worker(modal_settings, plane):
        wait_until(lambda: [row for row in calls(survey) if row.note])
        ask(modal_settings, survey, lambda jobs: jobs.cancel_import(import_id))
        wait_until(lambda: [row.outcome for row in calls(survey)] == ["cancelled"])
        plane.up()
        time.sleep(2)
    assert sent_to(plane) == before


def test_an_expired_result_is_computed_again(survey, modal_settings, plane, tmp_path):
    import_id = ask_for_import(survey, tmp_path / "card", pictures=2)
    plane.fault(method="FunctionGetOutputs", delay_s=1e6, count=1)
    with worker(modal_settings, plane, MODAL_TIMEOUT="30"):
        wait_until(lambda: [row for row in calls(survey) if row.remote_id])
        plane.expire("*")
        plane.clear()
        wait_until(lambda: state(survey, import_id)[0] == "done")
    assert [row.outcome for row in calls(survey)] == ["lost", "done"]


def test_cancelling_an_import_cancels_its_calls_on_modal(survey, modal_settings, plane, tmp_path):
    import_id = ask_for_import(survey, tmp_path / "card", pictures=2)
    plane.config(cold_start_s=1e6)
    plane.kill_containers()
    with worker(modal_settings, plane):
        wait_until(lambda: [row for row in calls(survey) if row.remote_id])
        ask(modal_settings, survey, lambda jobs: jobs.cancel_import(import_id))
        wait_until(lambda: [row.outcome for row in calls(survey)] == ["cancelled"])
        remote_id = calls(survey)[0].remote_id
        wait_until(lambda: plane.state()["calls"][remote_id]["unfinished"] == 0)


def test_a_call_that_no_step_looks_after_is_given_up_with_its_import(survey, modal_settings, plane, tmp_path):
    import_id = ask_for_import(survey, tmp_path / "card", pictures=2)
    plane.config(cold_start_s=1e6)
    plane.kill_containers()
    with worker(modal_settings, plane):
        wait_until(lambda: [row for row in calls(survey) if row.remote_id])
    remote_id = calls(survey)[0].remote_id
    ask(modal_settings, survey, lambda jobs: jobs.cancel_import(import_id))
    with worker(modal_settings, plane):
        wait_until(lambda: [row.outcome for row in calls(survey)] == ["cancelled"])
        wait_until(lambda: plane.state()["calls"][remote_id]["unfinished"] == 0)
