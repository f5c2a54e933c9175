"""A box that comes again and again at one place is proposed, an animal that moves or was looked at is not."""

from __future__ import annotations

import numpy as np
import pytest
import sqlalchemy as sa

from app.settings import Settings
from app.survey.database import Survey, open_survey
from app.survey.decisions import boxes, many_boxes, undoing
from app.survey.decisions.refusals import BadDecision
from app.survey.detections import results
from app.survey.detections.repeated import repeated
from app.survey.tables.deployments import Event
from app.survey.tables.detections import DetectionReview
from app.survey.tables.media import Media
from modal_backend.contracts import Box, Provenance
from modal_backend.registry import EMBEDDING
from tests.support.surveys import add_media, found

HOURS = 3 * 60.0


@pytest.fixture
def survey(tmp_path):
    survey = open_survey(Settings(PUGMARK_DATA_DIR=tmp_path, _env_file=None))
    yield survey
    survey.close()


def add(survey: Survey, number: int, x: float, look: int, folder: str = "Ridge 1") -> int:
    """One image, an event of its own, with a box at x that looks like `look`."""
    media_id, (detection_id,) = add_media(survey, [found(0.9 - number / 100, x)], minutes=HOURS * number, folder=folder)
    vector = np.random.default_rng(look).normal(size=1280) + np.random.default_rng(100 + number).normal(size=1280) / 9
    with survey.write() as session:
        media = session.get_one(Media, media_id)
        event = Event(deployment_id=media.deployment_id, started_at=media.taken_at, ended_at=media.taken_at)
        session.add(event)
        session.flush()
        media.event_id = event.id
        version = results.model_version(session, "embed", Provenance("embedded", EMBEDDING, "1", "", "test"))
        unit = (vector / np.linalg.norm(vector)).astype(np.float32)
        results.store_feature(session, detection_id, version, Box(x, 0.3, 0.3, 0.4), unit, None)
    return detection_id


def places(survey: Survey):
    with survey.read() as session:
        return repeated(session)


def test_the_same_box_in_four_events_is_one_place_and_what_moves_or_looks_otherwise_is_not(survey):
    stump = [add(survey, number, 0.2 + number / 500, look=1) for number in range(5)]
    for number in range(5, 10):
        add(survey, number, 0.1 * (number - 5), look=2)
        add(survey, number, 0.65, look=number, folder="Ridge 2")
    (place,) = places(survey)
    assert (place.deployment, place.detection_ids, place.events) == ("Ridge 1", tuple(stump), 5)


def test_three_events_are_too_few_and_a_box_that_somebody_accepted_does_not_count(survey):
    stump = [add(survey, number, 0.2, look=1) for number in range(4)]
    assert len(places(survey)) == 1
    with survey.write() as session:
        boxes.correct_box(session, "ana", stump[1], species="Sus scrofa")
    assert places(survey) == []


def test_deleting_them_is_one_decision_that_leaves_decided_boxes_alone_and_can_be_undone(survey):
    stump = [add(survey, number, 0.2, look=1) for number in range(4)]
    with survey.write() as session:
        boxes.correct_box(session, "ana", stump[0], species="Sus scrofa")
        decision = many_boxes.reject_repeated(session, "ben", stump)
        number = decision.id
    with survey.read() as session:
        rejected = session.scalars(sa.select(DetectionReview.detection_id).where(DetectionReview.verdict == "rejected"))
        assert set(rejected) == set(stump[1:])
    with survey.write() as session, pytest.raises(BadDecision, match="by now"):
        many_boxes.reject_repeated(session, "ben", stump)
    with survey.write() as session:
        undoing.undo_one(session, number, "ben")
    with survey.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(DetectionReview)) == 1
