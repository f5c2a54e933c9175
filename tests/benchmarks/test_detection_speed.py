"""Detection of prepared pictures through ONNX Runtime against the same networks by torch, on one core each.

Pictures take turns, and CPU time is compared, so that a busy machine slows both alike. Budget: 1.9 times as fast, with
the same boxes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import zip_longest

import numpy as np
import pytest
import torch
from PIL import Image
from torch.fx.experimental import optimization

from modal_backend.contracts import Box, Detection
from modal_backend.models.detectors import efficientnet_lite
from modal_backend.models.detectors.agreement import joined
from modal_backend.models.detectors.pocket_detector import (
    WEIGHTS,
    PocketDetector,
    Prepared,
    View,
    candidates,
    detections_of,
    other_opinions,
    read_heads,
)
from modal_backend.models.onnx_graph import normalised
from modal_backend.training.backbone import Features
from tests.support.box_heads import head_with
from tests.support.scenes import sample_folder

PICTURES, ROUNDS = 4, 3
BUDGET, SAME_PLACE, SAME_CONFIDENCE = 1.9, 0.99, 0.01


def by_torch() -> Callable[[Prepared], list[Detection]]:
    """The detector as it ran before ONNX Runtime; the networks trained on COCO are the same in both."""
    network = optimization.fuse(Features())
    weights, calibrations, _ = read_heads(WEIGHTS)
    heads = [head_with(part) for part in weights]

    @torch.inference_mode()
    def answer(view: View) -> np.ndarray:
        pixels = normalised([view.pixels], efficientnet_lite.MEAN, efficientnet_lite.SCALE)
        maps = network(torch.from_numpy(pixels))
        return torch.stack([head(*maps) for head in heads]).mean(0).numpy()

    def detect(prepared: Prepared) -> list[Detection]:
        ours = candidates(answer(prepared.fine), answer(prepared.coarse), prepared)
        return detections_of(*joined(ours, other_opinions(prepared)), calibrations)

    return detect


def overlap(box: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(box.x + box.width, other.x + other.width) - max(box.x, other.x)
    height = min(box.y + box.height, other.y + other.height) - max(box.y, other.y)
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (box.width * box.height + other.width * other.height - shared)


def cpu_seconds(detect: Callable[[Prepared], list[Detection]], prepared: Prepared) -> float:
    start = time.thread_time()
    detect(prepared)
    return time.thread_time() - start


@pytest.fixture
def one_thread():
    """Torch with one thread, as ONNX Runtime has it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.benchmark
@pytest.mark.quick
@pytest.mark.usefixtures("one_thread")
def test_detection_is_faster_than_by_torch_with_the_same_boxes(measured):
    scenes = sorted(sample_folder().rglob("*.JPG"))[:PICTURES]
    prepared = [PocketDetector.prepare(np.asarray(Image.open(path).convert("RGB"))) for path in scenes]
    detector, reference = PocketDetector.load(), by_torch()
    for picture in prepared:
        for found, expected in zip_longest(detector.detect_prepared([picture])[0], reference(picture)):
            assert found.category == expected.category
            assert overlap(found.box, expected.box) > SAME_PLACE
            assert abs(found.confidence - expected.confidence) < SAME_CONFIDENCE
    ratios, times = [], []
    for picture in prepared * ROUNDS:
        slow = cpu_seconds(reference, picture)
        times.append(cpu_seconds(lambda shown: detector.detect_prepared([shown])[0], picture))
        ratios.append(slow / times[-1])
    measured("detection of a prepared picture, CPU time", 1000 * float(np.median(times)), "ms")
    measured("times as fast as by torch", float(np.median(ratios)), at_least=BUDGET)
    assert np.median(ratios) >= BUDGET
