"""Embeddings of all crops in one matrix, with who each crop shows; grows and shrinks without a rebuild."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.matching.codes import Codes
from app.matching.shortlist import APPROXIMATE_FROM
from modal_backend.contracts import Vector

NOBODY = -1
# Of a scope that leaves less than this share of the crops every vector is looked at.
NARROW = 0.1
FEWEST_CODES = 4000
READ_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class Near:
    """Crops near a query (d): all that a scope leaves, of a large survey the nearest of them.

    Attributes:
        mask: which rows the scope leaves (n).
        rows, cosines: of the crops (m), in no order.
    """

    query: Vector
    mask: NDArray[np.bool_]
    rows: NDArray[np.intp]
    cosines: Vector


class Vectors:
    """Rows of unit vectors by crop id. Memory: 4 bytes x dimension a crop (512 MB for 100,000 of 1,280)."""

    def __init__(self, dimension: int) -> None:
        self._rows = np.zeros((0, dimension), np.float32)
        self._ids = np.zeros(0, np.int64)
        self._individual = np.zeros(0, np.int64)
        self._slot_of: dict[int, int] = {}
        self._used = 0
        self._codes = Codes()

    def __len__(self) -> int:
        return len(self._slot_of)

    def __contains__(self, crop_id: object) -> bool:
        return crop_id in self._slot_of

    def reserve(self, crops: int) -> None:
        """Make room for so many more crops at once."""
        wanted = self._used + crops
        if wanted <= len(self._rows):
            return
        size = max(wanted, len(self._rows) * 5 // 4)
        for name, empty in (("_rows", 0), ("_ids", NOBODY), ("_individual", NOBODY)):
            old = getattr(self, name)
            new = np.full((size, *old.shape[1:]), empty, old.dtype)
            new[: self._used] = old[: self._used]
            setattr(self, name, new)

    def put(self, crop_id: int, vector: Vector, individual: int | None) -> None:
        """Take a crop in, in place of an older vector of it."""
        slot = self._slot_of.get(crop_id)
        if slot is None:
            self.reserve(1)
            slot = self._slot_of[crop_id] = self._used
            self._used += 1
        self._rows[slot] = vector
        self._codes.change(slot)
        self._ids[slot] = crop_id
        self._individual[slot] = NOBODY if individual is None else individual

    def remove(self, crop_id: int) -> None:
        """Take a crop out; the last row moves to its place."""
        slot, last = self._slot_of.pop(crop_id), self._used - 1
        if slot != last:
            moved = int(self._ids[last])
            self._rows[slot], self._ids[slot], self._individual[slot] = (
                self._rows[last],
                moved,
                self._individual[last],
            )
            self._slot_of[moved] = slot
            self._codes.change(slot)
        self._used = last

    def name(self, crop_id: int, individual: int | None) -> None:
        """Say who a crop shows."""
        self._individual[self._slot_of[crop_id]] = NOBODY if individual is None else individual

    def allowed(self, within: Collection[int] | None, exclude: Collection[int]) -> NDArray[np.bool_]:
        """Which rows a scope leaves (n)."""
        mask = np.full(self._used, within is None)
        if within is not None:
            mask[self._slots(within)] = True
        mask[self._slots(exclude)] = False
        return mask

    def row(self, crop_id: int) -> int | None:
        """Where a crop's vector lies; None when it has none."""
        return self._slot_of.get(crop_id)

    @property
    def approximate(self) -> bool:
        """Whether the nearest are found by codes."""
        return self._used >= APPROXIMATE_FROM

    def prepare(self) -> None:
        """Make the codes of what came since, where the nearest are found by them."""
        if self.approximate:
            self._codes.follow(self._rows[: self._used])

    def near(self, query: Vector, mask: NDArray[np.bool_], count: int) -> Near:
        """The crops nearest to a query among the rows of a mask (n); more than `count` where all are looked at."""
        share = np.count_nonzero(mask) / max(1, len(mask))
        if share <= NARROW or not self.approximate:
            rows = np.flatnonzero(mask)
            return Near(query, mask, rows, self.cosines(query, rows))
        self.prepare()
        asked = max(FEWEST_CODES, 2 * count)
        rows = self._codes.nearest(query, round(asked / share))
        rows = rows[mask[rows]]
        if len(rows) < count:  # the nearest of all lie outside the scope
            rows = np.flatnonzero(mask)
        cosines = self.cosines(query, rows)
        if len(rows) > count:
            best = np.argpartition(-cosines, count)[:count]
            rows, cosines = rows[best], cosines[best]
        return Near(query, mask, rows, cosines)

    def cosines(self, query: Vector, rows: NDArray[np.integer]) -> Vector:
        """Cosine of the query with these rows (m)."""
        if len(rows) > NARROW * self._used:  # reading all is faster than picking
            return np.asarray((self._rows[: self._used] @ query)[rows], np.float32)
        parts = [self._rows[rows[first : first + READ_AT_ONCE]] @ query for first in range(0, len(rows), READ_AT_ONCE)]
        return np.concatenate(parts).astype(np.float32) if parts else np.zeros(0, np.float32)

    @property
    def ids(self) -> NDArray[np.int64]:
        """Crop id of each row (n)."""
        return self._ids[: self._used]

    @property
    def individuals(self) -> NDArray[np.int64]:
        """Individual of each row (n), NOBODY where none is named."""
        return self._individual[: self._used]

    def named(self, most: int) -> tuple[Vector, list[str]]:
        """At most so many rows that have a name, chosen evenly, with the names."""
        rows = np.flatnonzero(self.individuals >= 0)
        rows = rows[:: max(1, len(rows) // most)][:most]
        return self._rows[rows], [str(individual) for individual in self._individual[rows]]

    def _slots(self, crop_ids: Collection[int]) -> list[int]:
        return [self._slot_of[crop_id] for crop_id in crop_ids if crop_id in self._slot_of]
