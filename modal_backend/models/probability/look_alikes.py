"""Who a crop is by way of undecided crops that look like it: what they resemble counts for the crop as well.

One step of label propagation (Zhou et al., NIPS 2003): a crop that shows its animal from another side may look like an
undecided one that resembles a named picture. A look-alike shares out anew the chances of those named that it has itself
been compared with, by the matcher, and says nothing about the others; how likely they are together stays as it was.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modal_backend.models.probability.calibration import sigmoid

# Undecided crops that vote; what all votes weigh at most; by how many log-odds a look-alike counts e times less; and
# how much more the query's own best candidate counts beside them. With OWN 1, which leaving out one set at a time
# prefers, 36 cows with one gallery picture each gain .039 at first place and 30 tigers lose .014 (two draws); with 2
# they gain .030 and lose .005, with 3 .013 and .002.
NEAREST, SHARE, CLOSE, OWN = 4, 0.3, 0.5, 2.0
LEAST = 1e-15

Floats = NDArray[np.float64]


def with_look_alikes(scores: Floats, own: float, alike: Floats, theirs: Floats) -> Floats:
    """Fused scores of the named candidates (n,) with the votes of look-alikes.

    Args:
        scores: by the query's own evidence, log-odds (n,).
        own: log-odds of its best named candidate, on the scale of `alike`.
        alike: log-odds that each look-alike shows the query's animal (k,), at least one.
        theirs: log-odds that each look-alike shows each candidate (k, n); nan where they were not compared, not all
            of a row.
    """
    chance = sigmoid(scores)
    compared = ~np.isnan(theirs)
    votes = np.where(compared, np.exp(theirs - np.nanmax(theirs, axis=1, keepdims=True)), 0.0)
    shared = votes / votes.sum(1, keepdims=True) * (compared @ chance)[:, None]
    weights = SHARE * _closeness(np.array([own + OWN, *alike]))[1:]
    moved = chance + weights @ np.where(compared, shared - chance, 0.0)
    inside = np.clip(moved, LEAST, 1 - LEAST)
    return np.where(compared.any(0), np.log(inside / (1 - inside)), scores)


def _closeness(odds: Floats) -> Floats:
    near = np.exp((odds - odds.max()) / CLOSE)
    return np.asarray(near / near.sum())
