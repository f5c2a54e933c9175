"""Short codes of the vectors of a large survey: they say which rows are nearest to a query without reading them all.

Product quantisation (Jégou, Douze and Schmid, TPAMI 2011), four bits for four dimensions, looked up in registers
(André, Kermarrec and Le Scouarnec, VLDB 2015), both by faiss. The rows the codes name are ordered by their own cosines.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modal_backend.contracts import Vector

DIMENSIONS_A_CODE, BITS = 4, 4
TRAINED_ON = 20_000
ADDED_AT_ONCE = 50_000
# Rows that changed since they were coded are looked at one by one; with more of them all are coded again.
MOST_CHANGED = 0.01


class Codes:
    """Codes of the rows of a matrix that grows and changes."""

    def __init__(self) -> None:
        self._index: Any = None
        self._changed: set[int] = set()

    def change(self, row: int) -> None:
        """The row holds another vector from now on."""
        if self._index is not None and row < self._index.ntotal:
            self._changed.add(row)

    def follow(self, rows: Vector) -> None:
        """Code the rows (n, d) that are new, or all anew when many have changed."""
        if self._index is None or len(self._changed) > MOST_CHANGED * len(rows) or self._index.ntotal > len(rows):
            import faiss

            parts = rows.shape[1] // DIMENSIONS_A_CODE
            self._index = faiss.IndexPQFastScan(rows.shape[1], parts, BITS, faiss.METRIC_INNER_PRODUCT)
            chosen = np.random.default_rng(0).permutation(len(rows))[:TRAINED_ON]
            self._index.train(rows[np.sort(chosen)])
            self._changed = set()
        for first in range(self._index.ntotal, len(rows), ADDED_AT_ONCE):
            self._index.add(rows[first : first + ADDED_AT_ONCE])

    def nearest(self, query: Vector, count: int) -> NDArray[np.int64]:
        """About so many rows that are likely the nearest to the query (d), with those that changed, in no order."""
        found = self._index.search(query[None], min(count, self._index.ntotal))[1][0]
        return np.union1d(found[found >= 0], np.fromiter(self._changed, np.int64, len(self._changed)))
