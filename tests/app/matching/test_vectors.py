"""The nearest crops by their vectors: all of them in a small survey, by short codes in a large one."""

from __future__ import annotations

import numpy as np
import pytest

from app.matching import vectors as module
from app.matching.vectors import Vectors

CROPS, DIMENSION, ANIMALS = 4_000, 64, 40


def unit(values: np.ndarray) -> np.ndarray:
    return np.asarray(values / np.linalg.norm(values, axis=-1, keepdims=True), np.float32)


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> tuple[Vectors, np.ndarray]:
    """Crops of 40 animals, enough of them that the nearest are found by codes; crop n is of animal n % 40."""
    monkeypatch.setattr(module, "APPROXIMATE_FROM", CROPS // 2)
    draw = np.random.default_rng(0)
    animals = draw.normal(size=(ANIMALS, DIMENSION))[np.arange(CROPS) % ANIMALS]
    rows = unit(animals + 0.7 * draw.normal(size=animals.shape))
    found = Vectors(DIMENSION)
    for crop, row in enumerate(rows):
        found.put(crop, row, crop % ANIMALS)
    return found, rows


def ten_nearest(found: Vectors, query: np.ndarray, mask: np.ndarray) -> list[int]:
    near = found.near(query, mask, 10)
    assert near.cosines == pytest.approx(found.cosines(query, near.rows), abs=1e-6)
    return list(found.ids[near.rows[np.argsort(-near.cosines)[:10]]])


def test_the_nearest_by_codes_are_those_by_all_vectors(many):
    found, rows = many
    everywhere, half = np.ones(CROPS, bool), np.arange(CROPS) % 2 == 0
    for mask in (everywhere, half):
        same = [
            len({*ten_nearest(found, rows[query], mask)} & {*np.argsort(-np.where(mask, rows @ rows[query], -2))[:10]})
            for query in range(0, CROPS, 200)
        ]
        assert np.mean(same) >= 9.8


def test_crops_that_come_move_and_go_after_the_codes_were_made_are_found_where_they_are(many):
    found, rows = many
    everywhere = np.ones(CROPS, bool)
    found.prepare()
    new, moved = unit(np.full(DIMENSION, 1.0)), unit(-np.ones(DIMENSION))
    found.put(CROPS, new, None)
    found.put(7, moved, None)
    found.remove(0)
    assert ten_nearest(found, new, everywhere)[0] == CROPS
    assert ten_nearest(found, moved, everywhere)[0] == 7
    assert 0 not in ten_nearest(found, rows[0], everywhere)
    assert ten_nearest(found, rows[CROPS - 1], everywhere)[0] == CROPS - 1


def test_a_narrow_scope_and_one_without_the_nearest_lose_no_crop(many):
    found, rows = many
    few = np.arange(CROPS) < 20
    assert sorted(found.near(rows[0], few, 10).rows) == list(range(20))
    strangers = np.arange(CROPS) % ANIMALS >= 30
    best = np.argsort(-np.where(strangers, rows @ rows[0], -2))[:10]
    assert len({*ten_nearest(found, rows[0], strangers)} & {*best}) >= 9


def test_many_changes_make_the_codes_anew(many):
    found, rows = many
    found.prepare()
    for crop in range(CROPS // 10):
        found.put(crop, rows[CROPS - 1 - crop], None)
    found.prepare()
    assert not found._codes._changed
    assert {0, CROPS - 1} <= {*ten_nearest(found, rows[CROPS - 1], np.ones(CROPS, bool))[:2]}
