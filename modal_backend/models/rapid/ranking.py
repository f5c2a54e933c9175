"""What RAPID answers to a query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Candidate(NamedTuple):
    """One gallery crop; matches = query descriptors whose nearest neighbour lies on that crop."""

    crop_id: int
    identity: str | None
    score: float
    matches: int


class IdentityRank(NamedTuple):
    """One named identity with its best crop and the matches all its crops gathered."""

    identity: str
    score: float
    best_crop_id: int
    matches: int


@dataclass(frozen=True)
class Ranking:
    """Best first.

    Attributes:
        known_probability: 0 to 1 that the animal is among the named; None: cannot be told.
    """

    candidates: list[Candidate]
    identities: list[IdentityRank]
    known_probability: float | None
