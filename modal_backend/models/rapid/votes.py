"""What each descriptor of a query is worth to the crops its nearest neighbours lie on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# SIFT descriptors of one spot of a coat lie about 150 apart, unrelated ones 250 and more; an animal with so many
# pictures that they fill all places of the search keeps its votes.
UNRELATED = 250.0
UNIT = 100.0


def nearness(distances: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much nearer (in UNIT, never negative) all but the last neighbour are than the last; distances (n, k + 1)."""
    there = np.isfinite(distances)
    farthest = np.where(there, distances, 0.0).max(1, initial=UNRELATED, keepdims=True)
    return np.asarray(np.where(there, np.maximum(farthest - distances, 0.0), 0.0)[:, :-1] / UNIT, np.float32)


def best_vote_each(slots: NDArray[np.int32], weights: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Sum over descriptors of each slot's best vote; slots, weights (n, k), -1 is nobody's."""
    if not count or not slots.size:
        return np.zeros(count)
    keys = (np.arange(len(slots))[:, None] * count + slots)[slots >= 0]
    votes = weights[slots >= 0]
    order = np.argsort(-votes, kind="stable")
    first, where = np.unique(keys[order], return_index=True)
    return np.bincount(first % count, votes[order][where], minlength=count).astype(float)
