"""Figures of the evidence on animals the rules were not set on: the background test, and where the lines lie.

A pair is marked as the pages mark it: by RAPID and the matcher together.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from modal_backend.contracts import LocalFeatures, Picture
from modal_backend.models.evidence import evidence, matched
from modal_backend.models.evidence.chance import marked_by
from modal_backend.models.evidence.mask import OutlineReader
from modal_backend.models.matcher.features import XFeatReader
from modal_backend.models.matcher.pairs import PairMatcher
from tests.support import composed

pytestmark = pytest.mark.benchmark
COMPOSED, SEED = 300, 7301
COWS = 150


@dataclass(frozen=True)
class Crop:
    """What RAPID and the matcher need of a crop."""

    reading: evidence.Reading
    points: LocalFeatures


@dataclass(frozen=True)
class Compared:
    """RAPID's evidence of a pair, and whether the pages mark it."""

    by_rapid: evidence.Evidence
    marked: bool


@pytest.fixture(scope="module")
def read() -> Callable[[Picture], Crop]:
    outlines, points = OutlineReader(), XFeatReader()
    return lambda crop: Crop(evidence.read(crop, outlines.read(crop).mask), points.read(crop))


@pytest.fixture(scope="module")
def compare() -> Callable[[Crop, Crop], Compared]:
    matcher = PairMatcher()

    def compared(first: Crop, second: Crop) -> Compared:
        points, masks = (first.points, second.points), (first.reading.mask, second.reading.mask)
        parts = [matcher.match(question.query, question.others)[0] for question in matched.questions(points, masks)]
        by_rapid = evidence.compare(first.reading, second.reading)
        by_matcher = matched.evidence_of(points, masks, matcher.match(points[0], [points[1]])[0], *parts)
        marking = marked_by(by_rapid.on_background, by_rapid.animal, by_matcher.on_background, by_matcher.alike)
        return Compared(by_rapid, marking is not None)

    return compared


def _inside(mask: np.ndarray, places: np.ndarray) -> np.ndarray:
    high, wide = mask.shape
    rows = np.clip((places[:, 1] * high).astype(int), 0, high - 1)
    return mask[rows, np.clip((places[:, 0] * wide).astype(int), 0, wide - 1)] > 0.5


def test_true_pairs_of_unseen_tigers_are_seldom_marked_and_their_lines_lie_on_the_animal(
    real_data, measured, read, compare
):
    rows = list(composed.tiger_rows(real_data / "tigers"))
    mine = set(sorted({identity for _, identity, _ in rows})[1::2])
    rows = [row for row in rows if row[1] in mine]
    pictures = [composed.tiger(path) for path, _, _ in rows]
    crops = [read(picture) for picture in pictures]
    hulls = [composed.hull_of(crop, places, 0.0) for crop, (_, _, places) in zip(pictures, rows, strict=True)]
    pairs = marked = lines = inside = 0
    for row, other in combinations(range(len(rows)), 2):
        if rows[row][1] != rows[other][1]:
            continue
        found = compare(crops[row], crops[other])
        drawn = found.by_rapid.lines[found.by_rapid.lines[:, 5] == evidence.ANIMAL]
        pairs, marked, lines = pairs + 1, marked + found.marked, lines + len(drawn)
        inside += int((_inside(hulls[row], drawn[:, :2]) & _inside(hulls[other], drawn[:, 2:4])).sum())
    measured(f"true pairs marked as background, of {pairs}", marked / pairs, at_most=0.04)
    measured(f"matches on the animal, of {lines:,}", inside / lines, at_least=0.85)
    assert marked / pairs <= 0.04
    assert inside / lines >= 0.8


def test_two_unseen_tigers_composed_on_one_background_are_marked(real_data, measured, read, compare):
    mine = sorted({identity for _, identity, _ in composed.tiger_rows(real_data / "tigers")})[1::2]
    animals = composed.tigers(real_data / "tigers", mine)
    grounds = composed.empty_places(real_data / "detection")[1::2]
    matching = marked = 0
    for pair in composed.pairs(animals, grounds, COMPOSED, SEED, same_animal=False, same_background=True):
        found = compare(read(pair.first), read(pair.second))
        matching += found.by_rapid.whole > evidence.MATCHING
        marked += found.marked and found.by_rapid.whole > evidence.MATCHING
    measured(f"composed pairs marked, of {matching} that match", marked / matching, at_least=0.95)
    assert marked / matching >= 0.95


def test_cows_seen_again_on_another_day_are_not_marked(real_data, measured, read, compare):
    folder = real_data / "reid_holstein"
    with (folder / "reid.csv").open() as file:
        rows = list(csv.DictReader(file))
    mine = set(sorted({row["identity"] for row in rows})[1::2])
    rows = [row for row in rows if row["identity"] in mine]
    pairs = [
        (row, other)
        for row, other in combinations(rows, 2)
        if row["identity"] == other["identity"] and row["day"] != other["day"]
    ]
    chosen = [pairs[place] for place in np.random.default_rng(SEED).choice(len(pairs), COWS, replace=False)]
    crops: dict[str, Crop] = {}
    for path in {row["path"] for pair in chosen for row in pair}:
        with Image.open(folder / path) as image:
            crops[path] = read(np.asarray(image.convert("RGB")))
    marked = sum(compare(*(crops[row["path"]] for row in pair)).marked for pair in chosen)
    measured(
        f"cows seen again on another day marked as background, of {len(chosen)}", marked / len(chosen), at_most=0.04
    )
    assert marked / len(chosen) <= 0.04
