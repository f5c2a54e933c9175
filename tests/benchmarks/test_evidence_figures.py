"""Figures of the evidence on tigers the rules were not set on: the background test, and where the lines lie."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from modal_backend.models.evidence import evidence
from modal_backend.models.evidence import mask as evidence_mask
from tests.support import composed

pytestmark = pytest.mark.benchmark


def _inside(mask: np.ndarray, places: np.ndarray) -> np.ndarray:
    high, wide = mask.shape
    rows = np.clip((places[:, 1] * high).astype(int), 0, high - 1)
    return mask[rows, np.clip((places[:, 0] * wide).astype(int), 0, wide - 1)] > 0.5


def test_background_test_and_lines_on_unseen_tigers(real_data, measured):
    reader = evidence_mask.OutlineReader()
    rows = list(composed.tiger_rows(real_data / "tigers"))
    mine = set(sorted({identity for _, identity, _ in rows})[1::2])
    rows = [row for row in rows if row[1] in mine]
    crops = [composed.tiger(path) for path, _, _ in rows]
    readings = [evidence.read(crop, reader.read(crop).mask) for crop in crops]
    hulls = [composed.hull_of(crop, places, 0.0) for crop, (_, _, places) in zip(crops, rows, strict=True)]
    pairs = flagged = lines = inside = 0
    for row, other in combinations(range(len(rows)), 2):
        if rows[row][1] != rows[other][1]:
            continue
        found = evidence.compare(readings[row], readings[other])
        drawn = found.lines[found.lines[:, 5] == evidence.ANIMAL]
        pairs, flagged, lines = pairs + 1, flagged + found.on_background, lines + len(drawn)
        inside += int((_inside(hulls[row], drawn[:, :2]) & _inside(hulls[other], drawn[:, 2:4])).sum())
    animals = [cuts for number, cuts in enumerate(composed.tigers(real_data / "tigers")) if number % 2]
    grounds = composed.empty_places(real_data / "detection")[1::2]
    caught = matching = 0
    for pair in composed.pairs(animals, grounds, 150, 2024, same_animal=False, same_background=True):
        found = evidence.compare(*(evidence.read(crop, reader.read(crop).mask) for crop in (pair.first, pair.second)))
        matching += found.whole > evidence.MATCHING
        caught += found.on_background
    measured(f"true pairs marked as background, of {pairs}", flagged / pairs, at_most=0.05)
    measured(f"composed pairs marked, of {matching} that match", caught / matching, at_least=0.95)
    measured(f"matches on the animal, of {lines:,}", inside / lines, at_least=0.8)
    assert flagged / pairs < 0.05
    assert caught / matching >= 0.95
    assert inside / lines >= 0.8
