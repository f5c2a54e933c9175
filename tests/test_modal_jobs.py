"""Durable jobs over Modal: what survives a killed worker and a Modal that is away, and what is never done twice."""

# ruff: noqa: F811 (fixtures are imported by name)

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.jobs import Jobs
from app.settings import Settings
from app.survey import imports
from app.survey.calls import Call
from app.survey.database import Survey, open_survey
from app.survey.detections import Analysis, Feature, ModelVersion, Ranking
from app.survey.media import ImportBatch, Media
from app.survey.rankings import Scope
from modal_backend.errors import QueueFull
from tests.local_modal import ROOT, control_plane, faulty, plane  # noqa: F401
from tests.modal_server import LocalModal, client_env
from tests.pictures import encoded, noisy

PICTURES = 10


@pytest.fixture
def modal_settings(plane: LocalModal, tmp_path: Path) -> Settings:
    """Settings of a survey whose models run on the local control plane."""
    return Settings(
        PUGMARK_DATA_DIR=tmp_path / "data",
        PUGMARK_BACKEND="modal",
        MODAL_TOKEN_ID="ak-local",
        MODAL_TOKEN_SECRET="as-local",
        _env_file=None,
    )


@pytest.fixture
def survey(modal_settings: Settings) -> Iterator[Survey]:
    modal_settings.data_dir.mkdir()
    survey = open_survey(modal_settings)
    yield survey
    survey.close()


