"""The second opinion: its file, its boxes, the same answer for the same pixels."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from modal_backend.errors import WeightsMissing
from modal_backend.models.detectors import coco_centernet
from modal_backend.models.detectors.coco_centernet import NOTHING, peaks
from modal_backend.models.detectors.pocket_detector import PocketDetector

DATA = Path(os.environ.get("PUGMARK_TEST_DATA", "/nowhere")) / "detection"


def test_boxes_lie_in_the_frame_and_each_speaks_for_one_category():
    pixels = np.random.default_rng(0).integers(0, 256, (320, 448, 3)).astype(np.uint8)
    boxes, logits = peaks(pixels, 440, 300)
    assert boxes.shape[1:] == (4,)
    assert (boxes >= 0).all()
    assert (boxes <= 1).all()
    assert ((logits > np.float32(NOTHING)).sum(axis=1) <= 1).all()


def test_absent_weights_are_refused_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(coco_centernet, "WEIGHTS", tmp_path / "absent.safetensors")
    with pytest.raises(WeightsMissing) as refusal:
        coco_centernet.graph.__wrapped__()
    assert "Install" in refusal.value.remedy


@pytest.mark.skipif(not DATA.is_dir(), reason="PUGMARK_TEST_DATA does not point to the real pictures")
@pytest.mark.parametrize(("source", "name", "category"), [("coco128_val", "000000000785.jpg", 1)])
def test_a_person_on_a_photograph_is_its_best_box(source, name, category):
    picture = cv2.imread(str(DATA / source / "images" / name))[:, :, ::-1]
    view = PocketDetector.prepare(np.ascontiguousarray(picture)).coarse
    _, logits = peaks(view.pixels, view.width, view.height)
    assert np.unravel_index(logits.argmax(), logits.shape)[1] == category
