"""Identities by cosine of embeddings, and whether the query's animal is among them at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from modal_backend.contracts import Vector
from modal_backend.models.probability.open_set import Curve, fit

# Mean of 30 random splits of 30 ATRW tigers with three gallery pictures each; EfficientNet-Lite2, letterbox,
# p = 3.
START = Curve(weights=(3.0, 0.56), bias=-1.8)
FEWEST_IDENTITIES = 8
LEAVE_OUTS = 200
NEAREST = 0.005


def rank_by_cosine(query: Vector, gallery: Vector, identities: Sequence[str]) -> list[tuple[str, float]]:
    """Identities, best first, each with the cosine of its most alike picture.

    query (d,), gallery (n, d), both of length 1.

    Args:
        identities: who each gallery row shows.
    """
    names, number = np.unique(np.asarray(identities, str), return_inverse=True)
    best = _best_each(gallery @ query, number, len(names))
    return [(str(names[place]), float(best[place])) for place in np.argsort(-best, kind="stable")]


def cues_of(ranking: Sequence[tuple[str, float]]) -> tuple[float, float] | None:
    """Lead (log of the second identity's cosine distance over the first's), nearness (- log of the first's).

    None for an empty ranking. With one identity alone the second counts as a stranger at cosine distance 1.
    """
    if not ranking:
        return None
    first = max(1.0 - ranking[0][1], NEAREST)
    second = max(1.0 - ranking[1][1], NEAREST) if len(ranking) > 1 else 1.0
    return float(np.log(second / first)), float(-np.log(first))


def known_curve(gallery: Vector, identities: Sequence[str]) -> Curve:
    """Probability of "known" fitted to the gallery's own leave-outs.

    Leave-picture-out shows known animals, leave-animal-out unknown ones; at most LEAVE_OUTS pictures are
    tried. START when fewer than FEWEST_IDENTITIES identities have two pictures.
    """
    names, number, count = np.unique(np.asarray(identities, str), return_inverse=True, return_counts=True)
    if (count >= 2).sum() < FEWEST_IDENTITIES:
        return START
    known, unknown = [], []
    for row in np.random.default_rng(0).permutation(len(gallery))[:LEAVE_OUTS]:
        cosines = gallery @ gallery[row]
        cosines[row] = -1.0
        own = number[row]
        best = _best_each(cosines, number, len(names))
        if count[own] >= 2:
            known.append(_cues_of_cosines(best))
        unknown.append(_cues_of_cosines(np.delete(best, own)))
    return fit(known, unknown, START)


def _cues_of_cosines(best: NDArray[np.float64]) -> tuple[float, float]:
    second, first = np.sort(best)[-2:]
    cues = cues_of([("", float(first)), ("", float(second))])
    assert cues is not None
    return cues


def _best_each(values: Vector, number: NDArray[np.intp], count: int) -> NDArray[np.float64]:
    best = np.full(count, -1.0)
    np.maximum.at(best, number, values)
    return best
