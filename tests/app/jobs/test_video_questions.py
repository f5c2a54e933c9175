"""A question about a video from the dashboard to the worker to an endpoint and back into the survey."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.actions import video_questions
from app.jobs.queue import Jobs
from app.settings import Settings
from app.survey.database import Survey, open_survey
from app.survey.decisions.kinds import ANSWERS
from app.survey.decisions.undoing import undo_last
from app.survey.decisions.videos import delete_answer
from app.survey.tables.calls import Call
from app.survey.tables.media import Media, Stage
from app.survey.tables.videos import VideoAnswer
from app.survey.videos import answers
from modal_backend.contracts import VideoAnswer as Answer
from modal_backend.errors import QueueFull
from modal_backend.models.video.prompts import VERSION
from tests.support import workers
from tests.support.chat_server import KEY, TEXT, chat_server
from tests.support.forked import Process
from tests.support.square_video import write_video
from tests.support.waiting import wait_until

ANSWER = Answer("Two deer.\nCOUNT: 2", "test/vlm", "127.0.0.1:1", 1_000_000, 500_000, False, 1)


@pytest.fixture
def server():
    with chat_server() as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path, server) -> Settings:
    return Settings(
        PUGMARK_DATA_DIR=tmp_path / "data",
        OMNIVINCI_API_URL=server.url,
        OMNIVINCI_API_KEY=KEY,
        OMNIVINCI_MODEL="asked/model",
        OMNIVINCI_PRICE_IN=2.0,
        OMNIVINCI_PRICE_OUT=6.0,
        _env_file=None,
    )


def add_video(survey: Survey, tmp_path: Path, name: str = "clip.mp4") -> int:
    """A video in the store, as an import leaves it."""
    import hashlib

    video = write_video(tmp_path / name, seconds=2)
    sha256 = hashlib.sha256(video.read_bytes()).hexdigest()
    place = survey.data_dir / "originals" / sha256[:2] / f"{sha256}{video.suffix}"
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(video, place)
    with survey.write() as session:
        media = Media(
            sha256=sha256,
            kind="video",
            format=video.suffix[1:],
            bytes=video.stat().st_size,
            width=320,
            height=240,
            stage=Stage.READY,
        )
        session.add(media)
        session.flush()
        return media.id


def ask(settings: Settings, survey: Survey, media_id: int, kind: str = "count", own: str = "") -> int:
    jobs = Jobs(survey, settings)
    try:
        return video_questions.ask(settings, survey, jobs, media_id, kind, own, "ana")
    finally:
        jobs.close()


def row(survey: Survey, answer_id: int) -> VideoAnswer:
    with survey.read() as session:
        return session.get_one(VideoAnswer, answer_id)


def worker(settings: Settings, **more: str) -> AbstractContextManager[Process]:
    """A worker process on this survey; killed at the end. What it writes goes to worker.log in the data directory."""
    asked = {
        "PUGMARK_BACKEND": "embedded",
        "OMNIVINCI_API_URL": settings.omnivinci_api_url,
        "OMNIVINCI_API_KEY": KEY,
        "OMNIVINCI_MODEL": "asked/model",
        "OMNIVINCI_PRICE_IN": "2",
        "OMNIVINCI_PRICE_OUT": "6",
        "OMNIVINCI_FRAMES": "3",
    }
    return workers.worker(settings.data_dir, **asked | more)


def files_with(folder: Path, text: str) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return [str(path) for path in found if text.encode() in path.read_bytes()]


def test_a_worker_asks_keeps_the_answer_and_the_key_is_nowhere_on_disk(settings, survey, server, tmp_path):
    answer_id = ask(settings, survey, add_video(survey, tmp_path), "own", "  Is one  limping? ")
    server.script, server.text = [500, "stream"], f"{TEXT} <script>alert(1)</script> {KEY}"
    with worker(settings):
        wait_until(lambda: row(survey, answer_id).outcome)
    asked = row(survey, answer_id)
    assert (asked.outcome, asked.question, asked.prompt_version) == ("done", "Is one limping?", VERSION)
    assert (asked.model, asked.endpoint_host) == ("test/vlm", settings.omnivinci_api_url.split("/")[2])
    assert asked.answer == f"{TEXT} <script>alert(1)</script> [key]"
    assert (asked.count_claimed, asked.prompt_tokens, asked.completion_tokens, asked.attempts) == (2, 900, 40, 2)
    assert asked.cost_dollars == pytest.approx((900 * 2 + 40 * 6) / 1e6)
    assert (asked.sent, asked.asked_by) == ("3 frames", "ana")
    assert asked.frame_seconds == pytest.approx([0.3, 1.0, 1.6], abs=0.11)
    with survey.read() as session:
        call = session.scalars(sa.select(Call).where(Call.model == "omnivinci")).one()
    assert (call.model, call.backend, call.outcome, call.attempts, call.items) == (
        "omnivinci",
        "endpoint",
        "done",
        2,
        3,
    )
    assert call.bytes > 1000
    assert files_with(settings.data_dir, KEY) == []


def test_a_killed_worker_asks_again_only_what_has_no_answer(settings, survey, server, tmp_path):
    media_id = add_video(survey, tmp_path)
    server.script = ["stream", "silence", "stream"]
    first = ask(settings, survey, media_id, "count")
    with worker(settings):
        wait_until(lambda: row(survey, first).outcome == "done")
        second = ask(settings, survey, media_id, "happens")
        wait_until(lambda: len(server.requests) == 2)
    assert row(survey, second).outcome is None
    with worker(settings):
        wait_until(lambda: row(survey, second).outcome == "done")
        time.sleep(1)
    assert len(server.requests) == 3
    assert row(survey, first).answer == row(survey, second).answer == TEXT
    with survey.read() as session:
        outcomes = session.scalars(sa.select(Call.outcome).where(Call.model == "omnivinci").order_by(Call.id)).all()
    assert outcomes == ["done", "done"]


def test_a_refused_key_and_a_missing_file_are_told_with_the_remedy(settings, survey, server, tmp_path):
    media_id = add_video(survey, tmp_path)
    gone = add_video(survey, tmp_path, "gone.avi")
    shutil.rmtree(settings.data_dir / "originals" / _sha(survey, gone)[:2])
    server.script = [401]
    refused, missing = ask(settings, survey, media_id), ask(settings, survey, gone)
    with worker(settings):
        wait_until(lambda: row(survey, refused).outcome and row(survey, missing).outcome)
    assert row(survey, refused).outcome == row(survey, missing).outcome == "failed"
    assert "does not accept the key (401). Check OMNIVINCI_API_KEY." in row(survey, refused).error
    assert "Import the video again." in row(survey, missing).error
    assert len(server.requests) == 1
    assert files_with(settings.data_dir, KEY) == []


def test_the_video_itself_is_sent_where_that_is_wanted_and_it_fits(settings, survey, server, tmp_path):
    answer_id = ask(settings, survey, add_video(survey, tmp_path))
    other = ask(settings, survey, add_video(survey, tmp_path, "other.avi"))
    with worker(settings, OMNIVINCI_SEND="clip"):
        wait_until(lambda: row(survey, answer_id).outcome and row(survey, other).outcome)
    assert row(survey, answer_id).sent.startswith("the video, ")
    assert row(survey, other).sent == "3 frames"
    kinds = {part["type"] for request in server.requests for part in request["messages"][1]["content"]}
    assert kinds == {"video_url", "image_url", "text"}


def _sha(survey: Survey, media_id: int) -> str:
    with survey.read() as session:
        return session.get_one(Media, media_id).sha256


def test_an_answer_is_never_overwritten(settings, survey, tmp_path):
    answer_id = ask(settings, survey, add_video(survey, tmp_path))
    with survey.write() as session:
        assert answers.keep(session, answer_id, ANSWER, (2.0, 6.0))
    with survey.write() as session:
        other = Answer("Nine wolves.\nCOUNT: 9", "other", "other", 1, 1, True, 1)
        assert not answers.keep(session, answer_id, other, (None, None))
        assert not answers.fail(session, answer_id, "late")
    kept = row(survey, answer_id)
    assert (kept.count_claimed, kept.model, kept.outcome, kept.cost_dollars) == (2, "test/vlm", "done", 5.0)


def test_without_tokens_or_prices_there_is_no_cost(settings):
    assert answers.cost(ANSWER, (None, 6.0)) is None
    assert answers.cost(Answer("x", "m", "h", None, 5, False, 1), (2.0, 6.0)) is None


def test_a_deleted_answer_comes_back_with_undo_and_its_id_is_given_to_no_other(settings, survey, tmp_path):
    media_id = add_video(survey, tmp_path)
    answer_id = ask(settings, survey, media_id)
    with survey.write() as session:
        answers.keep(session, answer_id, ANSWER, (None, None))
    with survey.write() as session:
        delete_answer(session, "ana", answer_id)
    with survey.read() as session:
        assert answers.answers(session, media_id) == []
    assert ask(settings, survey, media_id) > answer_id
    with survey.write() as session:
        undo_last(session, "ana", ANSWERS.words)
    assert row(survey, answer_id).answer == ANSWER.text


def test_without_a_key_nothing_is_written_down_and_the_remedy_is_told(settings, survey, tmp_path):
    bare = settings.model_copy(update={"omnivinci_api_key": None})
    media_id = add_video(survey, tmp_path)
    with pytest.raises(ValueError, match="Set OMNIVINCI_API_KEY"):
        ask(bare, survey, media_id)
    with pytest.raises(ValueError, match="Write a question first"):
        ask(settings, survey, media_id, "own", "  ")
    with survey.read() as session:
        assert answers.answers(session, media_id) == []


def test_a_full_queue_leaves_a_question_that_says_so(settings, survey, tmp_path, monkeypatch):
    full = settings.model_copy(update={"modal_queue_max_size": 0})
    media_id = add_video(survey, tmp_path)
    with pytest.raises(QueueFull):
        ask(full, survey, media_id)
    with survey.read() as session:
        (answer,) = answers.answers(session, media_id)
    assert answer.outcome == "failed"
    assert "MODAL_QUEUE_MAX_SIZE" in answer.error


@pytest.mark.parametrize("shown", [repr, str, lambda settings: settings.model_dump_json()])
def test_the_settings_never_show_the_key(settings, shown):
    assert KEY not in shown(settings)


@pytest.mark.parametrize(
    "address", ["ftp://host/v1", "not an address", f"https://user:{KEY}@host/v1", f"https://host/v1?key={KEY}"]
)
def test_an_address_that_cannot_be_used_is_refused_without_showing_a_key(monkeypatch, tmp_path, address):
    from app.settings import BadSetting, load_settings

    monkeypatch.setenv("PUGMARK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("OMNIVINCI_API_KEY", KEY)
    monkeypatch.setenv("OMNIVINCI_API_URL", address)
    load_settings.cache_clear()
    with pytest.raises(BadSetting, match="OMNIVINCI_API_URL") as caught:
        load_settings()
    load_settings.cache_clear()
    assert KEY not in f"{caught.value}{caught.value.__cause__}"


@pytest.fixture
def survey(settings: Settings) -> Iterator[Survey]:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    survey = open_survey(settings)
    yield survey
    survey.close()
