"""MegaDetector: our code around the package, RT-DETR against its training code, what crosses the wire."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from modal_backend.contracts import Category, Failure, Letterboxed, SpeciesGuess
from modal_backend.errors import BackendMisconfigured
from modal_backend.models import loaders
from modal_backend.models.detectors import megadetector, rtdetr
from modal_backend.models.detectors.prepare import prepare, threshold
from modal_backend.models.embeddings.checkpoint import fill
from modal_backend.registry import MODELS, Task, of_task
from modal_backend.remote import wire
from tests.support.random_weights import fill_by_name, published_layout, put, shapes_of

VERSION = "MDV6-apa-rtdetr-c"
# What the published training code answers with the weights of `apa_weights` and the input of the test below.
LOGITS = {
    0: [0.16277279, -0.74485046, -0.03459513],
    150: [0.10823144, -0.90654629, 0.03822708],
    299: [0.1992714, -0.61889952, -0.27438706],
}
BOXES = {
    0: [0.20746429, 0.06203264, 0.04656551, 0.05614508],
    150: [0.58473241, 0.03148521, 0.05811357, 0.04523509],
    299: [0.97644335, 0.10896243, 0.04649164, 0.06731444],
}


@pytest.fixture(scope="module")
def apa_weights() -> dict[str, torch.Tensor]:
    """Weights in the layout of the published file, decided by their names."""
    return fill_by_name(published_layout("mdv6-apa-rtdetr-c"), spread=0.05)


@pytest.fixture(scope="module")
def apa_mirror(apa_weights, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("apa")
    put(folder, MODELS["megadetector-apa-c"].files[0].path, {"ema": {"module": apa_weights}, "epoch": 20})
    return folder


@torch.inference_mode()
def test_rtdetr_gives_what_its_training_code_gives(apa_mirror):
    detector = rtdetr.RTDetr.load(apa_mirror / MODELS["megadetector-apa-c"].files[0].path, VERSION)
    values = (torch.arange(3 * 640 * 640).reshape(1, 3, 640, 640) % 251).float() / 250
    answer = detector.network(values)
    for query, expected in LOGITS.items():
        np.testing.assert_allclose(answer.logits[0, query].numpy(), expected, atol=2e-3)
        np.testing.assert_allclose(answer.pred_boxes[0, query].numpy(), BOXES[query], atol=1e-3)


@pytest.mark.parametrize(("version", "millions"), [("MDV6-apa-rtdetr-c", 20.1), ("MDV6-apa-rtdetr-e", 76.4)])
def test_the_published_layout_fills_the_network_of_each_version(version, millions):
    layout = published_layout(version.lower())
    with torch.device("meta"):
        network = rtdetr.network_of(version)
    state = {name: torch.empty(shape, device="meta") for name, shape in layout.items()}
    renamed = rtdetr.present_names({k: v for k, v in state.items() if not k.endswith("num_batches_tracked")})
    wanted = {name: shape for name, shape in shapes_of(network).items() if not name.endswith("num_batches_tracked")}
    kept = {name: tuple(value.shape) for name, value in renamed.items() if not name.startswith("decoder.")}
    assert kept == wanted
    assert sum(value.numel() for value in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.05)


def test_rtdetr_answers_with_boxes_inside_the_picture_best_first(apa_mirror, monkeypatch):
    monkeypatch.setenv("PUGMARK_WEIGHTS_DIR", str(apa_mirror))
    run, provenance = loaders.load("megadetector-apa-c", "embedded")
    pictures = [np.random.default_rng(seed).integers(0, 255, (300, 500, 3), np.uint8) for seed in range(2)]
    found = run([prepare("megadetector-apa-c", picture) for picture in pictures])
    for detections in found:
        assert 1 <= len(detections) <= 100
        assert [detection.confidence for detection in detections] == sorted(
            (detection.confidence for detection in detections), reverse=True
        )
        assert all(detection.confidence >= 0.005 for detection in detections)
        assert all(
            0 <= detection.box.x <= detection.box.x + detection.box.width <= 1.000001 for detection in detections
        )
        assert all(
            0 <= detection.box.y <= detection.box.y + detection.box.height <= 1.000001 for detection in detections
        )
        assert {detection.category for detection in detections} <= set(Category)
    alone = run([prepare("megadetector-apa-c", pictures[1])])[0]
    assert [detection.category for detection in alone[:20]] == [detection.category for detection in found[1][:20]]
    np.testing.assert_allclose(
        [detection.confidence for detection in alone], [detection.confidence for detection in found[1]], atol=2e-3
    )
    assert provenance.preprocessing == rtdetr.PREPROCESSING


def test_weights_of_another_network_do_not_fit(apa_weights):
    network = rtdetr.network_of(VERSION)
    renamed = rtdetr.present_names({k: v for k, v in apa_weights.items() if "dec_score_head.2" not in k})
    with pytest.raises(BackendMisconfigured, match="missing"):
        fill(network, renamed, VERSION, rtdetr.UNUSED)


@pytest.mark.parametrize(
    ("size", "scaled"), [((3000, 4000), (960, 1280)), ((4000, 3000), (1280, 960)), ((700, 1280), (700, 1280))]
)
def test_a_picture_is_scaled_to_its_long_side_and_keeps_its_own_size_for_the_boxes(size, scaled):
    picture = np.zeros((*size, 3), np.uint8)
    prepared = prepare("megadetector", picture)
    assert prepared.pixels.shape == (*scaled, 3)
    assert (prepared.height, prepared.width) == size


def test_a_small_picture_is_scaled_up_as_the_package_does():
    assert prepare("megadetector", np.zeros((120, 160, 3), np.uint8)).pixels.shape == (960, 1280, 3)
    assert prepare("megadetector-spruce", np.zeros((120, 160, 3), np.uint8)).pixels.shape == (480, 640, 3)


class Package:
    """The megadetector package's detector as far as our code uses it: pads, and answers with given boxes."""

    device = "cpu"

    def __init__(self, answers: list[dict[str, Any]]) -> None:
        self.model = torch.nn.Identity()
        self.answers = answers
        self.seen: list[Any] = []

    def preprocess_image(self, pixels: np.ndarray, image_id: str) -> dict[str, Any]:
        return {"file": image_id, "img_processed": pixels, "scaling_shape": pixels.shape, "img_original": pixels}

    def generate_detections_one_batch(self, inputs: list[Any], detection_threshold: float) -> list[dict[str, Any]]:
        self.seen.append((detection_threshold, [prepared["scaling_shape"] for prepared in inputs]))
        return [self.answers[0] for _ in inputs]


