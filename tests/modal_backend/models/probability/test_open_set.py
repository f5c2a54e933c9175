"""The curve that says known or unknown."""

from __future__ import annotations

import numpy as np
import pytest

from modal_backend.models.probability.open_set import FEWEST_EXAMPLES, Curve, densities, fit

START = Curve(weights=(1.0,), bias=0.0)


def test_probability_is_the_logistic_of_the_cues():
    curve = Curve(weights=(2.0, -1.0), bias=0.5)
    assert curve.probability((1.0, 2.5)) == pytest.approx(0.5)
    assert curve.probability((2.0, 0.0)) == pytest.approx(1 / (1 + np.exp(-4.5)))


def test_few_examples_leave_the_start_curve():
    few = [(5.0,)] * (FEWEST_EXAMPLES - 1)
    assert fit(few, [(0.0,)] * 100, START) == START
    assert fit([(5.0,)] * 100, few, START) == START


def test_the_threshold_moves_to_between_the_two_kinds():
    draw = np.random.default_rng(0)
    known, unknown = draw.normal(8, 1, (60, 1)).tolist(), draw.normal(4, 1, (60, 1)).tolist()
    curve = fit(known, unknown, START)
    middle = -curve.bias / curve.weights[0]
    assert 5.5 < middle < 6.5


def test_both_kinds_weigh_the_same_however_many_there_are():
    draw = np.random.default_rng(1)
    known, unknown = draw.normal(2, 1, (40, 1)), draw.normal(-2, 1, (40, 1))
    even = fit(known.tolist(), unknown.tolist(), START)
    many = fit(known.tolist(), np.tile(unknown, (5, 1)).tolist(), START)
    assert many.weights == pytest.approx(even.weights, abs=1e-4)
    assert many.bias == pytest.approx(even.bias, abs=1e-4)


def test_separable_examples_give_finite_weights():
    curve = fit([(100.0,)] * 20, [(-100.0,)] * 20, START)
    assert np.isfinite([*curve.weights, curve.bias]).all()
    assert curve.probability((100.0,)) > 0.99


def test_two_densities_follow_the_gallery_where_the_start_curve_is_wrong():
    draw = np.random.default_rng(2)
    known, unknown = draw.normal(8, 1, (60, 1)).tolist(), draw.normal(4, 1, (60, 1)).tolist()
    curve = densities(known, unknown, START)
    assert curve.probability((8.0,)) > 0.85
    assert curve.probability((4.0,)) < 0.3
    assert START.probability((4.0,)) > 0.95


def test_two_densities_of_few_examples_are_the_start_curve():
    few = [(5.0,)] * (FEWEST_EXAMPLES - 1)
    assert densities(few, [(0.0,)] * 100, START) == START


def test_far_from_everything_seen_the_start_curve_speaks():
    curve = densities([(1.0,)] * 50, [(-1.0,)] * 50, START)
    assert curve.probability((40.0,)) == pytest.approx(1.0, abs=1e-6)
    assert curve.probability((-40.0,)) == pytest.approx(0.0, abs=1e-6)
