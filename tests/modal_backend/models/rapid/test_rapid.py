"""RAPID on generated coats: features, the vote, changes of the gallery, known or unknown."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import pytest

from modal_backend.contracts import LocalFeatures
from modal_backend.models.rapid.features import RAPID_448, extract
from modal_backend.models.rapid.gallery import RapidGallery
from modal_backend.models.rapid.pattern_geometry import consistent_matches
from tests.support.striped import picture

FEW_ROWS = 6_000


@lru_cache(maxsize=512)
def seen(animal: int, shot: int) -> LocalFeatures:
    return extract(picture(animal, shot))


def gallery_of(animals: int, shots: int = 3, **limits: int) -> RapidGallery:
    gallery = RapidGallery(**limits)
    for animal in range(animals):
        for shot in range(shots):
            gallery.add(100 * animal + shot, seen(animal, shot), f"animal {animal}")
    return gallery


def test_a_crop_becomes_at_most_150_features_of_a_224_px_wide_picture():
    features = seen(0, 0)
    assert features.width == 224
    assert features.height == 140
    assert 100 <= len(features.points) <= 150
    assert features.points.shape[1] == 4
    assert features.points.dtype == np.float32
    assert features.descriptors.shape == (len(features.points), 128)
    assert features.descriptors.dtype == np.uint8
    assert (features.points[:, 0] < features.width).all()
    assert (features.points[:, 1] < features.height).all()


def test_the_fine_profile_reads_more():
    fine = extract(picture(0, 0), RAPID_448)
    assert fine.width == 448
    assert 150 < len(fine.points) <= 600


def test_brightness_alone_changes_nothing():
    dark = (picture(1, 0) // 2).astype(np.uint8)
    bright = (dark + 100).astype(np.uint8)
    first, second = extract(dark), extract(bright)
    shared = np.abs(first.points[:, None, :2] - second.points[None, :, :2]).max(2).min(1) < 0.1
    assert shared.mean() > 0.95


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 4), (5000, 8)])
def test_tiny_and_odd_crops_never_raise(shape: tuple[int, int]):
    crop = np.random.default_rng(0).integers(0, 255, (*shape, 3)).astype(np.uint8)
    assert extract(crop).descriptors.shape[1] == 128


@pytest.mark.parametrize("value", [0, 127, 255])
def test_a_flat_crop_has_no_features(value: int):
    features = extract(np.full((90, 160, 3), value, np.uint8))
    assert features.points.shape == (0, 4)
    assert features.descriptors.shape == (0, 128)


def test_the_same_coat_is_ranked_first_and_explained():
    ranking = gallery_of(10).rank(seen(4, 7))
    assert ranking.identities[0].identity == "animal 4"
    assert ranking.identities[0].score > 2 * ranking.identities[1].score
    assert ranking.identities[0].best_crop_id in (400, 401, 402)
    assert [candidate.identity for candidate in ranking.candidates[:3]] == ["animal 4"] * 3
    scores = [candidate.score for candidate in ranking.candidates]
    assert scores == sorted(scores, reverse=True)


def test_matches_count_the_descriptors_whose_nearest_neighbour_lies_on_the_crop():
    query, other, stranger = seen(0, 5), seen(0, 0), seen(1, 0)
    both = np.concatenate([other.descriptors, stranger.descriptors]).astype(np.float32)
    distances = np.linalg.norm(query.descriptors[:, None].astype(np.float32) - both[None], axis=2)
    expected = int((distances.argmin(1) < len(other.descriptors)).sum())
    gallery = RapidGallery()
    gallery.add(1, other, "a")
    gallery.add(2, stranger, "b")
    found = {candidate.crop_id: candidate.matches for candidate in gallery.rank(query).candidates}
    assert found == {1: expected, 2: len(query.descriptors) - expected}


def test_consistent_matches_follow_the_movement_of_the_picture():
    crop = picture(3, 0)
    moved = cv2.warpAffine(crop, cv2.getRotationMatrix2D((160, 100), 10, 1.1), (320, 200))
    first, second = extract(crop), extract(moved)
    pairs = consistent_matches(first, second)
    turn = cv2.getRotationMatrix2D((112, 70), 10, 1.1)
    landed = first.points[pairs[:, 0], :2] @ turn[:, :2].T + turn[:, 2]
    assert len(pairs) > 40
    assert np.median(np.linalg.norm(landed - second.points[pairs[:, 1], :2], axis=1)) < 1.5
    assert len(consistent_matches(first, seen(8, 0))) < len(pairs) / 4


def test_a_gallery_grown_and_shrunk_ranks_like_one_built_at_once():
    grown = RapidGallery()
    for animal in (5, 2, 9, 0, 1, 3, 4, 7):
        grown.add(100 * animal, seen(animal, 0), f"animal {animal}")
        grown.rank(seen(0, 5))
    for animal in (9, 7):
        grown.remove(100 * animal)
    at_once = gallery_of(6, shots=1)
    first, second = grown.rank(seen(3, 6)), at_once.rank(seen(3, 6))
    assert {c.crop_id: c.score for c in first.candidates} == pytest.approx(
        {c.crop_id: c.score for c in second.candidates}
    )
    assert {c.crop_id: c.matches for c in first.candidates} == {c.crop_id: c.matches for c in second.candidates}
    assert [rank.identity for rank in first.identities] == [rank.identity for rank in second.identities]


def test_a_large_gallery_finds_the_coat_after_growing_and_shrinking_without_a_rebuild():
    animals = 20
    gallery = gallery_of(animals, exact_rows=FEW_ROWS)
    assert gallery.rank(seen(3, 6)).identities[0].identity == "animal 3"
    gallery.add(90_000, seen(200, 0), "newcomer")
    assert gallery.rank(seen(200, 1)).identities[0].identity == "newcomer"
    gallery.remove(90_000)
    assert 90_000 not in [candidate.crop_id for candidate in gallery.rank(seen(200, 1)).candidates]
    for crop_id in (300, 301, 302):
        gallery.remove(crop_id)
    assert "animal 3" not in [rank.identity for rank in gallery.rank(seen(3, 6)).identities]
    for animal in range(8, animals):
        for shot in range(3):
            gallery.remove(100 * animal + shot)
    assert gallery.rank(seen(5, 6)).identities[0].identity == "animal 5"
    assert len(gallery) == 7 * 3


def test_scope_of_a_large_gallery_is_honoured_exactly():
    animals = 25
    gallery = gallery_of(animals, exact_rows=FEW_ROWS)
    inside = [crop_id for animal in range(1, animals) for crop_id in (100 * animal, 100 * animal + 1, 100 * animal + 2)]
    ranking = gallery.rank(seen(0, 6), within=inside, exclude=[100, 801], top=1000)
    found = {candidate.crop_id for candidate in ranking.candidates}
    assert found <= set(inside) - {100, 801}
    assert len(found) > 30


def test_within_and_exclude_leave_only_what_is_allowed():
    gallery = gallery_of(6)
    ranking = gallery.rank(seen(2, 5), within=[0, 1, 200, 201, 300, 777], exclude=[200, 201, 888])
    assert {candidate.crop_id for candidate in ranking.candidates} <= {0, 1, 300}
    assert {rank.identity for rank in ranking.identities} <= {"animal 0", "animal 3"}
    assert gallery.rank(seen(2, 5), within=[]).candidates == []
    alone = gallery.rank(seen(2, 5), within=[200])
    assert [(c.crop_id, c.matches) for c in alone.candidates] == [(200, len(seen(2, 5).descriptors))]


def test_top_limits_the_candidates_but_not_the_identities():
    ranking = gallery_of(6).rank(seen(2, 5), top=2)
    assert len(ranking.candidates) == 2
    assert len(ranking.identities) > 2


def test_naming_clearing_and_renaming_take_effect_at_once():
    gallery = RapidGallery()
    for animal in range(5):
        gallery.add(animal, seen(animal, 0))
    unnamed = gallery.rank(seen(2, 5))
    assert unnamed.candidates[0].crop_id == 2
    assert unnamed.candidates[0].identity is None
    assert unnamed.identities == []
    assert unnamed.known_probability is None
    gallery.name(2, "Raja")
    assert gallery.rank(seen(2, 5)).identities[0].identity == "Raja"
    gallery.name(2, "Rani")
    assert [rank.identity for rank in gallery.rank(seen(2, 5)).identities] == ["Rani"]
    gallery.name(2, None)
    assert gallery.rank(seen(2, 5)).identities == []


def test_unnamed_pictures_of_the_same_animal_take_nothing_from_its_name():
    gallery = gallery_of(8, shots=2)
    before = gallery.rank(seen(4, 7))
    for shot in range(3, 7):
        gallery.add(9000 + shot, seen(4, shot))
    after = gallery.rank(seen(4, 7))
    assert after.identities == before.identities
    assert after.known_probability == before.known_probability
    assert any(candidate.crop_id >= 9000 for candidate in after.candidates[:4])


def test_membership_length_and_mistakes():
    gallery = gallery_of(2, shots=1)
    assert len(gallery) == 2
    assert 0 in gallery
    assert 1 not in gallery
    with pytest.raises(ValueError, match="already"):
        gallery.add(0, seen(0, 0))
    gallery.remove(0)
    assert 0 not in gallery
    with pytest.raises(KeyError):
        gallery.remove(0)
    with pytest.raises(KeyError):
        gallery.name(0, "x")
    gallery.add(0, seen(0, 0), "back")
    assert gallery.rank(seen(0, 1)).identities[0].identity == "back"


def test_crops_without_features_are_welcome_and_match_nothing():
    blank = extract(np.zeros((50, 80, 3), np.uint8))
    gallery = gallery_of(3, shots=1)
    gallery.add(7, blank, "blank")
    nothing = gallery.rank(blank)
    assert nothing.candidates == []
    assert nothing.identities == []
    assert nothing.known_probability is None
    assert 7 not in [candidate.crop_id for candidate in gallery.rank(seen(1, 5)).candidates]
    gallery.remove(7)
    assert RapidGallery().rank(seen(0, 0)).candidates == []


@pytest.mark.parametrize(("animals", "shots"), [(12, 3), (12, 1), (3, 2), (1, 1)])
def test_known_and_unknown_animals_are_told_apart_at_one_half(animals: int, shots: int):
    gallery = gallery_of(animals, shots)
    known = [gallery.rank(seen(animal % animals, 10 + animal)).known_probability for animal in range(12)]
    unknown = [gallery.rank(seen(500 + animal, 0)).known_probability for animal in range(12)]
    assert sum(value is not None and value >= 0.5 for value in known) >= 11
    assert sum(value is not None and value < 0.5 for value in unknown) >= 11


def test_an_animal_becomes_known_when_it_is_named():
    gallery = gallery_of(10)
    before = gallery.rank(seen(77, 5)).known_probability
    gallery.add(7700, seen(77, 0), "newcomer")
    gallery.add(7701, seen(77, 1), "newcomer")
    after = gallery.rank(seen(77, 5)).known_probability
    assert before is not None
    assert after is not None
    assert before < 0.5 < after


def test_an_identity_is_as_good_as_its_best_crop_however_many_it_has():
    alone, among_many = RapidGallery(), RapidGallery()
    for gallery, shots in ((alone, (0,)), (among_many, (0, 2, 3, 4))):
        for animal in range(3):
            for shot in shots:
                gallery.add(10 * animal + shot, seen(animal, shot), f"animal {animal}")
    found = among_many.rank(seen(1, 1))
    score_of = {candidate.crop_id: candidate.score for candidate in found.candidates}
    for ranked in found.identities:
        assert ranked.score == score_of[ranked.best_crop_id]
        assert ranked.score == max(score for crop, score in score_of.items() if crop // 10 == int(ranked.identity[-1]))
    assert alone.rank(seen(1, 1)).identities[0].identity == found.identities[0].identity == "animal 1"
