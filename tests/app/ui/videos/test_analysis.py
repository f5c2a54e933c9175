"""The panel of a video: what can be asked, what was answered, and where the counts disagree."""

from __future__ import annotations

import types
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.settings import load_settings
from app.survey.database import Survey
from app.survey.tables.media import Media, Stage
from app.survey.videos import answers
from app.ui.videos import analysis
from modal_backend.contracts import VideoAnswer
from tests.support.chat_server import KEY
from tests.support.pages import survey_of_pages

MARKUP = "<img src=x onerror=alert(1)> [click](http://evil.example) ![p](http://evil.example/p.png) **two**\nCOUNT: 2"


@pytest.fixture
def survey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The survey of the dashboard's settings, with one video (media 1)."""
    monkeypatch.setenv("OMNIVINCI_API_KEY", KEY)
    with survey_of_pages(tmp_path / "data", monkeypatch) as survey:
        with survey.write() as session:
            video = {"kind": "video", "format": "mp4", "bytes": 1, "width": 320, "height": 240, "stage": Stage.READY}
            session.add(Media(sha256="a" * 64, **video))
        yield survey


def panel() -> AppTest:
    def script() -> None:
        from app.ui.videos.analysis import draw_analysis

        draw_analysis(1)

    return AppTest.from_function(script, default_timeout=120).run()


def answered(survey: Survey, text: str, cut_short: bool = False) -> int:
    with survey.write() as session:
        asked = answers.ask(session, 1, "count", "How many?", "ana", model="m", host="h", through="direct")
        answer = VideoAnswer(text, "test/vlm", "127.0.0.1:1", 900, 40, cut_short, 1)
        answers.keep(session, asked.id, answer, (2.0, 6.0))
        return asked.id


def words(test: AppTest) -> str:
    return " ".join(str(element.proto) for element in [*test.get("html"), *test.get("caption"), *test.get("warning")])


def test_without_a_key_the_panel_says_not_configured_and_what_to_do(survey, monkeypatch):
    monkeypatch.delenv("OMNIVINCI_API_KEY")
    load_settings.cache_clear()
    test = panel()
    assert not test.exception
    assert test.info[0].value.startswith("Not configured. Set OMNIVINCI_API_KEY")
    assert not test.button


def test_it_says_where_the_frames_go_before_they_go(survey):
    assert "Ask sends 8 frames of this video and the question to integrate.api.nvidia.com (model nvidia/" in words(
        panel()
    )


def test_a_person_on_the_video_is_told_before_anything_is_sent(survey):
    assert "their picture would leave this machine" not in words(panel())
    with survey.write() as session:
        session.get_one(Media, 1).person_score = 0.8
    assert "their picture would leave this machine" in words(panel())


def test_a_prepared_question_becomes_a_row_that_waits(survey):
    test = panel()
    test.selectbox[0].select("behaviour").run()
    test.button(key="video-ask-1").click().run()
    assert not test.exception
    with survey.read() as session:
        (answer,) = answers.answers(session, 1)
    assert (answer.kind, answer.asked_by, answer.outcome) == ("behaviour", "ana", None)
    assert "waits for the worker" in words(test)


def test_an_own_question_is_asked_as_written_and_an_empty_one_is_refused(survey):
    test = panel()
    test.selectbox[0].select("own").run()
    test.button(key="video-ask-1").click().run()
    assert test.error[0].value == "Write a question first."
    test.text_input[0].input("Is one <b>limping</b>?").run()
    test.button(key="video-ask-1").click().run()
    with survey.read() as session:
        assert [answer.question for answer in answers.answers(session, 1)] == ["Is one <b>limping</b>?"]
    assert "&lt;b&gt;limping" in words(test)


def test_an_answer_with_markup_is_shown_as_text_and_nowhere_else(survey):
    answered(survey, MARKUP)
    test = panel()
    assert [element.value for element in test.text] == [MARKUP]
    assert not [element for element in test.markdown if "evil" in element.value]
    assert "evil" not in words(test)


def test_an_answer_says_where_it_comes_from_and_what_it_cost(survey):
    answered(survey, "Two deer.", cut_short=True)
    shown = words(panel())
    assert "test/vlm at 127.0.0.1:1 · prompts 1 · 900 + 40 tokens · $0.0020 · asked by ana" in shown
    assert "not complete" in shown


@pytest.mark.parametrize(("computed", "marked"), [(2, False), (1, True)])
def test_counts_that_disagree_are_marked(survey, monkeypatch, computed, marked):
    monkeypatch.setattr(analysis, "summary_of", lambda _session, _media_id: types.SimpleNamespace(animals=computed))
    answered(survey, "Two deer.\nCOUNT: 2")
    test = panel()
    assert bool(test.warning) is marked
    if marked:
        assert "says 2 animals; the summary computed from detections says 1" in test.warning[0].value


def test_deleting_an_answer_can_be_undone(survey):
    answer_id = answered(survey, "Two deer.")
    test = panel()
    test.button(key=f"video-delete-{answer_id}").click().run()
    assert not test.text
    test.button(key="video-undo-1").click().run()
    assert test.text[0].value == "Two deer."
