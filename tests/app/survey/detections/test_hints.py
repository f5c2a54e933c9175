"""Species hints: read once from each embedding, shown on what nobody has labelled, taken as one decision."""

from __future__ import annotations

import numpy as np
import pytest
import sqlalchemy as sa

from app.settings import Settings
from app.survey.database import Survey, open_survey
from app.survey.decisions import boxes, many_boxes, undoing
from app.survey.detections import hints, results
from app.survey.detections.boxes import boxes_of
from app.survey.media import browse
from app.survey.media.browse import MediaFilter
from app.survey.tables.detections import Detection
from modal_backend.contracts import Box, Category, Provenance
from modal_backend.models.species.hints import SHOWN_FROM
from modal_backend.registry import EMBEDDING
from tests.support.surveys import add_media, found

SURE = 0.9


@pytest.fixture
def survey(tmp_path):
    survey = open_survey(Settings(PUGMARK_DATA_DIR=tmp_path, _env_file=None))
    yield survey
    survey.close()


def describe(survey: Survey, detection_id: int) -> None:
    with survey.write() as session:
        version = results.model_version(session, "embed", Provenance("embedded", EMBEDDING, "1", "", "test"))
        vector = np.ones(1280, np.float32)
        results.store_feature(session, detection_id, version, Box(0.2, 0.3, 0.3, 0.4), vector, None)


def read_hint(survey: Survey, name: str, score: float) -> None:
    """Give every embedding that waits this hint, as the job does."""
    with survey.write() as session:
        ids, _ = hints.vectors(session, hints.lacking(session))
        hints.put(session, {box: (feature, name, score) for feature, box in ids})


def species_of(survey: Survey, media_id: int) -> list[str | None]:
    with survey.read() as session:
        return [box.species for box in boxes_of(session, [media_id])[media_id]]


def test_an_embedding_is_read_once_and_again_when_the_box_is_described_anew(survey: Survey):
    _, (box,) = add_media(survey, [found()])
    describe(survey, box)
    read_hint(survey, "cat", SURE)
    with survey.read() as session:
        assert hints.lacking(session) == []
    describe(survey, box)
    read_hint(survey, "bird", SURE)
    with survey.read() as session:
        assert hints.of_boxes(session, [box])[box].name == "bird"
        assert hints.lacking(session) == []


def test_a_hint_that_is_not_sure_enough_is_not_shown(survey: Survey):
    _, (box,) = add_media(survey, [found()])
    describe(survey, box)
    read_hint(survey, "cat", SHOWN_FROM - 0.01)
    with survey.read() as session:
        assert hints.of_boxes(session, [box]) == {}
        assert hints.names(session) == []


def test_the_filter_finds_animals_with_a_hint_until_somebody_labels_them(survey: Survey):
    media, (box, _) = add_media(survey, [found(), found(x=0.6, category=Category.PERSON)])
    describe(survey, box)
    read_hint(survey, "cat", SURE)
    wanted = MediaFilter(hint="cat", threshold=0.3)
    with survey.read() as session:
        assert (browse.count(session, wanted), hints.names(session)) == (1, [("cat", 1)])
    with survey.write() as session:
        boxes.correct_box(session, "ana", box, species="lynx")
    with survey.read() as session:
        assert (browse.count(session, wanted), hints.names(session)) == (0, [])
    assert "lynx" in species_of(survey, media)


def test_hints_are_taken_on_many_media_as_one_decision_that_undo_takes_back(survey: Survey):
    first, (hinted,) = add_media(survey, [found()])
    second, (labelled,) = add_media(survey, [found()])
    third, _ = add_media(survey, [found()])
    for box in (hinted, labelled):
        describe(survey, box)
    read_hint(survey, "cat", SURE)
    with survey.write() as session:
        boxes.correct_box(session, "ana", labelled, species="lynx")
        done = many_boxes.take_hints(session, "ana", [first, second, third], 0.3)
        assert done.decision is not None
        number = done.decision.id
    assert done.left_out == ["no hint on it"] * 2
    assert [species_of(survey, media) for media in (first, second, third)] == [["cat"], ["lynx"], [None]]
    with survey.write() as session:
        undoing.undo_one(session, number, "ana")
    assert species_of(survey, first) == [None]


def test_a_hint_goes_with_its_box(survey: Survey):
    media, _ = add_media(survey, [])
    with survey.write() as session:
        drawn = boxes.draw_box(session, "ana", media, Box(0.2, 0.3, 0.3, 0.4), "animal")
        box, number = session.scalar(sa.select(sa.func.max(Detection.id))), drawn.id
    assert box is not None
    describe(survey, box)
    read_hint(survey, "cat", SURE)
    with survey.write() as session:
        undoing.undo_one(session, number, "ana")
        assert hints.of_boxes(session, [box]) == {}
