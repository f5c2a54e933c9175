"""A video language model over the chat-completions protocol: every way it can end, and a key that never shows."""

from __future__ import annotations

import asyncio
import base64
import email.utils
import logging
import pickle
import time
import traceback

import pytest

from modal_backend.contracts import JpegFrame, VideoQuestion
from modal_backend.errors import (
    BackendError,
    BackendMisconfigured,
    BackendUnavailable,
    JobFailed,
    QueueFull,
    ResultLost,
)
from modal_backend.models.video.ask import Endpoint, ask, claimed_count, plain
from modal_backend.models.video.errors import retry_after
from tests.support.chat_server import KEY, TEXT, chat_server

QUESTION = VideoQuestion("How many?", [JpegFrame(0.5, b"\xff\xd8one"), JpegFrame(1.5, b"\xff\xd8two")])


@pytest.fixture
def server():
    with chat_server() as running:
        yield running


def endpoint(server, **values):
    return Endpoint(KEY, **{"url": server.url, "model": "test", "deadline": 20, "retry_delay": 0.02, **values})


def answer(server, question=QUESTION, **values):
    return asyncio.run(ask(endpoint(server, **values), question))


@pytest.mark.parametrize("way", ["stream", "whole"])
def test_an_answer_arrives_with_its_model_and_tokens(server, way):
    server.script = [way]
    given = answer(server)
    assert given.text == TEXT
    assert (given.model, given.prompt_tokens, given.completion_tokens) == ("test/vlm", 900, 40)
    assert (given.attempts, given.cut_short, claimed_count(given.text)) == (1, False, 2)
    assert server.keys == [f"Bearer {KEY}"]


def test_the_frames_travel_as_pictures_with_their_seconds_and_no_tools_are_offered(server):
    answer(server)
    (sent,) = server.requests
    parts = sent["messages"][1]["content"]
    pictures = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    assert [base64.b64decode(url.partition(",")[2]) for url in pictures] == [b"\xff\xd8one", b"\xff\xd8two"]
    assert [part["text"] for part in parts if part["type"] == "text"][:2] == [
        "The video at 0.5 s:",
        "The video at 1.5 s:",
    ]
    assert "tools" not in sent
    assert "tool_choice" not in sent


def test_a_video_travels_as_a_video(server):
    answer(server, VideoQuestion("What?", [], b"mp4 bytes"))
    part = server.requests[0]["messages"][1]["content"][0]
    assert part["type"] == "video_url"
    assert base64.b64decode(part["video_url"]["url"].removeprefix("data:video/mp4;base64,")) == b"mp4 bytes"


def test_two_server_errors_are_tried_again(server):
    server.script = [500, 503, "stream"]
    assert answer(server).attempts == 3


def test_the_pause_an_endpoint_asks_for_is_kept(server):
    server.script = [(429, {"Retry-After": "1"}), "stream"]
    assert answer(server).attempts == 2
    assert server.at[1] - server.at[0] >= 1


def test_a_pause_longer_than_the_deadline_is_not_waited_for(server):
    server.script = [(429, {"Retry-After": "3600"})]
    begun = time.monotonic()
    with pytest.raises(QueueFull, match="wants 3600 s of pause") as caught:
        answer(server)
    assert time.monotonic() - begun < 5
    assert caught.value.remedy


def test_retry_after_may_be_a_date():
    assert retry_after({"retry-after": email.utils.formatdate(time.time() + 30)}) == pytest.approx(30, abs=2)
    assert retry_after({"retry-after": "soon"}) is None


