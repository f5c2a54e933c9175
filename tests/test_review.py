"""Decisions about boxes and media: kept apart from what models found, and undone without a trace."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.survey import review
from app.survey.browse import MediaFilter, Show, count, page
from app.survey.database import Survey
from app.survey.decide import HUMAN, DecisionConflict, undo, undo_last
from app.survey.detections import Detection
from app.survey.media import Media
from app.survey.review import BadDecision
from app.survey.scores import boxes_of
from modal_backend.contracts import Box, Category
from tests.surveys import add_media, found


def everything(survey: Survey) -> dict[str, list[tuple]]:
    """All rows of the tables a person's decisions touch, and the media with their scores."""
    with survey.read() as session:
        tables = [*(table.__table__ for table in HUMAN.values()), Media.__table__]
        return {table.name: sorted(map(repr, session.execute(sa.select(table)))) for table in tables}


def scores(survey: Survey, media_id: int) -> tuple[float, float, float]:
    with survey.read() as session:
        media = session.get_one(Media, media_id)
        return media.animal_score, media.person_score, media.vehicle_score


def test_accepting_a_media_confirms_the_boxes_shown_and_drops_the_others(survey):
    media, (strong, weak) = add_media(survey, [found(0.8), found(0.3, x=0.6)])
    with survey.write() as session:
        review.accept_media(session, "ana", media, threshold=0.5)
    with survey.read() as session:
        boxes = {box.id: box for box in boxes_of(session, [media])[media]}
    assert boxes[strong].confirmed
    assert not boxes[weak].confirmed
    assert scores(survey, media)[0] == 1.0


def test_a_blank_media_counts_as_blank_at_any_threshold(survey):
    media, _ = add_media(survey, [found(0.95)])
    with survey.write() as session:
        review.judge_media(session, "ana", media, "blank")
    with survey.read() as session:
        assert count(session, MediaFilter(Show.BLANK, 0.01)) == 1
        assert count(session, MediaFilter(Show.ANIMAL, 0.01)) == 0


def test_what_the_model_found_is_never_changed_by_a_decision(survey):
    _media, (box,) = add_media(survey, [found(0.8)])
    with survey.read() as session:
        before = session.execute(sa.select(Detection.__table__)).all()
    with survey.write() as session:
        review.correct_box(session, "ana", box, category="person")
        review.correct_box(session, "ana", box, box=Box(0.1, 0.1, 0.5, 0.5))
        review.correct_box(session, "ana", box, verdict="rejected")
    with survey.read() as session:
        assert session.execute(sa.select(Detection.__table__)).all() == before


def test_a_corrected_category_moves_the_score(survey):
    media, (box,) = add_media(survey, [found(0.8)])
    with survey.write() as session:
        review.correct_box(session, "ana", box, category="person")
    assert scores(survey, media) == (0.0, 1.0, 0.0)


def test_a_rejected_box_no_longer_counts(survey):
    media, (box, _) = add_media(survey, [found(0.8), found(0.4, x=0.6)])
    with survey.write() as session:
        review.correct_box(session, "ana", box, verdict="rejected")
    assert scores(survey, media)[0] == pytest.approx(0.4)


def test_undo_of_any_depth_leaves_the_survey_exactly_as_before(survey):
    media, (box, other) = add_media(survey, [found(0.8), found(0.3, x=0.6)])
    states = [everything(survey)]
    steps = [
        lambda s: review.correct_box(s, "ana", box, species="tiger"),
        lambda s: review.correct_box(s, "ana", box, box=Box(0.3, 0.3, 0.2, 0.2)),
        lambda s: review.draw_box(s, "ana", media, Box(0.0, 0.0, 0.3, 0.3), "vehicle"),
        lambda s: review.correct_box(s, "ana", other, verdict="rejected"),
        lambda s: review.judge_media(s, "ana", media, "blank"),
        lambda s: review.accept_media(s, "ana", media, 0.2),
    ]
    for step in steps:
        with survey.write() as session:
            step(session)
        states.append(everything(survey))
    for expected in reversed(states[:-1]):
        with survey.write() as session:
            assert undo_last(session, "ana", review.KINDS)
        assert everything(survey) == expected
    with survey.write() as session:
        assert undo_last(session, "ana", review.KINDS) is None


def test_undo_takes_back_only_ones_own_decisions(survey):
    _media, (box,) = add_media(survey, [found(0.8)])
    with survey.write() as session:
        review.correct_box(session, "ana", box, species="tiger")
    with survey.write() as session:
        assert undo_last(session, "ben", review.KINDS) is None


def test_an_older_decision_cannot_be_undone_over_a_newer_one(survey):
    _, (box,) = add_media(survey, [found(0.8)])
    with survey.write() as session:
        first = review.correct_box(session, "ana", box, species="tiger")
        review.correct_box(session, "ben", box, species="leopard")
    with pytest.raises(DecisionConflict), survey.write() as session:
        undo(session, session.merge(first), "ana")
    with survey.read() as session:
        assert next(iter(boxes_of(session, [first.media_id])[first.media_id])).species == "leopard"


def test_the_same_key_press_sent_twice_is_one_decision(survey):
    media, _ = add_media(survey, [found(0.8)])
    with survey.write() as session:
        first = review.accept_media(session, "ana", media, 0.5, client_key="k1")
        second = review.accept_media(session, "ana", media, 0.5, client_key="k1")
    assert first.id == second.id


@pytest.mark.parametrize("box", [Box(1.2, 0, 0.1, 0.1), Box(0.5, 0.5, 0, 0.2), Box(-0.5, 0, 0.5, 1)])
def test_a_box_without_area_in_the_picture_is_refused(survey, box):
    media, _ = add_media(survey, [])
    with pytest.raises(BadDecision), survey.write() as session:
        review.draw_box(session, "ana", media, box, "animal")


def test_a_box_that_sticks_out_is_cut_at_the_edge(survey):
    media, _ = add_media(survey, [])
    with survey.write() as session:
        review.draw_box(session, "ana", media, Box(0.8, -0.1, 0.5, 0.5), "animal")
    with survey.read() as session:
        (box,) = boxes_of(session, [media])[media]
    assert (box.x, box.y, round(box.width, 6), round(box.height, 6)) == (0.8, 0.0, 0.2, 0.4)


def test_uncertain_media_come_nearest_to_the_threshold_first(survey):
    far, _ = add_media(survey, [found(0.95)], minutes=0)
    near, _ = add_media(survey, [found(0.52)], minutes=1)
    done, _ = add_media(survey, [found(0.5)], minutes=2)
    with survey.write() as session:
        review.accept_media(session, "ana", done, 0.5)
    with survey.read() as session:
        assert [view.id for view in page(session, MediaFilter(Show.UNCERTAIN, 0.5))] == [near, far]


def test_a_category_that_is_none_is_refused(survey):
    _, (box,) = add_media(survey, [found(category=Category.ANIMAL)])
    with pytest.raises(BadDecision, match="not a category"), survey.write() as session:
        review.correct_box(session, "ana", box, category="cat")
