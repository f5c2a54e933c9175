"""What the pocket detector is trained towards, on a few drawn boxes: no training run, no picture."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from modal_backend.models.detectors.agreement import confidences, joined
from modal_backend.models.detectors.coco import Opinion
from modal_backend.training.box_head import BoxHead
from modal_backend.training.pocket_detector_augment import framed, weathered
from modal_backend.training.pocket_detector_calibrate import Answer, calibrated, figures
from modal_backend.training.pocket_detector_data import Sample, read_sources
from modal_backend.training.pocket_detector_fit import loss_of, targets_of

ALL, ANIMALS_ONLY = np.array([True, True, True]), np.array([True, False, False])
PERSON = np.array([[100, 100, 200, 300, 1]], np.float32)
NOTHING = np.zeros((0, 5), np.float32)
SILENT = Opinion(np.zeros((0, 4), np.float32), np.zeros((0, 3), np.float32), np.float32(-4))


def answer_of(logits: tuple[float, float, float]) -> torch.Tensor:
    answer = torch.zeros(1, 7, 24, 32)
    answer[0, :3] = torch.tensor(logits)[:, None, None]
    return answer.requires_grad_()


def test_a_category_that_was_not_marked_is_never_background():
    targets = targets_of(NOTHING, ANIMALS_ONLY)
    assert targets.weight[0].min() == 1
    assert targets.weight[1:].max() == 0
    answer = answer_of((0.0, 3.0, 3.0))
    loss_of(answer, [(targets, NOTHING)]).backward()
    assert answer.grad is not None
    assert answer.grad[0, 0].abs().min() > 0
    assert answer.grad[0, 1:3].abs().max() == 0


def test_where_everything_was_marked_an_empty_cell_is_background_for_every_category():
    answer = answer_of((3.0, 3.0, 3.0))
    loss_of(answer, [(targets_of(NOTHING, ALL), NOTHING)]).backward()
    assert answer.grad is not None
    assert (answer.grad[0, :3] > 0).all()


def test_a_cell_in_the_middle_of_a_person_is_a_person_and_neither_animal_nor_vehicle():
    targets = targets_of(PERSON, ANIMALS_ONLY)
    assert targets.owner[12, 9] == 0
    assert targets.weight[:, 12, 9].tolist() == [1, 1, 1]
    answer = answer_of((-4.0, -4.0, -4.0))
    loss_of(answer, [(targets, PERSON)]).backward()
    assert answer.grad is not None
    animal, person, vehicle = answer.grad[0, :3, 12, 9]
    assert animal > 0
    assert vehicle > 0
    assert person < 0


def test_framing_and_night_keep_the_category_of_a_box():
    picture = np.full((400, 500, 3), 90, np.uint8)
    for seed in range(8):
        rng = np.random.default_rng(seed)
        drawn, boxes = framed(picture, PERSON, rng, (0.9, 1.1))
        night = weathered(drawn, boxes, rng, night=1.0)
        assert night.shape == (384, 512, 3)
        assert set(boxes[:, 4]) <= {1}
        assert (boxes[:, :4] >= 0).all()
        assert (boxes[:, 2] <= 512).all()
        assert (boxes[:, 3] <= 384).all()


def test_sources_say_what_they_marked(tmp_path):
    for name, categories in (("one", [(1, "animal")]), ("three", [(5, "animal"), (6, "person"), (7, "vehicle")])):
        (tmp_path / name).mkdir()
        images = [{"id": 1, "file_name": "a.jpg", "width": 10, "height": 10}]
        notes = [{"image_id": 1, "category_id": categories[-1][0], "bbox": [1, 2, 3, 4]}]
        info = {"use": "train" if name == "three" else "test", "licence": "MIT"}
        kinds = [{"id": number, "name": label} for number, label in categories]
        document = {"info": info, "images": images, "annotations": notes, "categories": kinds}
        (tmp_path / name / "annotations.json").write_text(json.dumps(document))
    (sample,), licences = read_sources(tmp_path)
    assert licences == {"three": "MIT"}
    assert sample.labelled == (True, True, True)
    assert sample.boxes.tolist() == [[1, 2, 4, 6, 2]]
    (other,), _ = read_sources(tmp_path, "test")
    assert other.labelled == (True, False, False)


def test_confidences_are_the_rate_of_hits_and_a_wrong_category_is_none(tmp_path):
    right = np.array([[0.25, 0.25, 0.5, 0.75]], np.float32)
    samples, found = [], []
    for number in range(120):
        kind = number % 3
        boxes = np.array([[100, 100, 200, 300, kind]], np.float32)
        samples.append(Sample("x", tmp_path, boxes, (True, True, True), 0, (400, 400)))
        logits = np.full((1, 3), -3, np.float32)
        logits[0, kind] = 2
        found.append(joined((right if number // 3 % 4 else right + 0.3, logits), [SILENT, SILENT]))
    evidence = found[2][1]
    assert confidences(evidence, calibrated(found, samples))[0, 2] == pytest.approx(0.75, abs=0.03)
    samples = samples[1:]
    taken = Answer(samples[0], np.array([0]), np.array([1.0]), np.array([0.9]), np.array([[1.0]]))
    assert figures([taken], 0, 0.5)["confused"] == 1
    assert figures([taken], 1, 0.5)["recall50"] == 0


def test_a_head_answers_for_every_cell_with_three_logits_and_four_distances():
    maps = [torch.zeros(1, 48, 48, 64), torch.zeros(1, 120, 24, 32), torch.zeros(1, 1280, 12, 16)]
    assert BoxHead()(*maps).shape == (1, 7, 24, 32)
