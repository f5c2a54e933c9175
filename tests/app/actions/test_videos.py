"""What the keys over the frames of a video send is written down, once, and taken back."""

from __future__ import annotations

import time

import pytest

from app.actions.videos import apply_marks
from app.survey.database import Survey
from app.survey.videos.counts import count_of
from app.survey.videos.views import Show, count, opened
from tests.pages.test_videos import add_video


class NoJobs:
    """Takes no work."""

    def __getattr__(self, name: str):
        return lambda *_args, **_values: None


@pytest.fixture
def video(survey: Survey) -> int:
    """The id of a summarised video with one animal."""
    return add_video(survey)


def sent(media_id: int, number: int, kind: str, **values) -> dict:
    return {"n": number, "uuid": f"key-{number}", "kind": kind, "media_id": media_id} | values


def test_a_count_and_a_box_are_written_once_and_taken_back(survey, video):
    actions = [
        sent(video, 1, "count", animals=4),
        sent(video, 2, "draw", category="animal", box={"x": 0.6, "y": 0.1, "w": 0.2, "h": 0.2}, frame=20, second=2.0),
    ]
    settled = apply_marks(survey, NoJobs(), "ana", actions, 0)
    assert (settled.ack, settled.problems) == (2, [])
    assert apply_marks(survey, NoJobs(), "ana", actions, 2).ack == 2
    with survey.read() as session:
        assert count_of(session, video).animals == 4
        assert [number for number, _ in opened(session, video).drawn] == [20]
    apply_marks(survey, NoJobs(), "ana", [sent(video, 3, "undo", undoes="key-2")], 2)
    apply_marks(survey, NoJobs(), "ana", [sent(video, 4, "undo", undoes="key-1")], 3)
    with survey.read() as session:
        assert count_of(session, video).animals == 1
        assert opened(session, video).drawn == []


def test_a_count_of_none_lists_the_video_under_nothing(survey, video):
    apply_marks(survey, NoJobs(), "ana", [sent(video, 1, "count", animals=0)], 0)
    with survey.read() as session:
        counts = {show: count(session, show) for show in Show}
    assert counts == {Show.ALL: 1, Show.ANIMALS: 0, Show.UNIDENTIFIED: 0, Show.NOTHING: 1}


def test_a_count_over_one_that_somebody_else_made_since_says_whose_it_was(survey, video):
    seen = time.time()
    assert apply_marks(survey, NoJobs(), "ben", [sent(video, 1, "count", animals=2, seen=seen)], 0).messages == []
    (message,) = apply_marks(
        survey, NoJobs(), "ana", [sent(video, 1, "count", animals=4, uuid="ana-1", seen=seen)], 0
    ).messages
    assert message.startswith("ben decided about this too")
