"""A video in Camtrap DP: one row with the most animals at once, as it stands."""

from __future__ import annotations

from datetime import datetime

import pytest

from app.exchange.camtrap_dp_rows import OBSERVATIONS, kept_media, observation_rows
from app.survey.database import Survey
from app.survey.decisions.videos import correct_count
from app.survey.media.stations import deployment_views
from app.survey.tables.media import Media
from tests.pages.test_videos import add_video


@pytest.fixture
def video(survey: Survey) -> int:
    """The id of a summarised video with one animal on three frames, with a time."""
    media_id = add_video(survey)
    with survey.write() as session:
        media = session.get_one(Media, media_id)
        media.taken_at, media.utc_offset = datetime(2026, 3, 2, 6, 40), "+05:30"
    return media_id


def observations(survey: Survey) -> list[tuple]:
    """Type, count and method of every observation."""
    with survey.read() as session:
        kept = kept_media(session, deployment_views(session), "+05:30")
        rows = [dict(zip(OBSERVATIONS, row, strict=True)) for row in observation_rows(session, kept)]
    return [(row["observationType"], row["count"], row["classificationMethod"]) for row in rows]


def test_a_video_has_one_row_with_the_most_at_once(survey, video):
    assert observations(survey) == [("animal", 1, "machine")]


def test_a_persons_count_is_the_count_and_none_is_blank(survey, video):
    with survey.write() as session:
        correct_count(session, "ana", video, 3)
    assert observations(survey) == [("animal", 3, "human")]
    with survey.write() as session:
        correct_count(session, "ana", video, 0)
    assert observations(survey) == [("blank", None, "human")]