@contextmanager
def worker(settings: Settings, plane: LocalModal, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process on this survey; killed at the end."""
    environment = {
        **os.environ,
        **client_env(plane.port),
        "PUGMARK_DATA_DIR": str(settings.data_dir),
        "PUGMARK_BACKEND": "modal",
        "MODAL_TIMEOUT": "5",
        "MODAL_RETRY_DELAY": "0.2",
        **more,
    }
    process = subprocess.Popen([sys.executable, "-m", "app", "worker"], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def wait_until(condition: Callable[[], object], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def ask_for_import(survey: Survey, folder: Path, pictures: int = PICTURES) -> int:
    """An import of generated pictures, left to the next worker."""
    folder.mkdir()
    for number in range(pictures):
        (folder / f"{number}.jpg").write_bytes(encoded(noisy(320, 240, seed=number)))
    with survey.write() as session:
        return imports.import_of_path(session, folder).id


def state(survey: Survey, import_id: int) -> tuple[str, str | None]:
    with survey.read() as session:
        batch = session.get_one(ImportBatch, import_id)
        return batch.state, batch.error


def calls(survey: Survey) -> list[Call]:
    with survey.read() as session:
        return list(session.scalars(sa.select(Call).order_by(Call.id)))


def stages(survey: Survey) -> set[str]:
    with survey.read() as session:
        return set(session.scalars(sa.select(Media.stage)))


def first_described(survey: Survey) -> int:
    with survey.read() as session:
        return session.scalars(sa.select(Feature.detection_id).order_by(Feature.id)).first() or 0


def ranked(survey: Survey, query: int) -> bool:
    with survey.read() as session:
        return session.scalar(sa.select(Ranking.id).where(Ranking.detection_id == query)) is not None


def ask(settings: Settings, survey: Survey, what: Callable[[Jobs], None]) -> None:
    jobs = Jobs(survey, settings)
    what(jobs)
    jobs.close()


def sent_to(plane: LocalModal) -> set[str]:
    return set(plane.state()["calls"])


def test_an_import_ends_with_results_that_say_modal_and_carry_the_servers_own_ids(
    survey, modal_settings, plane, tmp_path
):
    from tests.drawn import two_tigers

    two_tigers(tmp_path / "scenes")
    before = sent_to(plane)
    with survey.write() as session:
        import_id = imports.import_of_path(session, tmp_path / "scenes").id
    with worker(modal_settings, plane, MODAL_TIMEOUT="60"):
        wait_until(lambda: state(survey, import_id)[0] in ("done", "failed"))
        query = first_described(survey)
        ask(modal_settings, survey, lambda jobs: jobs.rank([query], Scope()))
        wait_until(lambda: ranked(survey, query))
    assert state(survey, import_id) == ("done", None)
    assert stages(survey) == {"ready"}
    with survey.read() as session:
        assert set(session.scalars(sa.select(ModelVersion.backend))) == {"modal"}
        assert session.scalar(sa.select(sa.func.count(Feature.id))) > 0
        kept = set(session.scalars(sa.select(Analysis.call_id))) | set(session.scalars(sa.select(Feature.call_id)))
    rows = calls(survey)
    assert {row.remote_id for row in rows} == sent_to(plane) - before
    assert {row.id for row in rows} == kept
    assert all(row.outcome == "done" and row.run_seconds > 0 and row.backend == "modal" for row in rows)


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


def test_jobs_wait_while_modal_is_away_and_end_by_themselves_without_a_second_call(
    survey, modal_settings, plane, tmp_path
):
    import_id = ask_for_import(survey, tmp_path / "card")
    before = sent_to(plane)
    plane.down()
    with worker(modal_settings, plane):
        wait_until(lambda: any("waits for Modal" in (row.note or "") for row in calls(survey)))
        assert state(survey, import_id)[0] == "running"
        plane.up()
        wait_until(lambda: state(survey, import_id)[0] == "done")
    rows = calls(survey)
    assert {row.remote_id for row in rows} == sent_to(plane) - before
    assert all(row.attempts > 1 for row in rows)


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


def test_without_the_fallback_an_unreachable_modal_fails_the_job_with_the_reason(
    survey, modal_settings, plane, tmp_path
):
    import_id = ask_for_import(survey, tmp_path / "card", pictures=3)
    plane.down()
    with worker(modal_settings, plane, MODAL_FALLBACK_TO_QUEUE="false", MODAL_MAX_RETRIES="0"):
        wait_until(lambda: state(survey, import_id)[0] == "failed")
    assert "Modal cannot be reached" in (state(survey, import_id)[1] or "")
    assert stages(survey) == {"failed"}
    plane.up()
    with worker(modal_settings, plane, MODAL_TIMEOUT="60"):
        ask(modal_settings, survey, Jobs.retry_failed)
        wait_until(lambda: stages(survey) == {"ready"})


def test_a_model_that_never_starts_is_told_while_the_job_waits(survey, modal_settings, plane, faulty, tmp_path):
    ask_for_import(survey, tmp_path / "card", pictures=1)
    with worker(modal_settings, plane, MODAL_APP_NAME=faulty, MODAL_STALL_SECONDS="1"):
        wait_until(lambda: any("nothing has run for" in (row.note or "") for row in calls(survey)))
    assert [row.outcome for row in calls(survey)] == [None]


def test_an_import_cancelled_while_modal_is_away_sends_nothing_later(survey, modal_settings, plane, tmp_path):
    import_id = ask_for_import(survey, tmp_path / "card", pictures=3)
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
    import_id = ask_for_import(survey, tmp_path / "card", pictures=3)
    plane.fault(method="FunctionGetOutputs", delay_s=1e6, count=1)
    with worker(modal_settings, plane, MODAL_TIMEOUT="30"):
        wait_until(lambda: [row for row in calls(survey) if row.remote_id])
        plane.expire("*")
        plane.clear()
        wait_until(lambda: state(survey, import_id)[0] == "done")
    assert [row.outcome for row in calls(survey)] == ["lost", "done"]


def test_cancelling_an_import_cancels_its_calls_on_modal(survey, modal_settings, plane, tmp_path):
    import_id = ask_for_import(survey, tmp_path / "card", pictures=3)
    plane.config(cold_start_s=1e6)
    plane.kill_containers()
    with worker(modal_settings, plane):
        wait_until(lambda: [row for row in calls(survey) if row.remote_id])
        ask(modal_settings, survey, lambda jobs: jobs.cancel_import(import_id))
        wait_until(lambda: [row.outcome for row in calls(survey)] == ["cancelled"])
        remote_id = calls(survey)[0].remote_id
        wait_until(lambda: plane.state()["calls"][remote_id]["unfinished"] == 0)


def test_a_full_queue_is_a_clear_refusal(survey, modal_settings, plane):
    jobs = Jobs(survey, modal_settings.model_copy(update={"modal_queue_max_size": 2}))
    with worker(modal_settings, plane):
        wait_until(lambda: jobs.waiting() == 0 and (modal_settings.data_dir / "jobs.sqlite").exists())
        wait_until(lambda: jobs._connect() is not None)
    jobs.describe([1])
    jobs.describe([2])
    with pytest.raises(QueueFull, match="2 jobs wait already"):
        jobs.describe([3])
    jobs.close()
