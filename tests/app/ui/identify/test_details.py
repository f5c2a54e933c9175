"""Probabilities of candidates beside their evidence: never below what the agreeing features prove."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.survey.detections.evidence import EvidenceView
from app.ui.identify.details import raise_to_proven

SEEN = EvidenceView([], whole=85, animal=79, background=3, on_background=False, problem=None)
CHANCE = replace(SEEN, animal=5)
BY_MATCHER = replace(SEEN, animal=200, by="matcher", chance=90)


@pytest.mark.parametrize("evidence", [SEEN, replace(BY_MATCHER, other=SEEN), replace(SEEN, other=BY_MATCHER)])
def test_a_pair_that_79_features_join_is_not_shown_as_unlikely(evidence):
    candidate = {"probability": 0.25}
    raise_to_proven(candidate, evidence)
    assert candidate["probability"] >= 0.95
    assert candidate["proven"] == 79


@pytest.mark.parametrize(
    "evidence",
    [
        None,
        replace(SEEN, animal=5),
        replace(SEEN, on_background=True),
        replace(BY_MATCHER, other=replace(SEEN, animal=5)),
    ],
)
def test_chance_a_background_and_the_matchers_count_prove_nothing(evidence):
    candidate = {"probability": 0.25}
    raise_to_proven(candidate, evidence)
    assert candidate == {"probability": 0.25}


def test_a_higher_probability_and_one_that_is_not_known_stay():
    for probability in (0.999, None):
        candidate = {"probability": probability}
        raise_to_proven(candidate, SEEN)
        assert candidate == {"probability": probability}
