"""Move a start curve by decided pairs, and say how good it is on pairs it was not fitted to.

The start curve is the prior: a curve of the survey is a + b x its log-odds, b over 0, with the a and b that are most
probable after the decided pairs (Platt scaling of calibrated odds; maximum a posteriori). Decisions are no fair sample,
so that they bend it less than their number says: a pair the start curve was sure about teaches little (it counts
4 p (1 - p), at least FAINTEST), and none of it counts before pairs of both kinds are decided (`_trust`). What that does
on held-out animals: `python -m pytest tests/benchmarks/test_calibration.py -m benchmark -n 0 -s`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from modal_backend.models.probability.calibration import Calibration, fusion_weight, sigmoid, stretched

# A model without a start curve gets one from so many decided queries and pairs of either kind.
ENOUGH_QUERIES = 40
ENOUGH_PAIRS = 8
# The spread of a and of log b beforehand.
SHIFT, STRETCH = 0.5, 0.15
# Decided pairs of the rarer kind at which the decisions count half.
HALF_TRUSTED = 20.0
FAINTEST = 0.1
# Pairs of the rarer kind at which a model's weight is half the survey's own.
HALF_WEIGHED = 50.0
FOLDS = 5
BINS = 10
MOST_KNOTS = 24

Floats = NDArray[np.float64]
Truth = NDArray[np.bool_]
Curve = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Fit:
    """The curve to use, with the weight its model earned.

    Attributes:
        kind: start (also where decisions do not better it), updated, or logistic for a model without a start curve.
        brier: mean squared error of the probabilities, on pairs of queries left out of the fit.
        brier_line: the same of a logistic line through the raw score; None of few pairs.
        reliability: (mean probability, share that was the same, pairs) by tenths.
    """

    curve: Calibration
    kind: str
    brier: float | None
    brier_line: float | None
    reliability: list[tuple[float, float, int]]


def fit(model: str, scores: Floats, same: Truth, queries: NDArray[np.int64], start: Calibration | None) -> Fit | None:
    """The start curve moved by decided pairs, where that is better on left-out queries; None for a model without one
    and with few pairs.

    Args:
        scores: raw, of shown candidates.
        same: what was decided.
        queries: whose candidates they are (all of one query stay on one side of every cut).
    """
    if start is None:
        return _first(model, scores, same, queries) if enough(same, queries) else None
    if not len(same):
        return Fit(start, "start", None, None, [])
    before = start.probability(scores)
    after = _left_out(scores, same, queries, lambda s, t: updated(start, s, t).probability, before)
    errors = [float(np.mean((values - same) ** 2)) for values in (before, after)]
    better = errors[1] < errors[0]
    curve = updated(start, scores, same) if better else start
    curve = replace(curve, weight=_weight(start.weight, min(errors), same))
    line = _line_error(scores, same, queries) if enough(same, queries) else None
    values = after if better else before
    return Fit(curve, "updated" if better else "start", min(errors), line, reliability(values, same))


def _first(model: str, scores: Floats, same: Truth, queries: NDArray[np.int64]) -> Fit:
    """The logistic line of a model without a start curve."""
    share = np.full(len(same), float(same.mean()))
    values = _left_out(scores, same, queries, lambda s, t: _logistic(model, s, t).probability, share)
    error = float(np.mean((values - same) ** 2))
    curve = replace(_logistic(model, scores, same), weight=fusion_weight(error, float(same.mean())))
    return Fit(curve, "logistic", error, _line_error(scores, same, queries), reliability(values, same))


def _line_error(scores: Floats, same: Truth, queries: NDArray[np.int64]) -> float:
    share = np.full(len(same), float(same.mean()))
    return float(np.mean((_left_out(scores, same, queries, _raw_line, share) - same) ** 2))


def updated(start: Calibration, scores: Floats, same: Truth) -> Calibration:
    """The start curve moved by decided pairs; itself while there are none of one kind."""
    odds = start.log_odds(scores)
    shift, stretch = _moved(odds, same)
    knots = tuple((x, shift + stretch * y) for x, y in start.knots)
    return replace(start, knots=knots, slope=stretch * start.slope, bias=shift + stretch * start.bias)


def _moved(odds: Floats, same: Truth) -> tuple[float, float]:
    """a and b over 0 for which a + b x odds is most probable after these pairs; 0 and 1 beforehand."""
    from scipy.optimize import minimize

    before = sigmoid(odds)
    weights = np.clip(4 * before * (1 - before), FAINTEST, 1.0) * _trust(same)
    if not weights.sum():
        return 0.0, 1.0

    def loss(values: Floats) -> tuple[float, Floats]:
        stretch = np.exp(values[1])
        moved = values[0] + stretch * odds
        away = weights * (sigmoid(moved) - same)
        misfit = float(weights @ (np.logaddexp(0.0, moved) - same * moved))
        spread = values / np.array([SHIFT, STRETCH])
        slope = np.array([away.sum(), stretch * (away @ odds)]) + spread / np.array([SHIFT, STRETCH])
        return misfit + 0.5 * float(spread @ spread), slope

    shift, log_stretch = minimize(loss, np.zeros(2), jac=True, method="BFGS").x
    return float(shift), float(np.exp(log_stretch))


def _rarer(same: Truth) -> int:
    """How many pairs there are of the rarer kind."""
    return min(int(same.sum()), int((~same).sum()))


def _trust(same: Truth) -> float:
    """How much decided pairs count, 0 to 1: where one kind is rare they were chosen, and say nothing about shares."""
    return _rarer(same) / (_rarer(same) + HALF_TRUSTED)


def _weight(before: float, error: float, same: Truth) -> float:
    """A model's weight, drawn from the one it had to the one that the survey's pairs give it, as they become many."""
    own = fusion_weight(error, float(same.mean()))
    share = _rarer(same) / (_rarer(same) + HALF_WEIGHED)
    return float(before ** (1 - share) * own**share)


def enough(same: Truth, queries: NDArray[np.int64]) -> bool:
    """Whether the decided pairs can carry a curve of their own."""
    of_a_kind = min(int(same.sum()), int((~same).sum())) if len(same) else 0
    return len(np.unique(queries)) >= ENOUGH_QUERIES and of_a_kind >= ENOUGH_PAIRS


def reliability(probability: Floats, same: Truth) -> list[tuple[float, float, int]]:
    """By tenths of probability: its mean, the share that was the same individual, and how many pairs."""
    tenth = np.minimum((probability * BINS).astype(int), BINS - 1)
    inside = [tenth == number for number in np.unique(tenth)]
    return [(float(probability[m].mean()), float(same[m].mean()), int(m.sum())) for m in inside]


def isotonic(model: str, scores: Floats, same: Truth) -> Calibration:
    """An isotonic curve with its logistic line. Blocks of equal value become knots at their mean; half a pair of each
    kind is added to every block, so that no probability is 0 or 1."""
    from sklearn.isotonic import IsotonicRegression

    at = stretched(model, scores)
    level = IsotonicRegression(out_of_bounds="clip").fit(at, same).predict(at)
    order = np.argsort(at, kind="stable")
    level = np.round(level[order], 9)
    blocks = np.split(order, np.flatnonzero(np.diff(level)) + 1)
    blocks = _merged(blocks, max(ENOUGH_PAIRS, len(at) // 2000))
    x = np.array([at[block].mean() for block in blocks])
    share = np.array([(same[block].sum() + 0.5) / (len(block) + 1) for block in blocks])
    y = np.maximum.accumulate(np.log(share / (1 - share)))
    keep = np.unique(np.linspace(0, len(x) - 1, MOST_KNOTS).round().astype(int))
    line = _logistic(model, scores, same)
    return Calibration(model, tuple(zip(x[keep].tolist(), y[keep].tolist(), strict=True)), line.slope, line.bias)


def _merged(blocks: list[NDArray[np.intp]], fewest: int) -> list[NDArray[np.intp]]:
    """Neighbouring blocks joined until each holds at least `fewest` pairs."""
    joined: list[NDArray[np.intp]] = []
    for block in blocks:
        if joined and (len(joined[-1]) < fewest or len(block) < fewest):
            joined[-1] = np.concatenate([joined[-1], block])
        else:
            joined.append(block)
    return joined


def _logistic(model: str, scores: Floats, same: Truth) -> Calibration:
    """The logistic line over the stretched score."""
    slope, bias = _line(stretched(model, scores), same)
    return Calibration(model, (), slope, bias)


def _line(at: Floats, same: Truth) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression

    spread = float(at.std()) or 1.0
    fitted = LogisticRegression(C=100.0).fit(((at - at.mean()) / spread)[:, None], same)
    slope = float(fitted.coef_[0, 0]) / spread
    return slope, float(fitted.intercept_[0]) - slope * float(at.mean())


def _raw_line(scores: Floats, same: Truth) -> Curve:
    slope, bias = _line(scores, same)
    return lambda values: sigmoid(slope * values + bias)


def _left_out(
    scores: Floats,
    same: Truth,
    queries: NDArray[np.int64],
    make: Callable[[Floats, Truth], Curve],
    otherwise: Floats,
) -> Floats:
    """Probabilities of every pair by a curve fitted to the other queries' pairs; `otherwise` where those are of one
    kind."""
    ids, of_query = np.unique(queries, return_inverse=True)
    fold = (np.random.default_rng(0).permutation(len(ids)) % FOLDS)[of_query]
    values = otherwise.copy()
    for number in range(FOLDS):
        train = fold != number
        if same[train].any() and not same[train].all():
            values[~train] = make(scores[train], same[train])(scores[~train])
    return values
