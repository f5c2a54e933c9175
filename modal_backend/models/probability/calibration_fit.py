"""Fit a calibration curve to decided pairs, and say how good it is on pairs it was not fitted to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from modal_backend.models.probability.calibration import Calibration, fusion_weight, sigmoid, stretched

# Below so many decided queries, or so many pairs of either kind, the start values hold.
ENOUGH_QUERIES = 40
ENOUGH_PAIRS = 8
ISOTONIC_FROM = 200
FOLDS = 5
BINS = 10
MOST_KNOTS = 24

Floats = NDArray[np.float64]
Truth = NDArray[np.bool_]
Curve = Callable[[Floats], Floats]
Maker = Callable[[str, Floats, Truth], Calibration]


@dataclass(frozen=True, slots=True)
class Fit:
    """The curve to use, with the weight its model earned.

    Attributes:
        kind: start, logistic or isotonic.
        brier: mean squared error of the probabilities, on pairs of queries left out of the fit.
        brier_line: the same of a logistic line through the raw score.
        reliability: (mean probability, share that was the same, pairs) by tenths.
    """

    curve: Calibration
    kind: str
    brier: float | None
    brier_line: float | None
    reliability: list[tuple[float, float, int]]


def fit(model: str, scores: Floats, same: Truth, queries: NDArray[np.int64], start: Calibration | None) -> Fit | None:
    """The curve that does best on left-out queries: the start values, a logistic or an isotonic one.

    The start values hold until ENOUGH_QUERIES and ENOUGH_PAIRS of both kinds are decided; a model without start values
    has no curve till then (None).

    Args:
        scores: raw, of shown candidates.
        same: what was decided.
        queries: whose candidates they are (all of one query stay on one side of every cut).
    """
    if not enough(same, queries):
        return None if start is None else _started(start, scores, same)
    makers: dict[str, Maker] = {"logistic": _logistic}
    if len(same) >= ISOTONIC_FROM:
        makers["isotonic"] = isotonic
    values = {} if start is None else {"start": start.probability(scores)}
    for kind, make in makers.items():
        values[kind] = _left_out(scores, same, queries, lambda s, t, make=make: make(model, s, t).probability)  # type: ignore[misc]
    error_of = {kind: float(np.mean((chance - same) ** 2)) for kind, chance in values.items()}
    best = min(error_of, key=lambda kind: error_of[kind])
    curve = makers[best](model, scores, same) if start is None or best in makers else start
    curve = replace(curve, weight=fusion_weight(error_of[best], float(same.mean())))
    line = float(np.mean((_left_out(scores, same, queries, _raw_line) - same) ** 2))
    return Fit(curve, best, error_of[best], line, reliability(values[best], same))


def _started(start: Calibration, scores: Floats, same: Truth) -> Fit:
    ours = start.probability(scores)
    error = float(np.mean((ours - same) ** 2)) if len(same) else None
    return Fit(start, "start", error, None, reliability(ours, same))


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
    scores: Floats, same: Truth, queries: NDArray[np.int64], make: Callable[[Floats, Truth], Curve]
) -> Floats:
    """Probabilities of every pair by a curve fitted to the other queries' pairs."""
    ids, of_query = np.unique(queries, return_inverse=True)
    fold = (np.random.default_rng(0).permutation(len(ids)) % FOLDS)[of_query]
    values = np.full(len(scores), float(same.mean()))
    for number in range(FOLDS):
        train = fold != number
        if same[train].any() and not same[train].all():
            values[~train] = make(scores[train], same[train])(scores[~train])
    return values
