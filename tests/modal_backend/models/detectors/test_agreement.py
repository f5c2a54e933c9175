"""Two networks over one picture: what each says of the other's boxes, and how sure that makes it."""

from __future__ import annotations

import numpy as np
import pytest

from modal_backend.models.detectors.agreement import LOWEST, confidences, joined
from modal_backend.models.detectors.coco_centernet import NOTHING

DEER, BUSH, MOUSE = [0.1, 0.1, 0.5, 0.5], [0.5, 0.5, 0.9, 0.9], [0.7, 0.7, 0.75, 0.75]
NEARLY_DEER = [0.1, 0.1, 0.5, 0.55]
WEIGHTS = np.array([[1.0, 1.0, 0.0, 1.0, 3.0]] * 3)


def seen(*boxes: tuple[list[float], list[float]]):
    return (
        np.array([box for box, _ in boxes], np.float32).reshape(-1, 4),
        np.array([logits for _, logits in boxes], np.float32).reshape(-1, 3),
    )


def test_a_box_carries_what_the_other_network_says_of_its_place():
    ours = seen((DEER, [1, -5, -6]), (BUSH, [0, -5, -6]))
    boxes, evidence = joined(ours, seen((NEARLY_DEER, [0.5, NOTHING, NOTHING])))
    assert boxes == pytest.approx(np.array([DEER, BUSH, NEARLY_DEER]))
    assert evidence[:, 0, 0].tolist() == [1, 0, 1]
    assert evidence[:, 0, 1] == pytest.approx([0.5, NOTHING, 0.5])
    assert evidence[:, 0, 2].tolist() == [0, 0, 1]
    assert evidence[:, 1, 1] == pytest.approx([NOTHING] * 3)


def test_what_both_see_is_surer_than_what_only_one_sees():
    ours = seen((DEER, [1, -5, -6]), (BUSH, [1, -5, -6]))
    _, evidence = joined(ours, seen((NEARLY_DEER, [0.5, NOTHING, NOTHING])))
    deer, bush, second = confidences(evidence, WEIGHTS)[:, 0]
    assert deer == second == pytest.approx(1 / (1 + np.exp(-4.5)))
    assert bush == pytest.approx(1 / (1 + np.exp(-(1 + NOTHING + 3))))


def test_that_the_second_opinion_is_silent_about_a_small_box_says_less():
    _, evidence = joined(seen((BUSH, [1, -5, -6]), (MOUSE, [1, -5, -6])), seen())
    assert evidence[:, 0, 3] == pytest.approx([0, np.log(0.3 / 0.05)])
    bush, mouse = confidences(evidence, WEIGHTS)[:, 0]
    assert mouse > bush


def test_a_box_that_only_the_second_opinion_has_is_kept_and_a_hopeless_one_is_not():
    boxes, evidence = joined(seen((BUSH, [-7, -9, -7])), seen((DEER, [NOTHING, 2, NOTHING])))
    assert boxes == pytest.approx(np.array([DEER]))
    assert evidence[0, 1].tolist() == [LOWEST, 2, 1, 0]


@pytest.mark.parametrize("ours", [seen(), seen((DEER, [1, -5, -6]))])
def test_nothing_seen_by_one_or_both_is_no_error(ours):
    boxes, evidence = joined(ours, seen())
    assert len(boxes) == len(evidence) == len(ours[0])
