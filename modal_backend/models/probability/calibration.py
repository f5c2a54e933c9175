"""What a model's raw score means: the probability that two crops show one individual.

Each model has its own curve; scores of two models are never compared raw. A start curve is isotonic regression over
pairs (Zadrozny and Elkan, KDD 2002) in log-odds, blended with the logistic line through the same pairs so that it rises
everywhere and also beyond the pairs seen. Fusion is the idea of WildFusion (arXiv 2408.12934), calibrated first and
combined afterwards, with the weighted mean of log-odds in place of the mean of probabilities: on ATRW tigers left out
of the fit it ranks better (mAP .946 against .942) and keeps candidates apart that are all nearly certain. A model
weighs as much as its probabilities explain of the pairs its curve was fitted to (`fusion_weight`), RAPID 448 and the
matcher twice that: see ACROSS_EVENTS in `modal_backend/training/calibration.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FUSED = "fused"
# Changes with what a fused score is.
FUSION_VERSION = "4"
# The same fusion with RAPID's finer profile: a candidate's list calls both "fused", a curve belongs to one of them.
FUSED_FINE = "fused-448"
# The two fusions with the matcher as well, RAPID's finer profile in the first.
FUSED_MATCHED, FUSED_MATCHED_COARSE = "fused-xfeat", "fused-224-xfeat"
PARTS = {
    FUSED: ("rapid", "pocket-embedding"),
    FUSED_FINE: ("rapid-448", "pocket-embedding"),
    FUSED_MATCHED: ("rapid-448", "pocket-embedding", "xfeat"),
    FUSED_MATCHED_COARSE: ("rapid", "pocket-embedding", "xfeat"),
}
START_FILE = Path(__file__).with_name("calibration_start.json")
MOST_ODDS = 9.0
# How many of a query's other candidates a fused score is held against, what they reach on average, and how much that
# counts: see `stand_out`.
OTHERS, USUAL, AGAINST = 10, -4.5, 1.5
# Share of the logistic line in an isotonic curve; from 0.1 to 0.5 nothing changes on held-out tigers.
LINE = 0.25

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """A rising curve from a model's stretched score to log-odds of "same individual".

    Attributes:
        knots: (stretched score, log-odds), rising; with none the curve is the line alone.
        slope, bias: the line.
        weight: of the model in a fusion.
    """

    model: str
    knots: tuple[tuple[float, float], ...]
    slope: float
    bias: float
    weight: float = 1.0

    def log_odds(self, scores: ArrayLike, usual: ArrayLike = 0.0) -> Floats:
        """Log-odds of raw scores, any shape; usual: what of them the candidates score for everybody, stretched."""
        at = stretched(self.model, scores) - np.asarray(usual, float)
        line = self.slope * at + self.bias
        if self.knots:
            x, y = np.array(self.knots).T
            line = (1 - LINE) * np.interp(at, x, y) + LINE * line
        return np.asarray(np.clip(line, -MOST_ODDS, MOST_ODDS))

    def probability(self, scores: ArrayLike) -> Floats:
        """Probability 0 to 1 of raw scores, any shape."""
        return sigmoid(self.log_odds(scores))

    def as_json(self) -> dict[str, Any]:
        """The curve as plain values."""
        knots = [[round(float(x), 4), round(float(y), 4)] for x, y in self.knots]
        line = {"slope": round(self.slope, 5), "bias": round(self.bias, 5)}
        return {"knots": knots, **line, "weight": round(self.weight, 3)}

    @classmethod
    def from_json(cls, model: str, value: Mapping[str, Any]) -> Calibration:
        """The curve that `as_json` wrote; one from before there were weights has that of the start values, else 1."""
        knots = tuple((float(x), float(y)) for x, y in value["knots"])
        weight = value.get("weight")
        if weight is None:
            weight = start_values()["models"].get(model, {}).get("weight", 1.0)
        return cls(model, knots, float(value["slope"]), float(value["bias"]), float(weight))


def stretched(model: str, scores: ArrayLike) -> Floats:
    """Raw scores on the axis where log-odds are nearly a line.

    RAPID's votes and the matcher's confidences (0 and up): log(1 + score); cosines (-1 to 1): -log(1 - cosine); fused
    scores are log-odds already.
    """
    values = np.asarray(scores, float)
    if model.startswith("rapid") or model == "xfeat":
        return np.log1p(np.maximum(values, 0.0))
    return values if model in PARTS else -np.log(1.0 - np.minimum(values, 0.9999))


def sigmoid(odds: ArrayLike) -> Floats:
    """Log-odds as probabilities."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.asarray(odds, float))))


@lru_cache(maxsize=1)
def start_values() -> dict[str, Any]:
    """What was measured before this survey: source, pairs and one curve a model (`calibration_start.json`)."""
    value: dict[str, Any] = json.loads(START_FILE.read_text(encoding="utf-8"))
    return value


def start(model: str) -> Calibration:
    """The start curve of a model.

    Raises:
        KeyError: for a model without one.
    """
    return Calibration.from_json(model, start_values()["models"][model])


def has_start(model: str) -> bool:
    """Whether start values were measured for this model."""
    return model in start_values()["models"]


def measured_on(model: str) -> str:
    """The animals that a model's start curve was measured on, in words."""
    values = start_values()
    return str(values["models"].get(model, {}).get("measured_on") or values["measured_on"])


def fusion_weight(brier: float, share: float) -> float:
    """How much a model counts in a fusion, 0.2 to 7, by what its probabilities explain about pairs.

    Cohen's f of their Brier skill: the root of the part of the base rate's Brier score that they explain over the part
    they leave.

    On ATRW tigers left out of the fit the fusion weighed so has a better mAP than RAPID with one picture each (224 px:
    .839 against .819, 448 px: .877, .872) and by event (.633, .629; .782, .779), and at random is better or alike
    (.988, .986; .993, .993); equal weights lose by event (.628, .767), f squared gains half as much with one picture.

    Args:
        brier: of the probabilities.
        share: of the pairs that are the same.
    """
    chance = share * (1.0 - share)
    return float(np.clip(max(chance - brier, 0.0) / max(brier, 1e-6), 0.04, 49.0) ** 0.5)


def fuse(log_odds: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    """The fused score: the weighted mean of the models' log-odds, arrays of one shape; a model without an answer (nan)
    about a pair leaves it to the others."""
    odds = np.array(list(log_odds.values()), float)
    shares = np.array([weights[model] for model in log_odds]).reshape(-1, *[1] * (odds.ndim - 1))
    shares = np.where(np.isnan(odds), 0.0, shares)
    return np.asarray(np.sum(shares * np.nan_to_num(odds), axis=0) / np.sum(shares, axis=0))


def stand_out(fused: Floats, named: NDArray[np.bool_]) -> Floats:
    """Fused scores of a query's candidates (n,), drawn against the best of its other named ones, whose order stays.

    A query that resembles everybody says less about each of them (speaker recognition calls it T-norm: Auckenthaler et
    al., Digital Signal Processing 2000). A shorter list counts as filled with usual scores. Nameless crops are not held
    against each other, since several may show one animal.
    """
    best = np.sort(fused[named])[::-1][: OTHERS + 1]
    missing = OTHERS + 1 - len(best)
    last = USUAL if missing else best[-1]
    itself = np.where(named, fused if missing else np.maximum(fused, last), last)
    return np.asarray(fused - AGAINST * ((best.sum() + missing * USUAL - itself) / OTHERS - USUAL))
