"""The pocket detector answers the same picture the same way, and finds real animals where real pictures are at hand."""

from __future__ import annotations

import json
import os
from dataclasses import astuple
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import app.sample
from app.evaluation.detection import evaluate_detection
from app.exchange import megadetector_json as lila
from app.survey.detections.boxes import counts_from
from modal_backend.contracts import Category
from modal_backend.errors import WeightsMissing
from modal_backend.models.detectors import efficientnet_lite
from modal_backend.models.detectors.coded import decoded
from modal_backend.models.detectors.pocket_detector import (
    HEAD_GRAPH,
    WEIGHTS,
    PocketDetector,
    candidates,
    detections_of,
    features_of,
    halved_inside,
    kept_boxes,
    read_heads,
)
from modal_backend.models.detectors.prepare import threshold
from modal_backend.models.onnx_graph import Graph, normalised
from modal_backend.registry import DETECTOR
from modal_backend.remote import wire
from modal_backend.training.backbone import Features
from tests.support.box_heads import head_with

THRESHOLD = threshold(DETECTOR)
SAMPLE = Path(app.sample.__file__).with_name("shipped")
DATA = Path(os.environ.get("PUGMARK_TEST_DATA", "/nowhere")) / "detection"


@pytest.fixture(scope="module")
def detector():
    return PocketDetector.load()


