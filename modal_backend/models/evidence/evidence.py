"""Why two crops look alike: which features match, which of them agree as one pattern, and where they lie.

The background test: features on the animal and features on the background are matched apart. A match that needs the
background is no match of the animal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modal_backend.contracts import LocalFeatures, Picture
from modal_backend.models.evidence.chance import RAPID_CHANCE
from modal_backend.models.evidence.mask import ON_ANIMAL, ON_BACKGROUND, Mask, at
from modal_backend.models.rapid import features as rapid
from modal_backend.models.rapid.pattern_geometry import consistent_matches, mutual_matches

VERSION = "2"
MATCHING = 2 * RAPID_CHANCE
# Shares set on 371 true pairs and 309 composed pairs that match, of 15 of the 30 ATRW tigers: see lives_on_background.
INSIDE, ON_BOTH = 0.35, 0.1
FAINT = 60
ANIMAL, BACKGROUND, OTHER = 0, 1, 2

Pairs = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a comparison needs of one crop: up to 600 SIFT features at 448 px, and the soft mask of the animal."""

    features: LocalFeatures
    mask: Mask


@dataclass(frozen=True, slots=True)
class Evidence:
    """Matches of two crops and the background test.

    Attributes:
        lines: float32 (n, 6): query x, y, candidate x, y relative to their crops, weight 0 to 1, and 0 for consistent
            matches on the animal, 1 for consistent ones on the background, 2 for the others; strongest first within
            each.
        whole, animal, background: consistent matches of the whole crops, of the animals alone, of the backgrounds
            alone.
        on_background: whether the match lives on the background by this test alone; see `chance.marked_by`.
        alike: how alike the matcher finds the animals alone, see `matched.alike`; 0 by RAPID.
    """

    lines: NDArray[np.float32]
    whole: int
    animal: int
    background: int
    on_background: bool
    alike: float = 0.0


def read(crop: Picture, mask: Mask) -> Reading:
    """The reading of an RGB uint8 crop with the mask of its outline."""
    return Reading(rapid.extract(crop, rapid.RAPID_448), mask)


def compare(query: Reading, candidate: Reading) -> Evidence:
    """The evidence that two crops show the same individual."""
    whole = consistent_matches(query.features, candidate.features)
    animal = _among(query, candidate, lambda share: share >= ON_ANIMAL)
    background = _among(query, candidate, lambda share: share <= ON_BACKGROUND)
    first = {tuple(pair) for pair in animal.tolist()}
    second = {tuple(pair) for pair in background.tolist()} - first
    mutual = [tuple(pair) for pair in mutual_matches(query.features, candidate.features).tolist()]
    rest = [pair for pair in mutual if pair not in first and pair not in second]
    lines = np.concatenate(
        [
            _lines(query, candidate, sorted(first), ANIMAL),
            _lines(query, candidate, sorted(second), BACKGROUND),
            _lines(query, candidate, rest, OTHER)[:FAINT],
        ]
    )
    flagged = lives_on_background(len(whole), len(animal), len(background), _inside(query, candidate, whole))
    return Evidence(lines, len(whole), len(animal), len(background), flagged)


def lives_on_background(whole: int, animal: int, background: int, inside: float) -> bool:
    """Whether the crops match, the animals alone no better than chance, and the match keeps away from the animals.

    A match of two backgrounds ends where the animals begin; one of the same place and animal goes on over the outlines,
    also where the animal has moved too much for its own features to agree. That alone marks 39 of 371 true pairs, whose
    masks leave heads and backs out, and 300 of 309 composed ones, all of the tigers the shares were set on; the matcher
    takes marks back where it finds the animals alike, see `chance.marked_by`.

    Args:
        inside: share of the whole crops' consistent matches that lie on or near the animal in one crop at least.
    """
    if whole <= MATCHING or background < RAPID_CHANCE:
        return False
    return animal < max(RAPID_CHANCE, ON_BOTH * background) and inside <= INSIDE


def _inside(query: Reading, candidate: Reading, pairs: Pairs) -> float:
    """The share of pairs with one end or both in more than the background of its crop; 1 of none."""
    if not len(pairs):
        return 1.0
    ends = [at(crop.mask, _places(crop.features)[pairs[:, side]]) for side, crop in enumerate((query, candidate))]
    return float((np.maximum(*ends) > ON_BACKGROUND).mean())


def _among(query: Reading, candidate: Reading, wanted: object) -> Pairs:
    """Consistent matches of the features whose place in the mask is wanted, as rows of all features."""
    assert callable(wanted)
    rows = [np.flatnonzero(wanted(at(crop.mask, _places(crop.features)))) for crop in (query, candidate)]
    found = consistent_matches(_only(query.features, rows[0]), _only(candidate.features, rows[1]))
    if not len(found):
        return np.zeros((0, 2), np.intp)
    return np.column_stack([rows[0][found[:, 0]], rows[1][found[:, 1]]])


def _places(features: LocalFeatures) -> NDArray[np.float32]:
    scale = np.array([features.width, features.height], np.float32)
    return np.asarray(features.points[:, :2] / scale, np.float32)


def _only(features: LocalFeatures, rows: NDArray[np.intp]) -> LocalFeatures:
    return LocalFeatures(features.points[rows], features.descriptors[rows], features.width, features.height)


def _lines(query: Reading, candidate: Reading, pairs: list[tuple[int, int]], kind: int) -> NDArray[np.float32]:
    """Lines (n, 6) of these pairs; the weight falls with the distance of the descriptors as RAPID's vote does."""
    if not pairs:
        return np.zeros((0, 6), np.float32)
    here, there = np.array(pairs, np.intp).T
    apart = query.features.descriptors[here].astype(np.float32) - candidate.features.descriptors[there]
    weight = np.minimum(100.0**2 / np.maximum((apart**2).sum(1), 1.0), 1.0)
    places = np.column_stack([_places(query.features)[here], _places(candidate.features)[there]])
    lines = np.column_stack([places, weight, np.full(len(pairs), kind)]).astype(np.float32)
    return np.asarray(lines[np.argsort(-weight, kind="stable")])
