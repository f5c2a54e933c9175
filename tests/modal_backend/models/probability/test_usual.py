"""What candidates usually score, and what of it is left out of a fused score."""

from __future__ import annotations

import numpy as np
import pytest

from app.matching.candidates import Group, fuse_groups
from modal_backend.models.probability.calibration import FUSED, start
from modal_backend.models.probability.usual import usual, usual_cosines
from modal_backend.registry import EMBEDDING, LOCAL

NAMES = [f"animal {number}" for number in range(9)]


def test_an_animal_that_resembles_everybody_is_told_from_the_others():
    scores = np.random.default_rng(0).normal(1.0, 0.1, (20, 9))
    scores[:, 4] += 2.0
    scores[np.arange(9), np.arange(9)] = np.nan
    found = usual(NAMES, scores)
    assert max(found, key=lambda name: found[name]) == "animal 4"
    assert found["animal 4"] - found["animal 0"] == pytest.approx(2.0, abs=0.15)
    assert sum(found.values()) == pytest.approx(0.0)


def test_nothing_is_usual_among_few_animals():
    assert usual(NAMES[:3], np.ones((20, 3))) == {}
    assert usual_cosines(EMBEDDING, np.eye(4, dtype=np.float32), NAMES[:4]) == {}
    assert usual_cosines(EMBEDDING, np.zeros((0, 4), np.float32), []) == {}


def test_usual_cosines_leave_out_an_animals_own_crops():
    vectors = np.repeat(np.eye(12, dtype=np.float32)[:9], 2, axis=0)
    found = usual_cosines(EMBEDDING, vectors, np.repeat(NAMES, 2).tolist())
    assert list(found.values()) == pytest.approx([0.0] * 9)


def test_of_two_equal_candidates_the_unusual_score_ranks_first():
    groups = [Group(name, crop, {LOCAL: 900.0, EMBEDDING: 0.8}) for crop, name in enumerate(NAMES[:2])]
    groups[0].usual = {LOCAL: 1.0, EMBEDDING: 0.3}
    listed = fuse_groups({group.key: group for group in groups}, [LOCAL, EMBEDDING], {
        FUSED: start(FUSED), LOCAL: start(LOCAL), EMBEDDING: start(EMBEDDING),
    })  # fmt: skip
    assert [candidate["identity"] for candidate in listed[FUSED]] == ["animal 1", "animal 0"]
    assert listed[LOCAL][0]["probability"] == listed[LOCAL][1]["probability"]
