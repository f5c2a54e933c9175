"""Evidence of a pair of crops: the lines lie on the animal, and a match that lives on the background is told."""

from __future__ import annotations

from itertools import combinations

import cv2
import numpy as np
import pytest
import torch

from modal_backend.models.evidence import crop_quality, evidence, flank
from modal_backend.models.evidence import mask as evidence_mask
from modal_backend.models.evidence.chance import RAPID_CHANCE
from tests.support import composed
from tests.support.striped import picture as striped

CASES = {"shared": (False, True), "moved": (True, False), "nothing": (False, False)}


@pytest.fixture(scope="module")
def reader() -> evidence_mask.OutlineReader:
    return evidence_mask.OutlineReader()


def compared(reader, pair) -> evidence.Evidence:
    readings = [evidence.read(crop, reader.read(crop).mask) for crop in (pair.first, pair.second)]
    return evidence.compare(*readings)


def inside(mask: np.ndarray, places: np.ndarray) -> np.ndarray:
    high, wide = mask.shape
    rows = np.clip((places[:, 1] * high).astype(int), 0, high - 1)
    return mask[rows, np.clip((places[:, 0] * wide).astype(int), 0, wide - 1)] > 0.5


def of_case(case: str, count: int, animals, grounds, seed: int = 5):
    same_animal, same_background = CASES[case]
    return composed.pairs(animals, grounds, count, seed, same_animal=same_animal, same_background=same_background)


@pytest.mark.parametrize("case", list(CASES))
def test_only_pairs_that_share_nothing_but_the_background_are_flagged(reader, case):
    pairs = of_case(case, 5, composed.coats(6), composed.scenery(4))
    flagged = [compared(reader, pair).on_background for pair in pairs]
    assert sum(flagged) >= 4 if case == "shared" else not any(flagged)


@pytest.mark.parametrize("case", list(CASES))
def test_real_tigers_on_real_backgrounds_are_flagged_only_when_they_share_nothing_else(reader, real_data, case):
    animals, grounds = composed.tigers(real_data / "tigers"), composed.empty_places(real_data / "detection")
    found = [compared(reader, pair) for pair in of_case(case, 6, animals, grounds)]
    flagged = [comparison.on_background for comparison in found]
    if case != "shared":
        assert not any(flagged)
        return
    matching = [comparison.on_background for comparison in found if comparison.whole > 2 * RAPID_CHANCE]
    assert len(matching) >= 3
    assert sum(matching) >= 0.9 * len(matching)


def test_at_least_four_of_five_consistent_matches_of_one_animal_on_two_backgrounds_lie_on_it(reader):
    total = good = 0
    for pair in of_case("moved", 3, composed.coats(4), composed.scenery(4), seed=8):
        lines = compared(reader, pair).lines
        mine = lines[lines[:, 5] == evidence.ANIMAL]
        assert len(mine) > RAPID_CHANCE
        good += (inside(pair.first_mask, mine[:, :2]) & inside(pair.second_mask, mine[:, 2:4])).sum()
        total += len(mine)
    assert good / total >= 0.95


def test_at_least_four_of_five_consistent_matches_of_true_tiger_pairs_lie_in_the_hull_of_their_keypoints(
    reader, real_data
):
    rows = list(composed.tiger_rows(real_data / "tigers"))[:36:2]
    crops = [composed.tiger(path) for path, _, _ in rows]
    readings = [evidence.read(crop, reader.read(crop).mask) for crop in crops]
    hulls = [composed.hull_of(crop, places, 0.0) for crop, (_, _, places) in zip(crops, rows, strict=True)]
    total = good = 0
    for row, other in combinations(range(len(rows)), 2):
        if rows[row][1] == rows[other][1]:
            lines = evidence.compare(readings[row], readings[other]).lines
            mine = lines[lines[:, 5] == evidence.ANIMAL]
            good += (inside(hulls[row], mine[:, :2]) & inside(hulls[other], mine[:, 2:4])).sum()
            total += len(mine)
    assert total > 50
    assert good / total >= 0.8


