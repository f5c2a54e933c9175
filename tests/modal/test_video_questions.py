"""A question about a video asked by a function on Modal, which holds the key."""

# ruff: noqa: F811 (fixtures are imported by name)

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.settings import Backend
from app.survey.database import Survey
from modal_backend.contracts import Failure, JpegFrame, VideoQuestion
from modal_backend.embedded import EmbeddedBackend
from modal_backend.errors import BackendMisconfigured
from modal_backend.registry import OMNIVINCI
from modal_backend.remote import wire
from modal_backend.remote.serving import Served
from tests.app.jobs.test_video_questions import add_video, ask, files_with, row, settings, survey, wait_until, worker  # noqa: F401
from tests.modal.local_modal import ROOT
from tests.modal.modal_server import LocalModal, client_env
from tests.support.chat_server import KEY, TEXT, ChatServer, chat_server

QUESTION = VideoQuestion("How many?", [JpegFrame(0.5, b"\xff\xd8one"), JpegFrame(1.5, b"\xff\xd8two")])


@pytest.fixture(scope="module")
def endpoint() -> Iterator[ChatServer]:
    with chat_server() as running:
        yield running


@pytest.fixture
def server(endpoint: ChatServer) -> ChatServer:
    """The endpoint as it is before it was asked anything."""
    endpoint.script, endpoint.requests, endpoint.keys = ["stream"], [], []
    return endpoint


@pytest.fixture(scope="module")
def plane(endpoint: ChatServer) -> Iterator[LocalModal]:
    """A control plane whose containers have the key in their environment, as a secret puts it there.

    Of its own, so it is not to be asked from this process: Modal's client keeps the first address it was given.
    """
    secret = {"OMNIVINCI_API_URL": endpoint.url, "OMNIVINCI_MODAL_SECRET": "pugmark-omnivinci"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**secret, "OMNIVINCI_API_KEY": KEY}.items():
            patch.setenv(name, value)
        with LocalModal() as running:
            running.deploy("modal_backend.modal_app", ROOT)
            for name, value in client_env(running.port).items():
                patch.setenv(name, value)
            yield running


def test_a_question_crosses_the_wire_and_comes_back_as_it_was():
    assert wire.unpack_call(wire.pack_call([QUESTION])) == [QUESTION]


def test_without_a_secret_the_container_says_so_and_what_to_do(monkeypatch):
    monkeypatch.delenv("OMNIVINCI_API_KEY", raising=False)
    with pytest.raises(BackendMisconfigured, match="no OMNIVINCI_API_KEY in the container") as caught:
        wire.unpack_answer(Served(OMNIVINCI).answer([wire.pack_call([QUESTION])])[0])
    assert "modal secret create pugmark-omnivinci" in caught.value.remedy


def test_a_refusal_of_the_endpoint_is_a_failure_and_no_second_call(server, monkeypatch):
    monkeypatch.setenv("OMNIVINCI_API_KEY", KEY)
    monkeypatch.setenv("OMNIVINCI_API_URL", server.url)
    server.script = [401]
    (value,) = EmbeddedBackend().call(OMNIVINCI, [QUESTION]).values
    assert isinstance(value, Failure)
    assert "does not accept the key" in value.reason
    assert KEY not in value.reason
    assert len(server.requests) == 1


def test_a_worker_without_a_key_has_the_question_asked_on_modal(settings, survey: Survey, server, plane, tmp_path):
    through = settings.model_copy(
        update={
            "omnivinci_through": "modal",
            "backend": Backend.MODAL,
            "omnivinci_api_key": None,
            "modal_token_id": "ak-1",
        }
    )
    answer_id = ask(through, survey, add_video(survey, tmp_path))
    more = {"OMNIVINCI_API_KEY": "", "OMNIVINCI_THROUGH": "modal", "PUGMARK_BACKEND": "modal"}
    with worker(settings, **client_env(plane.port), **more):
        wait_until(lambda: row(survey, answer_id).outcome)
    asked = row(survey, answer_id)
    assert (asked.outcome, asked.answer, asked.through, asked.sent) == ("done", TEXT, "modal", "3 frames")
    assert asked.endpoint_host == server.url.split("/")[2]
    assert server.keys == [f"Bearer {KEY}"]
    assert sum(call["function"].startswith("OmniVinci") for call in plane.state()["calls"].values()) == 1
    assert files_with(settings.data_dir, KEY) == []


def test_the_self_hosted_model_is_an_app_of_its_own_that_modal_takes(plane):
    plane.deploy("modal_backend.remote.omnivinci_app", ROOT)
    functions = plane.state()["apps"]["main/pugmark-omnivinci"]["functions"]
    assert {"download", "OmniVinciHost.*"} <= set(functions)
    plane.deploy("modal_backend.modal_app", ROOT)