@pytest.mark.parametrize(
    ("way", "kind", "message"),
    [
        (401, BackendMisconfigured, "does not accept the key"),
        (403, BackendMisconfigured, "does not accept the key"),
        (404, BackendMisconfigured, "model or address"),
        ((302, {"Location": "http://127.0.0.1:9/"}), BackendMisconfigured, "model or address"),
        (400, JobFailed, "refused the question"),
        (413, JobFailed, "refused the question"),
        ("half json", JobFailed, "cannot be read as an answer"),
        ("garbage", JobFailed, "cannot be read as an answer"),
        ("empty", JobFailed, "cannot be read as an answer"),
        ("tool", JobFailed, "none is offered"),
        ("cut", ResultLost, "broke off"),
        ("polite cut", ResultLost, "broke off"),
        ("silence", BackendUnavailable, "said nothing for"),
        ("silence within", BackendUnavailable, "said nothing for"),
    ],
)
def test_what_may_have_been_paid_for_is_not_asked_again_and_tells_what_to_do(server, way, kind, message):
    server.script = [way]
    with pytest.raises(kind, match=message) as caught:
        answer(server, silence=0.4)
    assert len(server.requests) == 1
    assert caught.value.remedy


@pytest.mark.parametrize("status", [429, 500])
def test_an_endpoint_that_stays_in_trouble_is_given_up(server, status):
    server.script = [status]
    with pytest.raises(BackendError, match="Given up after attempt 3"):
        answer(server, retries=2)
    assert len(server.requests) == 3


def test_an_endpoint_that_is_not_there_is_tried_again_and_given_up():
    nobody = Endpoint(KEY, url="http://127.0.0.1:9/v1", retries=1, retry_delay=0.01)
    with pytest.raises(BackendUnavailable, match="cannot be reached"):
        asyncio.run(ask(nobody, QUESTION))


def test_an_answer_without_end_is_given_up_at_the_deadline(server):
    server.script = ["trickle"]
    begun = time.monotonic()
    with pytest.raises(BackendUnavailable, match="did not finish within 1 s"):
        answer(server, deadline=1)
    assert time.monotonic() - begun < 4


def test_an_answer_at_the_token_limit_says_so(server):
    server.script = ["length"]
    assert answer(server).cut_short


def test_without_token_counts_none_are_made_up(server):
    server.usage = None
    given = answer(server)
    assert (given.prompt_tokens, given.completion_tokens) == (None, None)


def test_a_question_larger_than_the_endpoint_takes_is_not_sent(server):
    with pytest.raises(JobFailed, match="OMNIVINCI_MAX_BYTES"):
        answer(server, VideoQuestion("What?", [], b"x" * 2000), max_bytes=2000)
    assert server.requests == []


def test_without_a_key_nothing_is_sent(server):
    with pytest.raises(BackendMisconfigured, match="not configured") as caught:
        asyncio.run(ask(Endpoint("", url=server.url), QUESTION))
    assert "OMNIVINCI_API_KEY" in caught.value.remedy
    assert server.requests == []


def test_control_characters_and_hidden_reasoning_are_taken_out_and_markup_stays_as_text():
    text = "<think>secret plan</think>\x1b[31m<img src=x onerror=alert(1)> [a](javascript:x)\u202e ok\r\nCOUNT: 3"
    assert plain(text) == "[31m<img src=x onerror=alert(1)> [a](javascript:x) ok\nCOUNT: 3"
    assert plain("never closed <think>and so on") == "never closed"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("COUNT: 0", 0),
        ("**Count:** 12", 12),
        ("COUNT 1\nno: COUNT: 4", 1),
        ("about 3 deer", None),
        ("count: many", None),
    ],
)
def test_the_claimed_count_is_the_last_line_that_names_one(text, count):
    assert claimed_count(text) == count


@pytest.mark.parametrize("way", ["stream", "whole", 401, 400, 422, 429, 500, "half json", "garbage", "cut", "silence"])
def test_the_key_is_in_no_log_no_error_and_no_repr(server, caplog, way):
    caplog.set_level(logging.DEBUG)
    server.script = [way]
    server.text = f"your key is {KEY}, COUNT: 1"
    shown = repr(endpoint(server))
    try:
        shown += repr(answer(server, retries=1, silence=0.3))
    except BackendError as error:
        shown += "".join(traceback.format_exception(error)) + error.remedy + repr(pickle.dumps(error))
    logged = "\n".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    assert logged
    assert KEY not in shown + logged
    assert KEY[6:] not in shown + logged
