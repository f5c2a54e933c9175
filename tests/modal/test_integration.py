"""The Modal backend with the real client, against a local control plane that runs real containers."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import numpy as np
import pytest
import sqlalchemy as sa

from app.analysis import calls as calls_of_models
from app.analysis.context import open_context
from app.jobs.queue import Jobs
from app.survey.calls.figures import get_stats
from app.survey.individuals.rankings import Scope
from app.survey.media import imports
from app.survey.tables.detections import Analysis, Feature, ModelVersion
from modal_backend.client import ModalBackend, Options
from modal_backend.contracts import Failure, LocalFeatures, Provenance, VideoQuestion
from modal_backend.embedded import EmbeddedBackend
from modal_backend.errors import (
    BackendMisconfigured,
    BackendUnavailable,
    CredentialsRefused,
    JobFailed,
    NotDeployed,
    QueueFull,
    ResultLost,
)
from modal_backend.registry import DETECTOR, EMBEDDING, LOCAL, MODELS, OMNIVINCI, REMOTE
from modal_backend.remote import wire
from tests.modal.local_modal import ROOT
from tests.modal.modal_server import LocalModal
from tests.modal.modal_survey import (
    ask,
    calls,
    first_described,
    ranked,
    sent_to,
    stages,
    state,
    worker,
)
from tests.support.waiting import wait_until

PICTURE = np.random.default_rng(0).integers(0, 255, (160, 224, 3), np.uint8)


def submits(server: LocalModal) -> int:
    return len(server.state()["calls"])


def in_new_process(code: str, server: LocalModal, **environment: str | None) -> str:
    values = {key: value for key, value in {**server.env, **environment}.items() if value is not None}
    source = "import numpy as np, time\nfrom modal_backend.client import *\n" + code
    ran = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, env=values, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def input_of(model: str):
    if model != DETECTOR:
        return PICTURE
    from modal_backend.models.detectors.pocket_detector import PocketDetector

    return PocketDetector.prepare(PICTURE)


def same(answer, other) -> bool:
    if isinstance(answer, LocalFeatures):
        return np.array_equal(answer.points, other.points) and np.array_equal(answer.descriptors, other.descriptors)
    return np.array_equal(answer, other) if isinstance(answer, np.ndarray) else answer == other


def test_the_deployment_takes_the_package_with_its_weights_and_nothing_else(plane, client):
    client.call(LOCAL, [PICTURE])
    roots = list((plane.folder() / "fs").iterdir())
    files = {path.relative_to(root).as_posix() for root in roots for path in root.rglob("*") if path.is_file()}
    ours = {name for name in files if not name.startswith("root/tests/")}
    assert "root/modal_backend/models/detectors/pocket_detector.safetensors" in ours
    assert {name.split("/")[1] for name in ours} == {"modal_backend"}
    assert {name.rpartition(".")[2] for name in ours} == {"py", "safetensors", "onnx"}


@pytest.mark.parametrize("model", [LOCAL, EMBEDDING, DETECTOR])
def test_a_model_answers_the_same_as_embedded_and_says_where_it_ran(client, model):
    value = input_of(model)
    patient = ModalBackend(Options(timeout=120))
    remote, here = patient.call(model, [value, value]), EmbeddedBackend().call(model, [value, value])
    assert all(same(answer, other) for answer, other in zip(remote.values, here.values, strict=True))
    assert (remote.provenance.backend, here.provenance.backend) == ("modal", "embedded")
    assert remote.provenance.weights_sha256 == here.provenance.weights_sha256
    assert remote.seconds > 0


@pytest.mark.parametrize("model", ["megadetector", "megadescriptor", "species"])
def test_a_model_without_weights_says_so_and_what_to_do(client, model):
    with pytest.raises(BackendMisconfigured) as caught:
        client.call(model, [PICTURE])
    entry = MODELS[model]
    assert (entry.files[0].path if entry.files else entry.title) in str(caught.value)
    assert caught.value.remedy


def test_the_video_analyst_without_a_key_says_how_to_give_it_one(client):
    with pytest.raises(BackendMisconfigured, match="OMNIVINCI_API_KEY") as caught:
        client.call(OMNIVINCI, [VideoQuestion("What is here?", [])])
    assert "modal secret create" in caught.value.remedy


def test_every_class_of_the_registry_is_deployed(plane):
    deployed = plane.state()["apps"]["main/pugmark-models"]["functions"]
    assert {f"{remote.cls}.*" for remote in REMOTE.values()} <= set(deployed)


def test_an_input_that_cannot_be_read_fails_alone():
    from modal_backend.remote.serving import Served

    call = wire.pack_call([PICTURE, PICTURE])
    call["inputs"][0]["png"] = b"not a picture"
    values = wire.unpack_answer(Served(LOCAL).answer([call])[0]).values
    assert isinstance(values[0], Failure)
    assert isinstance(values[1], LocalFeatures)


@pytest.mark.parametrize(
    "answer", [None, [1], {"contract": 1}, {"contract": 1, "values": [], "provenance": {"backend": "modal"}}]
)
def test_an_answer_that_cannot_be_read_is_a_failed_job(answer):
    with pytest.raises(JobFailed, match="cannot be read"):
        wire.unpack_answer(answer)


def test_a_value_that_cannot_be_read_is_a_failure_and_its_neighbours_are_not():
    provenance = Provenance("modal", DETECTOR, "1", "0" * 64, "640 px")
    answer = wire.pack_answer([[], [], []], provenance, 0.1, 0.0)
    answer["values"][0]["rows"] = [["unicorn", 0.9, 0.1, 0.1, 0.5, 0.5]]
    answer["values"][1]["rows"] = [["animal", 0.9, 0.1]]
    values = wire.unpack_answer(answer).values
    assert [isinstance(value, Failure) for value in values] == [True, True, False]


def test_an_unknown_model_is_refused_without_asking_modal(client):
    with pytest.raises(BackendMisconfigured, match="no model named lynx"):
        client.submit("lynx", [PICTURE])


def test_a_submit_that_fails_for_a_while_is_tried_again_and_made_once(plane, client):
    plane.fault(method="FunctionMap", status="UNAVAILABLE", count=5)
    before, failures = submits(plane), []
    call_id = client.submit(LOCAL, [PICTURE], failures.append)
    assert len(failures) == 1
    assert submits(plane) == before + 1
    assert client.collect(call_id, 20) is not None


def test_back_off_grows_and_ends_with_the_reason(plane):
    plane.fault(method="FunctionMap", status="UNAVAILABLE")
    times = []
    hurried = ModalBackend(Options(timeout=20, max_retries=2, retry_delay=0.4))
    with pytest.raises(BackendUnavailable, match="injected fault"):
        hurried.submit(LOCAL, [PICTURE], lambda _error: times.append(time.monotonic()))
    assert len(times) == 2
    assert times[1] - times[0] > 0.4


def test_a_lost_answer_makes_one_call(plane, client):
    plane.fault(method="FunctionMap", status="UNAVAILABLE", count=1, when="after")
    before = len(plane.state()["calls"])
    client.submit(LOCAL, [PICTURE])
    assert len(plane.state()["calls"]) == before + 1


@pytest.mark.parametrize("status", ["UNAUTHENTICATED", "RESOURCE_EXHAUSTED", "UNAVAILABLE", "ABORTED"])
def test_a_call_that_was_begun_although_an_error_was_answered_is_not_begun_again(plane, client, status):
    before = submits(plane)
    plane.fault(method="FunctionMap", status=status, when="after")
    hurried = ModalBackend(Options(timeout=20, max_retries=1, retry_delay=0.1))
    with pytest.raises((CredentialsRefused, QueueFull, BackendUnavailable)):
        hurried.submit(LOCAL, [PICTURE], key=status)
    plane.clear()
    first = client.submit(LOCAL, [PICTURE], key=status)
    assert submits(plane) == before + 1
    assert client.submit(LOCAL, [PICTURE], key=f"another than {status}") != first


def test_a_call_whose_worker_ended_before_modal_had_confirmed_it_is_begun_once(plane, client, survey):
    request = calls_of_models.Request(None, "digest", [PICTURE])

    async def asked(seconds):
        with open_context(survey, "test", client) as context:
            asking = calls_of_models.ask(context, "job", [LOCAL], lambda: request, calls_of_models.Lane())
            return await asyncio.wait_for(asking, seconds)

    before = submits(plane)
    plane.fault(method="FunctionMap", delay_s=1e6, when="after")
    with pytest.raises(TimeoutError):
        asyncio.run(asked(3))
    assert submits(plane) == before + 1
    plane.clear()
    assert len(asyncio.run(asked(60))[1]) == 1
    assert submits(plane) == before + 1
    assert [row.outcome for row in calls(survey)] == ["done"]


def test_a_call_that_modal_does_not_know_is_made_again_once_and_written_down_as_lost(plane, client, survey):
    def asked(job):
        with open_context(survey, "test", client) as context:
            return asyncio.run(calls_of_models.ask(context, job, [LOCAL], lambda: request, calls_of_models.Lane()))

    request = calls_of_models.Request(None, "digest", [PICTURE])
    plane.fault(method="FunctionGetOutputs", status="NOT_FOUND", count=1)
    assert len(asked("first")[1]) == 1
    assert [row.outcome for row in calls(survey)] == ["lost", "done"]
    assert "does not know the call" in calls(survey)[0].error
    plane.fault(method="FunctionGetOutputs", status="NOT_FOUND")
    with pytest.raises(ResultLost, match="does not know the call"):
        asked("second")
    assert [row.outcome for row in calls(survey)] == ["lost", "done", "lost", "lost"]


def test_a_submit_that_is_never_answered_comes_back_in_time(plane):
    plane.fault(method="FunctionMap", delay_s=1e6)
    start = time.monotonic()
    with pytest.raises(BackendUnavailable, match="in time"):
        ModalBackend(Options(timeout=1.5)).submit(LOCAL, [PICTURE])
    assert time.monotonic() - start < 4


def test_a_collect_that_is_never_answered_comes_back_in_time_and_the_call_can_still_be_collected(plane, client):
    call_id = client.submit(LOCAL, [PICTURE])
    plane.fault(method="FunctionGetOutputs", delay_s=1e6)
    start = time.monotonic()
    with pytest.raises(BackendUnavailable):
        ModalBackend(Options(timeout=1.5)).collect(call_id)
    assert time.monotonic() - start < 4
    plane.clear()
    assert client.collect(call_id, 20) is not None


def test_not_yet_is_none_and_a_result_may_be_collected_again_from_another_client(client, faulty):
    slow = ModalBackend(Options(app_name=faulty, timeout=30))
    call_id = slow.submit(LOCAL, [PICTURE])
    assert slow.collect(call_id, 0) is None
    assert slow.collect(call_id, 20) is not None
    assert client.collect(call_id, 1) is not None


def test_down_is_said_at_once_and_the_same_client_works_when_it_is_up_again(plane, client):
    client.call(LOCAL, [PICTURE])
    plane.down()
    start = time.monotonic()
    with pytest.raises(BackendUnavailable):
        ModalBackend(Options(timeout=20, max_retries=1, retry_delay=0.1)).submit(LOCAL, [PICTURE])
    assert time.monotonic() - start < 6
    plane.up()
    assert client.call(LOCAL, [PICTURE]).provenance.model == LOCAL


FRESH = """
import cv2, modal
start = time.monotonic()
try:
    ModalBackend(Options(timeout=2, max_retries=0)).submit("rapid", [np.zeros((8, 8, 3), np.uint8)])
