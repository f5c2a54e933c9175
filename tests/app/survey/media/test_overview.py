"""The survey at a glance."""

from __future__ import annotations

from app.survey.media.overview import glance
from app.survey.tables.evidence import CropQuality
from modal_backend.contracts import Box, Category, Detection
from tests.support.surveys import add_media


def test_the_best_picture_shows_its_animal_well_and_is_not_just_the_largest(survey):
    sizes = (0.3, 0.6, 0.7)  # a small sharp one, a large sharp one, a larger one that is blurred
    media = [add_media(survey, [Detection(Category.ANIMAL, 0.9, Box(0.1, 0.1, size, size))]) for size in sizes]
    figures = dict.fromkeys(("sharpness", "brightness", "clipped", "contrast", "pixels"), 0.5)
    with survey.write() as session:
        for (_, (box,)), score in zip(media, (0.9, 0.8, 0.1), strict=True):
            session.add(
                CropQuality(detection_id=box, box="", version="1", at_edge=False, covered=0.0, score=score, **figures)
            )
    with survey.read() as session:
        assert glance(session, 0.4).best == media[1][0]