def scene(width=1600, height=1200, seed=0):
    """A generated picture: grass-like noise, a bright ground, and a dark four-legged shape on it."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 160, (height // 40, width // 40, 3)).astype(np.uint8)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    x, y, s = width // 2, int(height * 0.6), width // 10
    cv2.ellipse(picture, (x, y), (2 * s, s), 0, 0, 360, (70, 50, 40), -1)
    cv2.circle(picture, (x + 2 * s, y - s), s * 2 // 3, (80, 60, 50), -1)
    for leg in (-3, -2, 2, 3):
        cv2.line(picture, (x + leg * s // 2, y), (x + leg * s // 2, y + 2 * s), (60, 45, 35), s // 3)
    return picture


def rows(detections):
    return np.array([[d.confidence, d.box.x, d.box.y, d.box.width, d.box.height] for d in detections])


def test_absent_weights_are_refused_with_what_to_do(tmp_path):
    with pytest.raises(WeightsMissing) as refusal:
        PocketDetector.load(tmp_path / "absent.safetensors")
    assert "Install" in refusal.value.remedy


def test_changed_weights_are_refused(tmp_path):
    changed = bytearray(WEIGHTS.read_bytes())
    changed[-1] ^= 1
    file = tmp_path / "changed.safetensors"
    file.write_bytes(changed)
    with pytest.raises(WeightsMissing, match="not the published"):
        PocketDetector.load(file)


def test_provenance_names_version_weights_and_preprocessing(detector):
    assert detector.version
    assert len(detector.weights_sha256) == 64
    assert detector.preprocessing.startswith("letterbox-")


def test_a_picture_gets_the_same_boxes_alone_and_in_a_batch(detector):
    drawn = sorted(SAMPLE.rglob("*.JPG"))[:2]
    pictures = [*(decoded(file.read_bytes()) for file in drawn), scene(640, 360, 2)]
    together = detector.detect(pictures)
    assert together[0]
    for picture, expected in zip(pictures, together, strict=True):
        alone = detector.detect([picture])[0]
        assert rows(alone) == pytest.approx(rows(expected), abs=1e-4)


def test_boxes_lie_inside_the_picture_and_come_best_first(detector):
    for detections in detector.detect([scene(), scene(301, 1000, 3), scene(2000, 250, 4)]):
        assert len(detections) <= 100
        confidences = [d.confidence for d in detections]
        assert confidences == sorted(confidences, reverse=True)
        for d in detections:
            assert d.category in Category
            assert PocketDetector.RAW_FLOOR <= d.confidence <= 1
            assert min(d.box.x, d.box.y) >= 0
            assert min(d.box.width, d.box.height) > 0
            assert max(d.box.x + d.box.width, d.box.y + d.box.height) <= 1 + 1e-9


def test_grey_and_noise_hold_no_animal(detector):
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (480, 640, 3)).astype(np.uint8)
    for detections in detector.detect([noise, np.full((600, 800, 3), 90, np.uint8), np.zeros((480, 640, 3), np.uint8)]):
        assert all(d.confidence < counts_from(d.category, THRESHOLD) for d in detections)


def test_a_picture_decoded_at_half_size_gets_nearly_the_same_boxes(detector):
    full = scene(2560, 1920)
    half = cv2.resize(full, (1280, 960), interpolation=cv2.INTER_AREA)
    whole, halved = (rows(found)[:1] for found in detector.detect([full, half]))
    assert whole[:, 0] == pytest.approx(halved[:, 0], abs=0.05)
    assert whole[:, 1:] == pytest.approx(halved[:, 1:], abs=0.02)


def test_prepare_keeps_the_aspect_and_pads_to_whole_cells():
    prepared = PocketDetector.prepare(scene(1600, 900))
    assert prepared.fine.pixels.shape == (448, 768, 3)
    assert (prepared.fine.width, prepared.fine.height) == (768, 432)
    assert (prepared.fine.pixels[432:] == 127).all()
    assert prepared.coarse.pixels.shape == (256, 448, 3)


def test_looking_closer_adds_a_larger_picture_that_answers_for_small_boxes_alone():
    prepared = PocketDetector.prepare(scene(1600, 900), closer=True)
    assert prepared.close is not None
    assert prepared.close.pixels.shape == (736, 1280, 3)
    nothing = [np.full((1, 7, 4, 4), -20, np.float32) for _ in range(2)]
    close = np.full((1, 7, 23, 40), -20, np.float32)
    close[0, 3:] = np.log(4.0)
    close[0, 0, 10, 20], close[0, 1, 10, 30] = 3.0, 3.0
    close[0, 3:, 10, 30] = np.log(20.0)
    boxes, logits = candidates(nothing[0], nothing[1], prepared, close)
    sure = logits.max(axis=1) > 0
    assert logits[sure].argmax(axis=1).tolist() == [0]
    assert (boxes[sure, 2] - boxes[sure, 0]).tolist() == pytest.approx([128 / 1280])


def test_a_picture_to_be_looked_at_closer_comes_over_the_wire_unchanged():
    for closer in (False, True):
        sent = PocketDetector.prepare(scene(400, 300), closer=closer)
        (there,) = wire.unpack_call(wire.pack_call([sent]))
        assert (there.close is None) == (not closer)
        assert np.array_equal(there.coarse.pixels, sent.coarse.pixels)
        assert not closer or np.array_equal(there.close.pixels, sent.close.pixels)
    assert "close" not in wire.pack_call([PocketDetector.prepare(scene(400, 300))])["inputs"][0]["fields"]


def test_of_two_boxes_on_one_animal_the_better_stays():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30]], np.float32)
    assert kept_boxes(boxes, np.array([0.5, 0.9, 0.1], np.float32), np.zeros(3, int)) == [1, 2]


def test_a_person_on_a_bicycle_keeps_a_box_beside_that_of_the_bicycle():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 10, 7]], np.float32)
    scores = np.array([0.9, 0.5], np.float32)
    assert kept_boxes(boxes, scores, np.array([2, 1])) == [0, 1]
    assert kept_boxes(boxes, scores, np.array([1, 1])) == [0]
    assert halved_inside(boxes, scores.astype(float), np.array([2, 1]), [0, 1])[1][1] == pytest.approx(0.5)


def test_a_box_inside_a_better_one_of_its_kind_is_half_as_sure():
    boxes = np.array([[0, 0, 10, 10], [1, 1, 5, 5]], np.float32)
    halved = halved_inside(boxes, np.array([0.9, 0.5]), np.zeros(2, int), [0, 1])
    assert halved == [(0, 0.9), (1, 0.25)]


def test_onnx_runtime_answers_as_torch_does():
    heads, _, _ = read_heads(WEIGHTS)
    head = head_with(heads[0])
    prepared = PocketDetector.prepare(scene(640, 480))
    for view in (prepared.fine, prepared.coarse):
        pixels = torch.from_numpy(normalised([view.pixels], efficientnet_lite.MEAN, efficientnet_lite.SCALE))
        with torch.inference_mode():
            expected = Features()(pixels)
            answer = head(*expected)
        maps = features_of(view)
        for ours, theirs in zip(maps, expected, strict=True):
            np.testing.assert_allclose(ours, theirs.numpy(), atol=max(1e-4, 1e-5 * float(theirs.max())))
        np.testing.assert_allclose(Graph(HEAD_GRAPH, heads[0])(*maps)[0], answer.numpy(), atol=1e-4)


def test_the_most_likely_category_with_its_own_calibration_names_a_box():
    boxes = np.array([[0.1, 0.1, 0.4, 0.4], [0.5, 0.5, 0.9, 0.9]], np.float32)
    evidence = np.zeros((2, 3, 4), np.float32)
    evidence[:, :, 0] = [[0.0, 1.0, -5.0], [0.0, -1.0, -5.0]]
    found = detections_of(boxes, evidence, np.array([[1.0, 1, 1, 1, 0], [2.0, 1, 1, 1, 0], [1.0, 1, 1, 1, 0]]))
    assert [(d.category, d.confidence) for d in found] == [(Category.PERSON, 0.8808), (Category.ANIMAL, 0.5)]


def scored(detector, source, limit):
    truth = json.loads((DATA / source / "annotations.json").read_text())
    truth["images"] = truth["images"][:limit]
    names = {image["id"] for image in truth["images"]}
    truth["annotations"] = [note for note in truth["annotations"] if note["image_id"] in names]
    answers = []
    for image in truth["images"]:
        picture = cv2.imread(str(DATA / source / "images" / image["file_name"]))[:, :, ::-1]
        found = detector.detect([np.ascontiguousarray(picture)])[0]
        boxes = [lila.detection(d.category, d.confidence, *astuple(d.box)) for d in found]
        answers.append({"file": image["file_name"], "detections": boxes})
    threshold = {"detector_metadata": {"typical_detection_threshold": THRESHOLD}}
    return evaluate_detection({"info": threshold, "images": answers}, truth)


@pytest.mark.skipif(not DATA.is_dir(), reason="PUGMARK_TEST_DATA does not point to the real pictures")
@pytest.mark.parametrize(
    ("source", "pictures", "floor"),
    [
        ("hand_trailfox", 12, 0.85),
        pytest.param("hand_trailfox", 25, 0.85, marks=pytest.mark.benchmark),
        pytest.param("hand_biowatch", 25, 0.65, marks=pytest.mark.benchmark),
        pytest.param("kangaroo", 25, 0.5, marks=pytest.mark.benchmark),
    ],
)
def test_real_animals_of_sources_never_trained_on_are_found(detector, source, pictures, floor):
    score = scored(detector, source, pictures)
    assert score["ap50"] >= floor
    assert score["false_per_picture"] <= 0.8


@pytest.mark.skipif(not DATA.is_dir(), reason="PUGMARK_TEST_DATA does not point to the real pictures")
@pytest.mark.parametrize("pictures", [12, pytest.param(25, marks=pytest.mark.benchmark)])
def test_real_scenes_without_animals_seldom_get_a_box(detector, pictures):
    assert scored(detector, "empty_tracks", pictures)["empty_with_box"] <= 0.25
