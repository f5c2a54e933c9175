"""What RAPID and the matcher say together about the background of a pair."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.survey.detections.evidence import EvidenceView

RAPID = EvidenceView([], 40, 2, 38, True, None)
MATCHER = EvidenceView([], 60, 30, 30, False, None, by="matcher", chance=90)


@pytest.mark.parametrize("first", ["RAPID", "matcher"])
@pytest.mark.parametrize(("on_animals", "warned"), [(5, True), (39, True), (40, False), (90, False)])
def test_clear_matches_of_the_animals_alone_withdraw_the_mark_of_rapid(first: str, on_animals: int, warned: bool):
    matcher = replace(MATCHER, animal=on_animals)
    shown = replace(RAPID, other=matcher) if first == "RAPID" else replace(matcher, other=RAPID)
    assert shown.warned is warned


def test_the_mark_of_either_stands_where_the_other_has_not_compared():
    assert RAPID.warned
    assert not MATCHER.warned
    assert replace(MATCHER, on_background=True).warned
    assert replace(RAPID, on_background=False, other=replace(MATCHER, on_background=True, animal=3)).warned
