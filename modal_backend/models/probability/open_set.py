"""Is the animal in the gallery at all? A probability from a few cues of a ranking.

RAPID's idea: the gallery itself shows how rankings look when the animal is in it (leave one picture out) and
when it is not (leave one animal out). `densities` is that: one density of either kind along the log-odds of a start
curve. `fit` is a logistic curve through both kinds, drawn towards a start curve while examples are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PULL = 1.0
FEWEST_EXAMPLES = 8
# Of the kernels, in log-odds; and the weight of the start curve, in leave-outs. On 24 galleries of ATRW tigers
# the two densities have a Brier score of .053 where the logistic curve has .057, and refuse 83 % of the unknown in the
# worst gallery (logistic: 75 %), with three or more pictures each; with fewer they are alike (.125, .127).
WIDTH = 1.0
PRIOR = 10.0
THIN = 1e-4


@dataclass(frozen=True, slots=True)
class Curve:
    """Log-odds of "known" = bias + weights x cues."""

    weights: tuple[float, ...]
    bias: float

    def probability(self, cues: Sequence[float]) -> float:
        """0 to 1 for one ranking's cues; known and unknown held equally likely beforehand."""
        odds = self.bias + float(np.dot(self.weights, cues))
        return float(1.0 / (1.0 + np.exp(-np.clip(odds, -30.0, 30.0))))


@dataclass(frozen=True, slots=True)
class Densities:
    """Where the gallery's own leave-outs lie on the start curve's log-odds: (n) known, (m) unknown ones."""

    start: Curve
    known: NDArray[np.float64]
    unknown: NDArray[np.float64]

    def probability(self, cues: Sequence[float]) -> float:
        """0 to 1 for one ranking's cues: density of the known over both, drawn to the start curve while they are few.

        Where neither kind has been seen the start curve alone speaks.
        """
        before = self.start.probability(cues)
        at = self.start.bias + float(np.dot(self.start.weights, cues))
        known, unknown = (_density(kind, at) for kind in (self.known, self.unknown))
        seen = (known + THIN * before) / (known + unknown + THIN)
        trust = PRIOR / (PRIOR + min(len(self.known), len(self.unknown)))
        return float((1 - trust) * seen + trust * before)


def densities(known: Sequence[Sequence[float]], unknown: Sequence[Sequence[float]], start: Curve) -> Densities | Curve:
    """The two densities of leave-outs (one row of cues each); with fewer than FEWEST_EXAMPLES of either the start."""
    if min(len(known), len(unknown)) < FEWEST_EXAMPLES:
        return start
    weights = np.array(start.weights)
    return Densities(start, start.bias + np.asarray(known) @ weights, start.bias + np.asarray(unknown) @ weights)


def _density(values: NDArray[np.float64], at: float) -> float:
    kernels = np.exp(-0.5 * ((values - at) / WIDTH) ** 2)
    return float(kernels.mean() / (WIDTH * np.sqrt(2.0 * np.pi)))


def fit(known: Sequence[Sequence[float]], unknown: Sequence[Sequence[float]], start: Curve) -> Curve:
    """Curve that tells the examples apart, both kinds weighing the same.

    With fewer than FEWEST_EXAMPLES of either kind, the start curve itself. Otherwise logistic regression whose weights
    a quadratic penalty of strength PULL ties to the start curve's, so that few examples move it a little and many
    decide.

    Args:
        known, unknown: one row of cues per leave-out.
    """
    if min(len(known), len(unknown)) < FEWEST_EXAMPLES:
        return start
    from scipy.optimize import minimize
    from scipy.special import expit

    cues = np.concatenate([np.asarray(known, float), np.asarray(unknown, float)])
    design = np.column_stack([cues, np.ones(len(cues))])
    truth = np.concatenate([np.ones(len(known)), np.zeros(len(unknown))])
    share = min(len(known), len(unknown))
    weight = np.where(truth == 1, share / len(known), share / len(unknown))
    prior = np.array([*start.weights, start.bias])

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds, away = design @ values, values - prior
        misfit = float(weight @ (np.logaddexp(0.0, odds) - truth * odds)) + 0.5 * PULL * float(away @ away)
        return misfit, design.T @ (weight * (expit(odds) - truth)) + PULL * away

    values = minimize(loss, prior, jac=True, method="BFGS", options={"gtol": 1e-8}).x
    return Curve(tuple(float(value) for value in values[:-1]), float(values[-1]))
