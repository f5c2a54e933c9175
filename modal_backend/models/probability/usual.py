"""What a candidate usually scores: some resemble everybody, for a sharp picture, a plain coat or many views.

Speaker recognition calls it Z-norm (Auckenthaler et al., Digital Signal Processing 2000): crops of other animals in the
gallery stand for the queries to come.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from modal_backend.contracts import Vector
from modal_backend.models.probability.calibration import stretched

COHORT = 60
FEWEST_IDENTITIES = 8


def usual(names: Sequence[str], scores: NDArray[np.float64]) -> dict[str, float]:
    """How much more than others each animal scores for crops of other animals, by name; empty of few animals.

    Args:
        scores: stretched, a row a crop, a column a name; nan where the crop shows the animal itself.
    """
    if len(names) < FEWEST_IDENTITIES or len(scores) < FEWEST_IDENTITIES:
        return {}
    there = ~np.isnan(scores)
    mean = np.where(there, scores, 0.0).sum(0) / np.maximum(there.sum(0), 1)
    return dict(zip(names, (mean - mean.mean()).tolist(), strict=True))


def usual_cosines(model: str, gallery: Vector, identities: Sequence[str]) -> dict[str, float]:
    """`usual` of an embedding's gallery (n, d) of unit vectors with their names."""
    names, number = np.unique(np.asarray(identities, str), return_inverse=True)
    cohort = np.random.default_rng(0).permutation(len(gallery))[:COHORT]
    best = np.full((len(names), len(cohort)), -1.0)
    np.maximum.at(best, number, gallery @ gallery[cohort].T)
    scores = stretched(model, best.T)
    scores[np.arange(len(cohort)), number[cohort]] = np.nan
    return usual([str(name) for name in names], scores)
