"""Is the animal in the gallery at all? A probability from a few cues of a ranking.

RAPID's idea: the gallery itself shows how rankings look when the animal is in it (leave one picture out) and
when it is not (leave one animal out). Here a logistic curve through both kinds, drawn towards a start curve
while examples are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PULL = 1.0
FEWEST_EXAMPLES = 8


@dataclass(frozen=True, slots=True)
class Curve:
    """Log-odds of "known" = bias + weights x cues."""

    weights: tuple[float, ...]
    bias: float

    def probability(self, cues: Sequence[float]) -> float:
        """0 to 1 for one ranking's cues; known and unknown held equally likely beforehand."""
        odds = self.bias + float(np.dot(self.weights, cues))
        return float(1.0 / (1.0 + np.exp(-np.clip(odds, -30.0, 30.0))))


def fit(known: Sequence[Sequence[float]], unknown: Sequence[Sequence[float]], start: Curve) -> Curve:
    """Curve that tells the examples apart, both kinds weighing the same.

    known, unknown: one row of cues per leave-out. With fewer than FEWEST_EXAMPLES of either kind, the start
    curve itself. Otherwise logistic regression whose weights a quadratic penalty of strength PULL ties to the
    start curve's, so that few examples move it a little and many decide.
    """
    if min(len(known), len(unknown)) < FEWEST_EXAMPLES:
        return start
    cues = np.concatenate([np.asarray(known, float), np.asarray(unknown, float)])
    design = np.column_stack([cues, np.ones(len(cues))])
    truth = np.concatenate([np.ones(len(known)), np.zeros(len(unknown))])
    share = min(len(known), len(unknown))
    weight = np.where(truth == 1, share / len(known), share / len(unknown))
    values = _newton(design, truth, weight, np.array([*start.weights, start.bias]))
    return Curve(tuple(float(value) for value in values[:-1]), float(values[-1]))


def _newton(
    design: NDArray[np.float64],
    truth: NDArray[np.float64],
    weight: NDArray[np.float64],
    start: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Least weighted logistic loss plus PULL / 2 x squared distance from start; damped: it never climbs."""

    def loss(values: NDArray[np.float64]) -> float:
        odds = design @ values
        misfit = float(weight @ (np.logaddexp(0.0, odds) - truth * odds))
        return misfit + 0.5 * PULL * float(((values - start) ** 2).sum())

    values, now = start.copy(), loss(start)
    for _ in range(50):
        chance = 1.0 / (1.0 + np.exp(-np.clip(design @ values, -30.0, 30.0)))
        slope = design.T @ (weight * (chance - truth)) + PULL * (values - start)
        bend = (design * (weight * chance * (1.0 - chance))[:, None]).T @ design + PULL * np.eye(len(values))
        step = np.linalg.solve(bend, slope)
        while loss(values - step) > now and np.abs(step).max() > 1e-9:
            step *= 0.5
        values, before, now = values - step, now, loss(values - step)
        if before - now < 1e-9:
            break
    return values
