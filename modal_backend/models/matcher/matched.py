"""Rank labelled crops by the matcher: LighterGlue looks at the crops that other, cheaper orders put first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from modal_backend.contracts import LocalFeatures
from modal_backend.models.matcher.pairs import PairMatcher, likeness
from modal_backend.models.matcher.ranking import LISTED, score, shortlist


@dataclass(slots=True)
class Matched:
    """The pairs of one table of crops; each is matched once, whatever splits ask for it.

    Attributes:
        points: XFeat features by row.
    """

    points: dict[int, LocalFeatures] = field(default_factory=dict)
    _matcher: PairMatcher | None = None
    _scores: dict[tuple[int, int], float] = field(default_factory=dict)
    _likenesses: dict[tuple[int, int], float] = field(default_factory=dict)

    def scores(self, query: int, gallery: Sequence[int], others: Sequence[Sequence[int]] = ()) -> dict[int, float]:
        """How well the query matches the listed rows of the gallery, by row.

        Args:
            query: its row.
            gallery: rows of the gallery.
            others: rows that other models put first, best first; they and the matcher's own take turns in the list.
        """
        return self.pairs(query, shortlist(self.likest(query, gallery)[:LISTED], *others))

    def likest(self, query: int, rows: Sequence[int]) -> list[int]:
        """These rows by how alike their descriptors are to the query's, best first."""
        return sorted(rows, key=lambda row: -self._likeness(query, row))

    def pairs(self, query: int, rows: Sequence[int]) -> dict[int, float]:
        """How well the query matches each of these rows."""
        self._match(query, rows)
        return {row: self._scores[_key(query, row)] for row in rows}

    def pair(self, query: int, row: int) -> float:
        """How well the query matches this row."""
        return self.pairs(query, [row])[row]

    def _likeness(self, query: int, row: int) -> float:
        key = _key(query, row)
        if key not in self._likenesses:
            self._likenesses[key] = likeness(self.points[query], self.points[row])
        return self._likenesses[key]

    def _match(self, query: int, rows: Sequence[int]) -> None:
        self._matcher = self._matcher or PairMatcher()
        new = [row for row in rows if _key(query, row) not in self._scores]
        found = self._matcher.match(self.points[query], [self.points[row] for row in new])
        self._scores.update({_key(query, row): score(pair) for row, pair in zip(new, found, strict=True)})


def _key(query: int, row: int) -> tuple[int, int]:
    return min(query, row), max(query, row)
