"""The networks trained on COCO: their files, their boxes, what they see."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from modal_backend.errors import WeightsMissing
from modal_backend.models.detectors import coco_centernet, coco_nanodet
from modal_backend.models.detectors.coco import network, opinion
from modal_backend.models.detectors.pocket_detector import PocketDetector

DATA = Path(os.environ.get("PUGMARK_TEST_DATA", "/nowhere")) / "detection"
NETWORKS = [coco_centernet.peaks, coco_nanodet.best_boxes]


@pytest.mark.parametrize("answer", NETWORKS)
@pytest.mark.parametrize("shape", [(320, 448), (448, 64), (32, 448)])
def test_boxes_lie_in_the_frame_and_each_speaks_for_one_category(answer, shape):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    boxes, logits, nothing = answer(pixels, shape[1] - 8, shape[0] - 20)
    assert boxes.shape[1:] == (4,)
    assert (boxes >= 0).all()
    assert (boxes <= 1).all()
    assert ((logits > nothing).sum(axis=1) <= 1).all()


@pytest.mark.parametrize("answer", NETWORKS)
def test_an_even_grey_picture_has_no_likely_box(answer):
    seen = answer(np.full((320, 448, 3), 127, np.uint8), 448, 320)
    assert seen.logits.max(initial=seen.nothing) < 0


def test_a_box_outside_the_picture_or_thinner_than_a_line_is_left_out():
    outside, thin, real = [110, 10, 150, 20], [10, 10, 10.2, 40], [50, -5, 120, 25]
    boxes, logits, nothing = opinion(
        [(np.array([outside, thin, real], float), np.array([0.9, 0.9, 0.5])), *[(np.zeros((0, 4)), np.zeros(0))] * 2],
        (100, 50),
        0.25,
    )
    assert boxes == pytest.approx(np.array([[0.5, 0, 1, 0.5]]))
    assert nothing == pytest.approx(np.log(1 / 3))
    assert logits == pytest.approx(np.array([[0, nothing, nothing]]))


@pytest.mark.parametrize("found", [coco_centernet, coco_nanodet])
def test_absent_or_other_weights_are_refused_with_what_to_do(found, tmp_path):
    graph = tmp_path / found.GRAPH.name
    for weights in (b"", b"other"):
        graph.with_suffix(".safetensors").write_bytes(weights)
        with pytest.raises(WeightsMissing) as refusal:
            network(graph, found.PUBLISHED_SHA256)
        assert "Install" in refusal.value.remedy


@pytest.mark.skipif(not DATA.is_dir(), reason="PUGMARK_TEST_DATA does not point to the real pictures")
@pytest.mark.parametrize("answer", NETWORKS)
def test_a_person_on_a_photograph_is_its_best_box(answer):
    picture = cv2.imread(str(DATA / "coco128_val" / "images" / "000000000785.jpg"))[:, :, ::-1]
    view = PocketDetector.prepare(np.ascontiguousarray(picture)).coarse
    logits = answer(view.pixels, view.width, view.height).logits
    assert np.unravel_index(logits.argmax(), logits.shape)[1] == 1
