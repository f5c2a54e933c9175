"""Undecided crops that look like a query vote on whom it shows, and on nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from modal_backend.models.probability.calibration import sigmoid
from modal_backend.models.probability.look_alikes import SHARE, with_look_alikes

NAN = np.nan
SCORES = np.array([-1.0, -1.2, -4.0])


def test_a_close_look_alike_brings_forward_whom_it_resembles():
    moved = with_look_alikes(SCORES, -1.0, np.array([3.0]), np.array([[-5.0, 2.0, -5.0]]))
    assert moved.argmax() == 1
    assert sigmoid(moved).sum() == pytest.approx(sigmoid(SCORES).sum())


def test_the_order_of_a_sure_query_stays_whatever_its_look_alikes_resemble():
    scores = np.array([4.0, -3.0, -6.0])
    moved = with_look_alikes(scores, 4.0, np.array([2.0, 1.0]), np.array([[-5.0, 4.0, NAN], [-5.0, 4.0, -2.0]]))
    assert moved.tolist() == pytest.approx(scores.tolist(), abs=0.3)
    assert moved.argmax() == 0


def test_all_votes_together_move_at_most_their_share():
    moved = with_look_alikes(SCORES, -20.0, np.full(4, 5.0), np.tile([-9.0, -9.0, 9.0], (4, 1)))
    assert sigmoid(moved[0]) == pytest.approx((1 - SHARE) * sigmoid(SCORES[0]), abs=1e-6)


def test_a_look_alike_says_nothing_about_those_it_was_not_compared_with():
    moved = with_look_alikes(SCORES, -1.0, np.array([3.0]), np.array([[-5.0, NAN, 2.0]]))
    assert moved[1] == pytest.approx(SCORES[1])
    assert moved[0] < SCORES[0]
    assert moved[2] > SCORES[2]


def test_what_one_says_that_was_compared_with_a_single_candidate_changes_nothing():
    moved = with_look_alikes(SCORES, -1.0, np.array([3.0]), np.array([[NAN, NAN, 5.0]]))
    assert moved == pytest.approx(SCORES)


def test_the_closer_look_alike_counts_more():
    theirs = np.array([[4.0, -4.0, -4.0], [-4.0, 4.0, -4.0]])
    first = with_look_alikes(SCORES, -1.0, np.array([3.0, 0.0]), theirs)
    second = with_look_alikes(SCORES, -1.0, np.array([0.0, 3.0]), theirs)
    assert first[0] - first[1] > second[0] - second[1]
