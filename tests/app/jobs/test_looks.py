"""Thumbnails that cannot be looked at are counted in one line, however many they are."""

from __future__ import annotations

import logging

from app.jobs import looks
from app.survey.database import Survey
from tests.support.surveys import add_media


def test_thumbnails_that_cannot_be_read_are_one_line_with_their_number(survey: Survey, caplog):
    for _ in range(12):
        add_media(survey, minutes=None)
    with caplog.at_level(logging.INFO, logger="pugmark"):
        assert looks._look_at_some(survey, 0) == 12
        assert looks._look_at_some(survey, 12) == 12
        looks._report_unreadable(survey)
    assert [record.message for record in caplog.records] == [
        "12 thumbnails cannot be read. To make them again: python -m app check"
    ]
