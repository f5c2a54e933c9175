"""What the start values of the calibration are made of."""

from __future__ import annotations

import numpy as np
import pytest

from modal_backend.training.calibration import ACROSS_EVENTS, weighed


def test_rapid_448_and_the_matcher_weigh_more_than_galleries_with_frames_of_one_event_say():
    draw = np.random.default_rng(0)
    same = draw.random(2000) < 0.2
    scores = draw.gamma(2.0, np.where(same, 20.0, 5.0))
    weight = {model: weighed(model, scores, same)[0].weight for model in ("rapid", "rapid-448", "xfeat")}
    assert weight["rapid-448"] == weight["xfeat"] == pytest.approx(ACROSS_EVENTS * weight["rapid"])
