"""A second, closer look at one image: what it finds counts, unless a person has decided about the image."""

from __future__ import annotations

import asyncio
from pathlib import Path

import cv2
import pytest
import sqlalchemy as sa

from app.analysis.calls import Lane
from app.analysis.closer import look_closer
from app.analysis.context import Context, open_context
from app.survey.database import Survey
from app.survey.decisions import boxes
from app.survey.detections.results import detector_of
from app.survey.media import imports
from app.survey.tables.detections import Analysis
from app.survey.tables.media import Media, Stage
from modal_backend.registry import CLOSER, DETECTOR
from tests.support.striped import picture
from tests.support.taken_in import take_in_pictures


@pytest.fixture
def context(survey: Survey, tmp_path: Path):
    """A context whose survey holds one analysed image."""
    folder = tmp_path / "card"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.jpg"), picture(0, 0))
    with open_context(survey, "test") as context:
        with survey.write() as session:
            batch = imports.start_import(session, kind="folder", root=str(folder), label="card")
        take_in_pictures(context, batch.id, folder)
        yield context


def looked_closer(context: Context) -> str | None:
    asyncio.run(look_closer(context, 1, "closer-1", Lane()))
    with context.survey.read() as session:
        assert session.get_one(Media, 1).stage == Stage.READY
        return detector_of(session, 1)


def test_the_boxes_of_the_closer_look_count_and_the_first_answer_stays_in_the_survey(context: Context):
    with context.survey.read() as session:
        assert detector_of(session, 1) == DETECTOR
    assert looked_closer(context) == CLOSER
    assert looked_closer(context) == CLOSER
    with context.survey.read() as session:
        assert session.scalar(sa.select(sa.func.count(Analysis.id))) == 2


def test_an_image_that_a_person_has_decided_about_stays_as_it_is(context: Context):
    with context.survey.write() as session:
        boxes.judge_media(session, "ana", 1, "blank")
    assert looked_closer(context) == DETECTOR
