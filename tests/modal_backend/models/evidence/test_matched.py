"""The matcher's evidence: its lines lie on the animal, and a match of backgrounds alone is told from one of animals."""

from __future__ import annotations

import numpy as np
import pytest

from modal_backend.models.evidence import evidence, matched
from modal_backend.models.evidence.mask import OutlineReader
from modal_backend.models.matcher.features import XFeatReader
from modal_backend.models.matcher.pairs import PairMatcher
from tests.support import composed


@pytest.fixture(scope="module")
def compared():
    """A function that gives the evidence of two crops; its networks are loaded once."""
    outlines, points, matcher = OutlineReader(), XFeatReader(), PairMatcher()

    def compare(first, second) -> evidence.Evidence:
        crops = points.read(first), points.read(second)
        masks = outlines.read(first).mask, outlines.read(second).mask
        parts = [matcher.match(question.query, question.others)[0] for question in matched.questions(crops, masks)]
        return matched.evidence_of(crops, masks, matcher.match(crops[0], [crops[1]])[0], *parts)

    return compare


def test_one_animal_on_two_backgrounds_matches_on_the_animal(compared):
    pairs = list(composed.pairs(composed.coats(4), composed.scenery(4), 3, 8, same_animal=True, same_background=False))
    found = [compared(pair.first, pair.second) for pair in pairs]
    total = good = 0
    for pair, evident in zip(pairs, found, strict=True):
        assert not evident.on_background
        assert evident.animal > evident.background
        mine = evident.lines[evident.lines[:, 5] == evidence.ANIMAL]
        for mask, places in ((pair.first_mask, mine[:, :2]), (pair.second_mask, mine[:, 2:4])):
            rows, columns = (np.clip((places[:, axis] * mask.shape[1 - axis]).astype(int), 0, None) for axis in (1, 0))
            good += int((mask[np.minimum(rows, mask.shape[0] - 1), np.minimum(columns, mask.shape[1] - 1)] > 0.5).sum())
            total += len(mine)
    assert good / total >= 0.85


def test_crops_without_any_detail_have_no_evidence_and_raise_nothing(compared):
    flat = np.full((60, 90, 3), 120, np.uint8)
    found = compared(flat, flat)
    assert (found.whole, found.animal, found.background, found.on_background, len(found.lines)) == (0, 0, 0, False, 0)


def test_lines_are_relative_to_the_crops_and_the_surest_come_first_within_a_kind(compared):
    crop = composed.coats(1)[0][0][0]
    lines = compared(crop, crop).lines
    assert lines.shape[1] == 6
    assert np.abs(lines[:, :2] - lines[:, 2:4]).max() < 0.2
    assert (lines[:, :5] >= 0).all()
    assert (lines[:, :5] <= 1).all()
    for kind in np.unique(lines[:, 5]):
        assert (np.diff(lines[lines[:, 5] == kind, 4]) <= 0).all()


@pytest.mark.parametrize(
    ("animal", "background", "flagged"), [(0.1, 4.0, True), (0.6, 4.0, False), (0.1, 2.0, False), (2.0, 9.0, False)]
)
def test_a_match_lives_on_the_background_where_those_are_alike_and_the_animals_hardly(animal, background, flagged):
    assert matched.lives_on_background(animal, background) is flagged
