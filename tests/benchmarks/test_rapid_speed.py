"""A RAPID query against 3,000 gallery crops, beside the bare SIFT + FLANN search in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from modal_backend.contracts import LocalFeatures, Picture
from modal_backend.models.rapid.features import RAPID_224, extract
from modal_backend.models.rapid.gallery import RapidGallery
from tests.support.striped import picture

CROPS, ANIMALS, REPEATS = 3_000, 500, 7
BUDGET = 1.2


def crops_of_many_animals() -> list[LocalFeatures]:
    """Features of 3,000 crops out of 120 generated pictures; a descriptor is a blend of two, none repeats."""
    draw = np.random.default_rng(0)
    seen = [extract(picture(animal, 0)) for animal in range(120)]
    pool = np.concatenate([features.descriptors for features in seen])
    points = np.concatenate([features.points for features in seen])
    crops = []
    for _ in range(CROPS):
        first, second = draw.integers(0, len(pool), (2, RAPID_224.keypoints))
        blend = pool[first] * 0.6 + pool[second] * 0.4 + draw.normal(scale=4, size=(RAPID_224.keypoints, 128))
        crops.append(LocalFeatures(points[first], np.clip(blend, 0, 255).astype(np.uint8), 224, 140))
    return crops


def bare_search(crops: list[LocalFeatures]) -> Callable[[Picture], object]:
    matcher = cv2.FlannBasedMatcher({"algorithm": 1, "trees": 4}, {"checks": 32})
    matcher.add([np.concatenate([crop.descriptors for crop in crops]).astype(np.float32)])
    matcher.train()
    sift = cv2.SIFT.create(nfeatures=150)

    def search(crop: Picture) -> object:
        size = (224, round(crop.shape[0] * 224 / crop.shape[1]))
        grey = cv2.cvtColor(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        stretched = cv2.normalize(grey, None, 0, 255, cv2.NORM_MINMAX)
        return matcher.knnMatch(sift.detectAndCompute(stretched, None)[1], k=1)

    return search


def fastest(action: Callable[[Picture], object], crop: Picture) -> float:
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        action(crop)
        times.append(time.perf_counter() - start)
    return min(times)


@pytest.mark.benchmark
@pytest.mark.quick
def test_a_query_costs_little_more_than_the_bare_search_and_changes_are_cheap(measured):
    crops = crops_of_many_animals()
    gallery = RapidGallery()
    for number, crop in enumerate(crops):
        gallery.add(number, crop, f"animal {number % ANIMALS}")
    start = time.perf_counter()
    gallery.rank(extract(picture(0, 1)))
    measured("first query, 3,000 crops, with index and calibration", time.perf_counter() - start, "s", at_most=3.0)

    bare = bare_search(crops)
    queries = [picture(animal, 2) for animal in range(12)]
    ours = [fastest(lambda crop: gallery.rank(extract(crop)), crop) for crop in queries]
    theirs = [fastest(bare, crop) for crop in queries]
    ratio = sum(ours) / sum(theirs)
    measured("query, 3,000 crops", 1000 * np.mean(ours), "ms", baseline=1000 * np.mean(theirs))
    measured("query, times the bare SIFT + FLANN search", ratio, "x", at_most=BUDGET)

    changes = []
    for number in range(20):
        start = time.perf_counter()
        gallery.remove(number)
        gallery.add(number, crops[number], f"animal {number % ANIMALS}")
        changes.append(time.perf_counter() - start)
    measured("one crop out and in again", 1000 * np.median(changes), "ms")
    assert np.median(changes) < 0.1
    assert ratio <= BUDGET