@pytest.mark.parametrize(
    ("counts", "flagged"),
    [
        ((60, 4, 55, 0.05), True),
        ((60, 4, 55, 0.5), False),  # the match goes on over the outlines
        ((60, 8, 45, 0.05), False),  # the animals match too
        ((200, 12, 180, 0.05), True),  # 12 of so many are what leaks over the outline
        ((16, 3, 13, 0.0), False),  # hardly a match at all
        ((60, 4, 7, 0.05), False),
    ],
)
def test_the_background_test_asks_for_a_match_that_keeps_away_from_the_animals(counts, flagged):
    assert evidence.lives_on_background(*counts) is flagged


def test_crops_without_any_detail_have_no_evidence_and_raise_nothing(reader):
    flat = np.full((60, 90, 3), 120, np.uint8)
    reading = evidence.read(flat, reader.read(flat).mask)
    found = evidence.compare(reading, reading)
    assert (found.whole, found.animal, found.background, found.on_background, len(found.lines)) == (0, 0, 0, False, 0)


@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (400, 3)])
def test_crops_of_any_shape_have_an_outline(reader, shape):
    outline = reader.read(np.random.default_rng(1).integers(0, 255, (*shape, 3), np.uint8))
    assert outline.mask.shape == (24, 24)
    assert np.isfinite(outline.mask).all()
    assert np.isfinite(outline.mirror).all()


@pytest.mark.parametrize("shape", [(10, 7), (3, 5), (1, 1)])
def test_parts_of_any_map_are_pooled_as_torch_pools_them(shape):
    maps = np.random.default_rng(0).random((2, 16, *shape), np.float32)
    pooled = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(maps), evidence_mask.MIRROR_GRID)
    wanted = torch.nn.functional.normalize(pooled, dim=1).numpy()
    assert evidence_mask._pooled(maps) == pytest.approx(wanted, abs=1e-6)


def test_the_mirror_vector_turns_round_with_the_picture(reader, real_data):
    path = next(composed.tiger_rows(real_data / "tigers"))[0]
    crop = composed.tiger(path)
    reading, other = reader.read(crop), reader.read(np.ascontiguousarray(crop[:, ::-1]))
    assert float(reading.mirror @ other.mirror) < -0.99
    assert np.abs(reading.mask - other.mask[:, ::-1]).max() < 0.02


def test_the_flank_of_nine_of_ten_tigers_is_guessed_from_other_decided_tigers(reader, real_data):
    vectors, left, who = [], [], []
    for path, identity, places in list(composed.tiger_rows(real_data / "tigers"))[::7]:
        head, back = places[:3][places[:3, 2] > 0], places[[7, 10, 13]][places[[7, 10, 13], 2] > 0]
        if len(head) and len(back) and abs(head[:, 0].mean() - back[:, 0].mean()) > 0.25:
            vectors.append(reader.read(composed.tiger(path)).mirror)
            left.append(head[:, 0].mean() < back[:, 0].mean())
            who.append(identity)
    rng, right = np.random.default_rng(3), []
    for number, vector in enumerate(vectors):
        others = rng.permutation([at for at in range(len(who)) if who[at] != who[number]])[:10]
        guess = flank.guess(vector, np.array([vectors[at] for at in others]), np.array(left)[others])
        right.append(guess.left == left[number])
    assert len(right) > 20
    assert np.mean(right) >= 0.9


def test_a_flank_is_not_guessed_from_three_decided_crops():
    assert flank.guess(np.ones(4, np.float32), np.eye(3, 4, dtype=np.float32), np.ones(3, bool)) is None


def test_a_blurred_and_a_dark_crop_are_told_from_a_good_one():
    good = striped(3, 0)
    blurred = cv2.GaussianBlur(good, (0, 0), 5)
    dark = (good * 0.1).astype(np.uint8)
    measured = [crop_quality.measure(crop) for crop in (good, blurred, dark)]
    assert measured[0].sharpness > measured[1].sharpness + 0.2
    assert measured[2].brightness < 0.13 < measured[0].brightness
    assert abs(measured[2].sharpness - measured[0].sharpness) < 0.25, "darkness is no blur"