def boxes(*rows: tuple[str, float, list[float]]) -> dict[str, Any]:
    return {"detections": [{"category": kind, "conf": conf, "bbox": box} for kind, conf, box in rows]}


def test_the_packages_boxes_come_through_with_their_categories_from_the_raw_floor_up():
    answer = boxes(
        ("1", 0.9, [0.1, 0.2, 0.3, 0.4]),
        ("2", 0.95, [0.5, 0.5, 0.6, 0.2]),
        ("3", 0.01, [0, 0, 0.1, 0.1]),
        ("1", 0.004, [0, 0, 0.1, 0.1]),
        ("1", 0.5, [0.3, 0.3, 0.0, 0.1]),
    )
    package = Package([answer])
    detector = megadetector.MegaDetector(package, 1280)
    found = detector.detect_prepared([prepare("megadetector", np.zeros((2000, 3000, 3), np.uint8))])[0]
    assert [(detection.category, detection.confidence) for detection in found] == [
        (Category.PERSON, 0.95),
        (Category.ANIMAL, 0.9),
        (Category.VEHICLE, 0.01),
    ]
    assert found[0].box.x + found[0].box.width == 1.0
    assert package.seen == [(0.005, [(2000, 3000, 3)])]


def test_a_failure_of_the_package_is_a_failure_of_that_picture_and_an_unknown_category_is_an_error():
    prepared = prepare("megadetector", np.zeros((20, 30, 3), np.uint8))
    failed = megadetector.MegaDetector(Package([{"detections": None, "failure": "inference"}]), 1280)
    assert failed.detect_prepared([prepared]) == [Failure("MegaDetector: inference")]
    strange = megadetector.MegaDetector(Package([boxes(("4", 0.9, [0, 0, 1, 1]))]), 1280)
    assert isinstance(loaders.answer_each(strange.detect_prepared, [prepared])[0], Failure)


def test_without_the_package_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "megadetector", None)
    with pytest.raises(BackendMisconfigured) as caught:
        megadetector.MegaDetector.load(tmp_path / "md.pt", 1280)
    assert "pip install" in caught.value.remedy


def test_every_detector_has_a_threshold_and_every_other_model_none():
    for name in of_task(Task.DETECT):
        assert threshold(name) == MODELS[name].threshold
    assert (threshold("megadetector"), threshold("megadetector-redwood")) == (0.2, 0.3)
    with pytest.raises(BackendMisconfigured):
        threshold("rapid")
    with pytest.raises(BackendMisconfigured, match="no detector named"):
        prepare("tiger-reid", np.zeros((8, 8, 3), np.uint8))


def test_what_a_detector_is_sent_and_a_species_come_over_the_wire_unchanged():
    pixels = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)
    call = wire.pack_call([Letterboxed(pixels, 4000, 3000), pixels], "megadetector")
    letterboxed, picture = wire.unpack_call(call)
    assert np.array_equal(letterboxed.pixels, pixels)
    assert (letterboxed.width, letterboxed.height) == (4000, 3000)
    assert np.array_equal(picture, pixels)
    guess = SpeciesGuess(("uuid;mammalia;carnivora;felidae;panthera;tigris;tiger",), (0.97,))
    answer = wire.pack_answer([guess], loaders.load("rapid", "modal")[1], 0.1, 0.0)
    assert wire.unpack_answer(answer).values == [guess]
