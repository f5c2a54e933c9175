"""One way for every decision, undo and redo: tried again, refused in words, and crops follow their boxes."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.actions.decide import decide, redo, settle, undo
from app.survey.decisions import boxes, catalogue, identity, plausibility
from app.survey.decisions.kinds import Undo
from app.survey.detections.features import lacking
from app.survey.detections.results import box_key
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import Feature
from modal_backend.contracts import Box
from modal_backend.errors import QueueFull
from tests.support.asked import Asked
from tests.support.surveys import add_media, describe, found

MOVED = Box(0.1, 0.1, 0.4, 0.4)


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def moved(survey, asked) -> int:
    """A named animal whose box ana has moved, and whose crop has been described since."""
    _, (box,) = add_media(survey, [found(0.9)])
    describe(survey, box, seed=1)
    decide(survey, asked, "ana", identity.new_individual, box)
    decide(survey, asked, "ana", boxes.correct_box, box, box=MOVED)
    described_as(survey, MOVED)
    asked.described.clear()
    return box


def described_as(survey, box: Box) -> None:
    with survey.write() as session:
        session.execute(sa.update(Feature).values(box=box_key(box)))


def last(survey) -> int:
    with survey.read() as session:
        return session.scalar(sa.select(sa.func.max(Decision.id)))


def test_a_moved_box_taken_back_by_its_id_is_described_again(survey, asked, moved):
    undo(survey, asked, "ben", decision_id=last(survey))
    assert asked.described == [([moved], False)]


@pytest.mark.parametrize("which", [{"and_since": True}, {}], ids=["back to here", "this one"])
def test_a_box_moved_back_from_history_is_described_again_and_again_when_it_is_redone(survey, asked, moved, which):
    number = last(survey)
    undo(survey, asked, "ana", decision_id=number, **which)
    described_as(survey, Box(0.2, 0.3, 0.3, 0.4))
    redo(survey, asked, "ana", decision_id=number)
    assert asked.described == [([moved], False), ([moved], False)]


@pytest.mark.parametrize("button", [None, Undo.DETECTIONS])
def test_the_last_decision_taken_back_is_described_again_whatever_the_button(survey, asked, moved, button):
    undo(survey, asked, "ana", button)
    assert asked.described == [([moved], False)]


def test_a_second_box_of_one_animal_that_comes_back_is_described_when_it_was_not_meanwhile(survey, asked):
    _, (first, second) = add_media(survey, [found(0.9), found(0.8, x=0.6)])
    for box in (first, second):
        decide(survey, asked, "ana", identity.new_individual, box)
    describe(survey, first, seed=1)
    decide(survey, asked, "ana", plausibility.drop_second_box, second)
    asked.described.clear()
    undo(survey, asked, "ana", Undo.INDIVIDUALS)
    assert asked.described == [([second], False)]


def test_a_flank_a_species_or_a_merge_asks_for_no_crop(survey, asked):
    _, (first, second) = add_media(survey, [found(0.9), found(0.8, x=0.6)])
    for box in (first, second):
        decide(survey, asked, "ana", identity.new_individual, box)
    decide(survey, asked, "ana", identity.set_flank, first, "left")
    decide(survey, asked, "ana", catalogue.merge, 1, 2)
    undo(survey, asked, "ana", Undo.INDIVIDUALS)
    assert asked.described == []
    with survey.read() as session:
        assert lacking(session, "rapid", among=[first, second]) == [first, second]


def test_a_write_that_meets_another_is_tried_again_and_then_refused_in_words(survey, asked):
    media_id, _ = add_media(survey, [found(0.9)])
    met_before = iter([True, True, False])

    def met(session, who, media_id):
        if next(met_before):
            raise IntegrityError("insert", None, Exception("unique"))
        return boxes.judge_media(session, who, media_id, "unsure")

    done = decide(survey, asked, "ana", met, media_id)
    assert ([decision.kind for decision in done.decisions], done.problems) == (["unsure"], [])

    def always(session, who):
        raise IntegrityError("insert", None, Exception("unique"))

    refused = decide(survey, asked, "ana", always)
    assert refused.refused
    assert "Please decide again" in refused.problems[0]


def test_a_refused_decision_changes_nothing_and_says_why(survey, asked):
    media_id, (box,) = add_media(survey, [found(0.9)])
    decide(survey, asked, "ana", identity.new_individual, box)
    refused = decide(survey, asked, "ana", boxes.judge_media, media_id, "blank")
    assert (refused.refused, refused.decisions) == (True, [])
    assert "was named on this picture" in refused.problems[0]


def test_a_full_queue_is_a_problem_of_a_decision_that_stands(survey, asked, moved, monkeypatch):
    def full(*args, **values):
        raise QueueFull("9 jobs wait.", remedy="Wait.")

    monkeypatch.setattr(asked, "describe", full)
    done = undo(survey, asked, "ana")
    assert (done.refused, len(done.decisions)) == (False, 1)
    assert done.problems == ["Your decisions are saved, but the crops wait: 9 jobs wait. Wait."]


def test_actions_of_a_browser_are_done_once_in_their_order_and_their_crops_asked_for_together(survey, asked):
    _, ids = add_media(survey, [found(0.9), found(0.8, x=0.6)])
    actions = [{"n": n, "uuid": f"u{n}", "kind": "move", "box": box} for n, box in ((2, ids[1]), (1, ids[0]))]

    def make(session, who, action):
        return boxes.correct_box(session, who, action["box"], box=MOVED)

    for _ in range(2):
        assert settle(survey, asked, "ana", Undo.DETECTIONS, actions, 0, make).ack == 2
    assert asked.described[0] == (ids, False)
    with survey.read() as session:
        decided = session.scalars(sa.select(Decision.detection_id).order_by(Decision.id)).all()
    assert decided == ids
