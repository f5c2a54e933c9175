"""Labels on the map of keywords never cover each other, even on a phone."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from app.notes.clusters import Cluster
from app.ui.notes import labels
from app.ui.notes.labels import place_labels


@pytest.mark.parametrize("spread", [0.0, 0.1, 3.0])
def test_no_label_covers_another_or_leaves_the_map(monkeypatch, spread):
    random = np.random.default_rng(3)
    number = np.repeat(np.arange(12), 8)
    points = pd.DataFrame(random.normal(number[:, None] * spread, 0.2, (96, 2)), columns=["x", "y"])
    points = points.assign(
        number=number, support=random.integers(1, 60, 96), keyword=[f"word {at}" for at in range(96)]
    )
    groups = [Cluster(at, f"cluster with a long name {at}", (at,), (), False, 1.0) for at in range(12)]
    areas = []
    annotate = labels._annotation
    monkeypatch.setattr(labels, "_annotation", lambda area, *rest: areas.append(area) or annotate(area, *rest))
    place_labels(go.Figure(), points, groups)
    assert len(areas) > 6
    assert not any(labels._overlap(area, other) for area, other in combinations(areas, 2))
    assert all(area[0] >= 0 and area[2] <= labels.WIDTH and area[1] >= 0 and area[3] <= labels.HEIGHT for area in areas)
