"""Vectors of keywords on their way to groups."""

from __future__ import annotations

import numpy as np

from modal_backend.models.text.keyword_clusters import unit


def test_rows_of_length_one_keep_every_bit_so_that_the_map_is_the_same_here_and_on_modal():
    rows = np.random.default_rng(0).normal(size=(500, 768)).astype(np.float32)
    rows[0] = 0
    made = unit(rows)
    assert np.allclose(np.linalg.norm(made[1:], axis=1), 1)
    assert not made[0].any()
    assert np.array_equal(unit(made), made)
