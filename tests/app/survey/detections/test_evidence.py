"""What RAPID and the matcher say together about the background of a pair."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.survey.detections.boxes import boxes
from app.survey.detections.evidence import PAIRS_VERSION, EvidenceView, evidence_of, key_of
from app.survey.tables.evidence import PairEvidence
from tests.support.surveys import add_media, found

BY_MATCHER = {"lines": [], "whole": 60, "animal": 30, "background": 33, "on_background": False, "alike": 0.6}


@pytest.fixture
def view_of(survey):
    """A function that keeps what RAPID and the matcher found about two crops, and gives what the pages show of it."""
    _, (low,) = add_media(survey, [found()])
    _, (high,) = add_media(survey, [found()], minutes=60.0)

    def keep(session: Session, matcher: dict[str, Any] | None, **by_rapid: Any) -> EvidenceView:
        keys = {crop: key_of(box) for crop, box in boxes(session, (low, high)).items()}
        figures = {"whole": 40, "animal": 2, "background": 38, "on_background": True} | by_rapid
        about = {"low_id": low, "high_id": high, "low_box": keys[low], "high_box": keys[high]}
        session.add(PairEvidence(**about, version=PAIRS_VERSION, lines=[], matcher=matcher, **figures))
        session.flush()
        return evidence_of(session, {low: [high]})[low][high]

    def view(matcher: dict[str, Any] | None, **by_rapid: Any) -> EvidenceView:
        with survey.write() as session:
            shown = keep(session, matcher, **by_rapid)
            session.rollback()
        return shown

    return view


@pytest.mark.parametrize(("alike", "warning"), [(0.0, (38, 2)), (1.3, (38, 2)), (1.5, None), (8.0, None)])
def test_the_matcher_withdraws_the_mark_of_rapid_where_it_finds_the_animals_alike(view_of, alike, warning):
    shown = view_of(BY_MATCHER | {"alike": alike})
    assert shown.warning == warning


def test_many_matches_of_animals_that_are_not_alike_withdraw_nothing(view_of):
    assert view_of(BY_MATCHER | {"animal": 60, "alike": 0.6}).warning == (38, 2)


def test_the_mark_of_rapid_stands_where_the_matcher_has_not_compared(view_of):
    assert view_of(None).warning == (38, 2)
    assert view_of(None, on_background=False).warning is None


@pytest.mark.parametrize(("agreeing", "warning"), [(3, (33, 1)), (12, None)])
def test_the_mark_of_the_matcher_falls_where_rapid_finds_the_animals(view_of, agreeing, warning):
    matcher = BY_MATCHER | {"animal": 1, "alike": 0.1, "on_background": True}
    assert view_of(matcher, animal=agreeing, on_background=False).warning == warning


def test_both_views_of_a_pair_show_the_same_warning(view_of):
    for matcher in (BY_MATCHER, BY_MATCHER | {"animal": 90}):
        shown = view_of(matcher)
        assert shown.other is not None
        assert shown.warning == shown.other.warning == (38, 2)
