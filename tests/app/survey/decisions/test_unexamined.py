"""Nothing that no model has looked at yet is accepted or called blank, one by one or many at once."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.survey.decisions import boxes, many_boxes
from app.survey.decisions.refusals import BadDecision
from app.survey.tables.detections import MediaReview
from app.survey.tables.media import Media, Stage
from tests.support.surveys import add_media, found


@pytest.fixture
def waiting(survey):
    """A media that waits for the detector, and one that was looked at."""
    (first, _), (second, _) = add_media(survey), add_media(survey, [found()])
    with survey.write() as session:
        session.get_one(Media, first).stage = Stage.STORED
    return first, second


def test_a_media_still_being_looked_at_is_neither_accepted_nor_blank(survey, waiting):
    for act in (
        lambda s: boxes.accept_media(s, "ana", waiting[0], 0.5),
        lambda s: boxes.judge_media(s, "ana", waiting[0], "blank"),
    ):
        with pytest.raises(BadDecision, match="still being looked at"), survey.write() as session:
            act(session)
    with survey.write() as session:
        assert boxes.judge_media(session, "ana", waiting[0], "unsure")


@pytest.mark.parametrize("verdict", ["accepted", "blank"])
def test_a_decision_about_many_leaves_out_those_still_being_looked_at(survey, waiting, verdict):
    with survey.write() as session:
        done = many_boxes.judge_all(session, "ana", waiting, verdict, 0.5)
        assert done.left_out == ["still being looked at"]
        assert list(session.scalars(sa.select(MediaReview.media_id))) == [waiting[1]]


def test_whole_picture_and_species_leave_out_what_is_looked_at_and_videos(survey, waiting):
    with survey.write() as session:
        session.get_one(Media, waiting[1]).kind = "video"
        assert many_boxes.whole_pictures(session, "ana", waiting).decision is None
        done = many_boxes.label_all(session, "ana", waiting, 0.5, species="Tiger")
        assert done.left_out == ["still being looked at"]