except BackendError as error:
    print(type(error).__name__, round(time.monotonic() - start, 1), error.remedy)
"""


def test_a_fresh_process_without_a_server_does_not_wait_for_the_clients_own_minute(plane):
    plane.down()
    kind, seconds, *_ = in_new_process(FRESH, plane).split()
    assert kind == "BackendUnavailable"
    assert float(seconds) < 3


def test_a_black_hole_is_given_up_at_our_deadline(plane):
    plane.blackhole()
    kind, seconds, *_ = in_new_process(FRESH, plane).split()
    assert kind == "BackendUnavailable"
    assert float(seconds) < 4


def test_missing_credentials_say_how_to_set_them(plane):
    message = in_new_process(FRESH, plane, MODAL_TOKEN_ID=None, MODAL_TOKEN_SECRET=None)
    assert message.startswith("CredentialsRefused")
    assert "modal token set" in message


def test_an_app_that_is_not_deployed_is_named_with_the_command(client):
    with pytest.raises(NotDeployed) as caught:
        ModalBackend(Options(app_name="nowhere", timeout=10)).submit(LOCAL, [PICTURE])
    assert "modal deploy -m" in caught.value.remedy
    assert ModalBackend(Options(app_name="nowhere")).health().state == "not deployed"


def test_after_stop_and_deploy_the_handle_is_looked_up_again(plane, faulty):
    backend = ModalBackend(Options(app_name=faulty, timeout=20))
    backend.submit(LOCAL, [PICTURE])
    plane.stop_app(faulty)
    plane.deploy("tests.modal.faulty_app", ROOT)
    assert backend.collect(backend.submit(LOCAL, [PICTURE]), 20) is not None


def test_an_expired_result_is_lost_and_an_unknown_call_too(plane, client):
    call_id = client.submit(LOCAL, [PICTURE])
    assert client.collect(call_id, 20) is not None
    plane.expire(call_id)
    with pytest.raises(ResultLost):
        client.collect(call_id, 1)
    with pytest.raises(ResultLost):
        client.collect("fc-00000000000000000000000000", 1)


def test_a_killed_container_does_not_lose_the_call(plane, faulty):
    backend = ModalBackend(Options(app_name=faulty, timeout=40))
    call_id = backend.submit(LOCAL, [PICTURE])
    end = time.monotonic() + 20
    while not backend.current_stats(LOCAL).running and time.monotonic() < end:
        time.sleep(0.1)
    plane.kill_containers("RAPID.*")
    assert backend.collect(call_id, 30) is not None


def test_an_error_of_the_model_is_a_failed_job_and_is_not_tried_again(plane, faulty):
    backend = ModalBackend(Options(app_name=faulty, timeout=30))
    before = submits(plane)
    with pytest.raises(JobFailed, match="ValueError: this input is of no use") as caught:
        backend.call("tiger-reid", [PICTURE])
    assert "\n" not in str(caught.value)
    assert "Traceback" in caught.value.details
    assert "faulty_app.py" in caught.value.details
    assert submits(plane) == before + 1


def test_a_crash_at_start_never_fails_the_caller_and_is_seen_in_the_figures(plane, faulty):
    backend = ModalBackend(Options(app_name=faulty, timeout=20))
    call_id = backend.submit(EMBEDDING, [PICTURE])
    backend.current_stats(EMBEDDING)
    assert backend.collect(call_id, 2) is None
    stats = backend.current_stats(EMBEDDING)
    assert (stats.backlog > 0, stats.running) == (True, 0)
    assert stats.stalled_seconds >= 1.9
    backend.cancel(call_id)
    with pytest.raises(JobFailed):
        backend.collect(call_id, 1)


def test_a_deployment_of_another_contract_is_named(client, faulty):
    with pytest.raises(BackendMisconfigured, match="speaks contract 0, this program contract 1"):
        ModalBackend(Options(app_name=faulty, timeout=30)).call("species", [PICTURE])


def test_throttling_is_named_and_not_taken_for_silence(plane, monkeypatch):
    monkeypatch.delenv("MODAL_MAX_THROTTLE_WAIT", raising=False)
    plane.fault(method="FunctionMap", status="RESOURCE_EXHAUSTED", retry_after_s=0.5)
    with pytest.raises(QueueFull, match="Modal takes no more calls for now"):
        ModalBackend(Options(timeout=6, max_retries=1, retry_delay=0.1)).submit(LOCAL, [PICTURE])


def test_a_blob_store_that_fails_is_unavailable_not_a_failed_job(plane):
    plane.config(blob_status=500)
    with pytest.raises(BackendUnavailable):
        ModalBackend(Options(timeout=15, max_retries=0)).submit(LOCAL, [PICTURE])


def test_two_hundred_calls_are_in_flight_at_once(plane, client):
    client.call(LOCAL, [PICTURE])
    before = submits(plane)

    async def all_of_them():
        ids = await asyncio.gather(*[client.submit_async(LOCAL, [PICTURE]) for _ in range(200)])
        return await asyncio.gather(*[client.collect_async(call_id, 40) for call_id in ids])

    results = asyncio.run(all_of_them())
    assert submits(plane) == before + 200
    assert all(result is not None and same(result.values[0], results[0].values[0]) for result in results)


def test_health_and_versions_name_what_is_deployed(client):
    assert client.health().state == "ready"
    found = ModalBackend(Options(timeout=60)).versions()
    assert found["contract"] == str(wire.CONTRACT)
    assert found["torch"]


def test_health_is_told_within_its_deadline_when_nothing_answers(plane):
    plane.fault(method="FunctionGet", delay_s=1e6)
    start = time.monotonic()
    assert ModalBackend(Options()).health(1.0).state == "unreachable"
    assert time.monotonic() - start < 3


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


def test_an_import_ends_with_results_that_say_modal_and_carry_the_servers_own_ids(
    survey, modal_settings, plane, tmp_path
):
    from tests.support.drawn import two_tigers

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
    with survey.read() as session:
        stats = get_stats(session, "modal")
    assert (stats.sent, stats.succeeded, stats.failed, stats.queued) == (len(rows), len(rows), 0, 0)
