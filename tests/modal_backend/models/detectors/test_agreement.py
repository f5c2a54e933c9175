"""Several networks over one picture: what each says of the others' boxes, and how sure that makes it."""

from __future__ import annotations

import numpy as np
import pytest

from modal_backend.models.detectors.agreement import LOWEST, confidences, joined
from modal_backend.models.detectors.coco import Opinion

DEER, BUSH, MOUSE = [0.1, 0.1, 0.5, 0.5], [0.5, 0.5, 0.9, 0.9], [0.7, 0.7, 0.75, 0.75]
NEARLY_DEER = [0.1, 0.1, 0.5, 0.55]
NOTHING = -4.0
WEIGHTS = np.array([[1.0, 1.0, 0.5, 0.0, 0.0, 1.0, 3.0]] * 3)


def ours_of(*boxes: tuple[list[float], list[float]]):
    return (
        np.array([box for box, _ in boxes], np.float32).reshape(-1, 4),
        np.array([logits for _, logits in boxes], np.float32).reshape(-1, 3),
    )


def seen(*boxes: tuple[list[float], list[float]]):
    return Opinion(*ours_of(*boxes), np.float32(NOTHING))


def test_a_box_carries_what_the_other_networks_say_of_its_place():
    ours = ours_of((DEER, [1, -5, -6]), (BUSH, [0, -5, -6]))
    deer, bush = seen((NEARLY_DEER, [0.5, NOTHING, NOTHING])), seen((BUSH, [2, NOTHING, NOTHING]))
    boxes, evidence = joined(ours, [deer, bush])
    assert boxes == pytest.approx(np.array([DEER, BUSH, NEARLY_DEER, BUSH]))
    assert evidence[:, 0, 0].tolist() == [1, 0, 1, 0]
    assert evidence[:, 0, 1] == pytest.approx([0.5, NOTHING, 0.5, NOTHING])
    assert evidence[:, 0, 2] == pytest.approx([NOTHING, 2, NOTHING, 2])
    assert evidence[:, 0, 3].tolist() == [0, 0, 1, 0]
    assert evidence[:, 0, 4].tolist() == [0, 0, 0, 1]
    assert evidence[:, 1, 1] == pytest.approx([NOTHING] * 4)


def test_a_network_speaks_for_its_own_box_and_not_for_a_surer_one_of_its_own_beside_it():
    ours = ours_of((DEER, [1, -5, -6]), (NEARLY_DEER, [3, -5, -6]))
    _, evidence = joined(ours, [seen(), seen()])
    assert evidence[:, 0, 0].tolist() == [1, 3]


def test_what_two_see_is_surer_than_what_only_one_sees():
    ours = ours_of((DEER, [1, -5, -6]), (BUSH, [1, -5, -6]))
    _, evidence = joined(ours, [seen((NEARLY_DEER, [0.5, NOTHING, NOTHING])), seen()])
    deer, bush, second = confidences(evidence, WEIGHTS)[:, 0]
    assert deer == second == pytest.approx(1 / (1 + np.exp(-(4.5 + NOTHING / 2))))
    assert bush == pytest.approx(1 / (1 + np.exp(-(1 + 1.5 * NOTHING + 3))))


def test_that_the_others_are_silent_about_a_small_box_says_less_unless_one_of_them_sees_it():
    ours = ours_of((BUSH, [1, -5, -6]), (MOUSE, [1, -5, -6]))
    _, evidence = joined(ours, [seen(), seen()])
    assert evidence[:, 0, 5] == pytest.approx([0, np.log(0.3 / 0.05)])
    bush, mouse = confidences(evidence, WEIGHTS)[:, 0]
    assert mouse > bush
    _, evidence = joined(ours, [seen(), seen((MOUSE, [0, NOTHING, NOTHING]))])
    assert evidence[1, 0, 5] == 0


def test_a_box_that_only_another_network_has_is_kept_and_a_hopeless_one_is_not():
    boxes, evidence = joined(ours_of((BUSH, [-7, -9, -7])), [seen((DEER, [NOTHING, 2, NOTHING])), seen()])
    assert boxes == pytest.approx(np.array([DEER]))
    assert evidence[0, 1] == pytest.approx([LOWEST, 2, NOTHING, 1, 0, 0])


@pytest.mark.parametrize("ours", [ours_of(), ours_of((DEER, [1, -5, -6]))])
def test_nothing_seen_by_some_or_all_is_no_error(ours):
    boxes, evidence = joined(ours, [seen(), seen()])
    assert len(boxes) == len(evidence) == len(ours[0])
