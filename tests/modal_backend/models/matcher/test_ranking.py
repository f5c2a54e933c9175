"""What the matcher's scores of several crops say about one individual."""

from __future__ import annotations

import numpy as np
import pytest

from modal_backend.models.matcher.ranking import BY_CHANCE, by_chance

ONE_EVENT = {1: 7, 2: 7, 3: 7}


def worth(scores: dict[int, float], events: dict[int, int]) -> float:
    """The best score less what is by chance, as log(1 + score)."""
    return float(np.log1p(max(scores.values()))) - by_chance(scores, events)


def test_the_best_of_many_crops_of_one_event_counts_less_and_a_single_crop_in_full():
    assert by_chance({1: 50.0, 2: 3.0, 3: 1.0}, ONE_EVENT) == pytest.approx(BY_CHANCE * np.log(3))
    assert by_chance({1: 50.0}, ONE_EVENT) == 0.0


def test_another_event_never_takes_anything_from_a_candidate():
    alone = worth({1: 50.0}, {1: 7})
    for other in (0.0, 30.0, 80.0):
        assert worth({1: 50.0, 2: other}, {1: 7, 2: 8}) >= alone


def test_where_the_best_crop_is_one_of_many_the_only_one_of_another_event_may_count_instead():
    events = {1: 7, 2: 7, 3: 7, 4: 8}
    assert worth({1: 50.0, 2: 3.0, 3: 1.0, 4: 48.0}, events) == pytest.approx(np.log1p(48.0))


def test_one_more_crop_of_an_event_costs_little_and_one_that_matches_much_better_nothing():
    before = worth({1: 50.0, 2: 40.0}, ONE_EVENT)
    assert before - worth({1: 50.0, 2: 40.0, 3: 45.0}, ONE_EVENT) == pytest.approx(BY_CHANCE * np.log(3 / 2))
    assert worth({1: 50.0, 2: 40.0, 3: 70.0}, ONE_EVENT) > before


def test_what_matches_nothing_is_never_worth_less_than_nothing():
    assert worth({1: 0.0, 2: 0.0, 3: 0.1}, ONE_EVENT) == pytest.approx(0.0)
