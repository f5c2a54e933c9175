"""The matcher's evidence of a pair of crops, in the shape `evidence` gives RAPID's: lines, counts, background test.

The matcher sees all points at once and also matches two animals in one place by where they stand. So, as for RAPID, the
points on the animals and those on the backgrounds are matched apart as well.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modal_backend.contracts import LocalFeatures, PairMatches, PairQuestion
from modal_backend.models.evidence.evidence import ANIMAL, BACKGROUND, FAINT, MATCHING, OTHER, Evidence
from modal_backend.models.evidence.mask import ON_ANIMAL, ON_BACKGROUND, Mask, at

# Matches on the backgrounds that are no chance, and those on the animals that may be; see lives_on_background.
CLEAR, CHANCE = 10, 12
HARDLY = 0.8

Floats = NDArray[np.float32]


def questions(crops: tuple[LocalFeatures, LocalFeatures], masks: tuple[Mask, Mask]) -> list[PairQuestion]:
    """What to ask the matcher about two crops besides the whole: their animals alone, then their backgrounds alone."""
    return [PairQuestion(first, [second]) for first, second in zip(*_parts(crops, masks), strict=True)]


def evidence_of(
    crops: tuple[LocalFeatures, LocalFeatures],
    masks: tuple[Mask, Mask],
    whole: PairMatches,
    animal: PairMatches,
    background: PairMatches,
) -> Evidence:
    """The evidence of a pair that the matcher has matched.

    Args:
        crops: XFeat features of both.
        masks: where their animals are.
        whole: the matches of these two.
        animal, background: the matches of `questions`.
    """
    parts = list(zip(*_parts(crops, masks), strict=True))
    lines = [
        _lines(parts[0], animal, animal.consistent, ANIMAL),
        _lines(parts[1], background, background.consistent, BACKGROUND),
        _lines(crops, whole, ~whole.consistent, OTHER)[:FAINT],
    ]
    counts = int(whole.consistent.sum()), int(animal.consistent.sum()), int(background.consistent.sum())
    return Evidence(np.concatenate(lines), *counts, lives_on_background(*counts))


def lives_on_background(whole: int, animal: int, background: int) -> bool:
    """Whether the crops match, the animals alone hardly, and their backgrounds alone clearly better.

    Set on 15 of the 30 ATRW tigers. On the others it marks 2 of 104 true pairs that match and 24 of 59 pairs of two
    animals composed on one background that match (the matcher finds something on most pairs of coats), none of 20 of
    one animal on two. RAPID marks 7 of the 120 true pairs and 49 of the 55 composed ones that match by it. Together,
    RAPID's mark withdrawn from `chance.WITHDRAWS` on: 4 of 120, and 51 of 68 that match by either.
    """
    return whole > MATCHING and background >= CLEAR and animal < min(CHANCE, HARDLY * background)


def _parts(
    crops: tuple[LocalFeatures, LocalFeatures], masks: tuple[Mask, Mask]
) -> tuple[list[LocalFeatures], list[LocalFeatures]]:
    """Of either crop: its points on the animal, its points on the background."""
    shares = [at(mask, _places(crop)) for crop, mask in zip(crops, masks, strict=True)]
    first, second = (
        [_only(crop, share, animal) for animal in (True, False)] for crop, share in zip(crops, shares, strict=True)
    )
    return first, second


def _only(features: LocalFeatures, share: Floats, animal: bool) -> LocalFeatures:
    rows = share >= ON_ANIMAL if animal else share <= ON_BACKGROUND
    return LocalFeatures(features.points[rows], features.descriptors[rows], features.width, features.height)


def _places(features: LocalFeatures) -> Floats:
    size = np.array([features.width, features.height], np.float32)
    return np.asarray(features.points[:, :2] / size, np.float32)


def _lines(crops: tuple[LocalFeatures, ...], matches: PairMatches, rows: NDArray[np.bool_], kind: int) -> Floats:
    """Lines (n, 6) of these matches, the surest first."""
    ends = [_places(crop)[matches.pairs[rows, side]] for side, crop in enumerate(crops)]
    sure = matches.confidence[rows]
    lines = np.column_stack([*ends, sure, np.full(len(sure), kind)]).astype(np.float32)
    return np.asarray(lines[np.argsort(-sure, kind="stable")])
