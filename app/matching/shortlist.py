"""Which crops RAPID looks at where there are too many for it: the nearest by embedding, a few of each individual."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modal_backend.contracts import Vector

# 600 keypoints a crop take four times as long to compare as 150.
LONG, LONG_FINE = 200, 60
A_NAME = 6
NEAREST = 4000
# From so many crops on the nearest are found by short codes: over 5 times as fast as by all vectors, recall .98 and
# better (tests/benchmarks/test_nearest_vectors.py).
APPROXIMATE_FROM = 200_000


def shortlist(
    cosines: Vector, mask: NDArray[np.bool_], individuals: NDArray[np.int64], length: int = LONG
) -> NDArray[np.intp]:
    """Rows of the nearest crops inside the mask, best first: at most A_NAME of each individual, `length` in all.

    cosines, mask, individuals: one value a crop; an individual under 0 is nobody.
    """
    inside = np.flatnonzero(mask)
    if len(inside) > NEAREST:
        inside = inside[np.argpartition(-cosines[inside], NEAREST)[:NEAREST]]
    order = inside[np.argsort(-cosines[inside], kind="stable")]
    names = individuals[order]
    place = np.argsort(names, kind="stable")
    first = np.flatnonzero(np.r_[True, np.diff(names[place]) != 0]) if len(order) else np.zeros(0, np.intp)
    of_name = np.empty(len(order), np.intp)
    of_name[place] = np.arange(len(order)) - np.repeat(first, np.diff(np.r_[first, len(order)]))
    return np.asarray(order[(names < 0) | (of_name < A_NAME)][:length])
