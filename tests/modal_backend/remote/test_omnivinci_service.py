"""The endpoint in front of the self-hosted model, asked by the client that asks every other endpoint.

The model itself needs a GPU and 17 GB of weights: here a function answers in its place with what arrived.
"""

from __future__ import annotations

import ast
import asyncio
import socket
import threading
import time
from pathlib import Path

import pytest
import uvicorn

from modal_backend.contracts import JpegFrame, VideoQuestion
from modal_backend.errors import BackendMisconfigured, JobFailed
from modal_backend.models.video.ask import Endpoint, ask
from modal_backend.remote import omnivinci_service
from modal_backend.remote.omnivinci_service import Answer, BadRequest, Question, build, read

ROOT = Path(__file__).resolve().parents[3]
KEY = "made-up-key"


def answer(question: Question) -> Answer:
    if "fail" in question.text:
        raise RuntimeError("out of memory in /secret/place")
    time.sleep(0.3)
    media = ", ".join(f"{kind} {place.read_bytes()!r}" for kind, place in question.media)
    return Answer(f"{media}\nCOUNT: 3", 11, 7)


@pytest.fixture(scope="module")
def address():
    omnivinci_service.SIGN_OF_LIFE_SECONDS = 0.05
    with socket.create_server(("127.0.0.1", 0)) as place:
        server = uvicorn.Server(uvicorn.Config(build(answer, KEY), log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{place.getsockname()[1]}/v1"
        server.should_exit = True
        thread.join()


def question(text: str = "How many?") -> VideoQuestion:
    return VideoQuestion(text, [JpegFrame(0.0, b"jpeg")], b"mp4")


def test_our_own_client_asks_it_and_hears_signs_of_life_instead_of_silence(address):
    answer = asyncio.run(ask(Endpoint(KEY, url=address, model="nvidia/omnivinci", silence=0.2), question()))
    assert answer.text == "video b'mp4', image b'jpeg'\nCOUNT: 3"
    assert (answer.model, answer.prompt_tokens, answer.completion_tokens) == ("nvidia/omnivinci", 11, 7)


def test_another_key_is_refused(address):
    with pytest.raises(BackendMisconfigured, match="does not accept the key"):
        asyncio.run(ask(Endpoint("other", url=address), question()))


def test_a_model_that_fails_is_told_without_its_insides(address):
    with pytest.raises(JobFailed, match="The model failed: RuntimeError") as caught:
        asyncio.run(ask(Endpoint(KEY, url=address), question("fail")))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://example.org/a.mp4", "file:///etc/passwd", "data:video/mp4,plain"])
def test_media_from_elsewhere_are_never_fetched(tmp_path, url):
    with pytest.raises(BadRequest, match="inside the request"):
        read({"messages": [{"content": [{"type": "video_url", "video_url": {"url": url}}]}]}, tmp_path)


@pytest.mark.parametrize("name", ["omnivinci_app", "omnivinci_service", "__init__"])
def test_what_runs_in_the_python_3_10_image_can_be_read_by_it(name):
    source = (ROOT / "modal_backend" / "remote" / f"{name}.py").read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 10))
    top = [node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert not [module for module in top if module.startswith("modal_backend")]
    assert "StrEnum" not in source
