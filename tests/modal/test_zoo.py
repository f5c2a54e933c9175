"""The zoo on Modal: the same crop gives the same vector there and here, by weights in the Volume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from torchvision.models import resnet50

from modal_backend.client import ModalBackend, Options
from modal_backend.contracts import PairQuestion
from modal_backend.embedded import EmbeddedBackend
from modal_backend.errors import BackendMisconfigured, WeightsMissing
from modal_backend.models.detectors import rtdetr
from modal_backend.models.detectors.prepare import prepare
from modal_backend.models.stamps.reader import strips_of
from modal_backend.registry import MODELS, STAMPS
from tests.modal.local_modal import ROOT
from tests.modal.modal_server import LocalModal
from tests.support.burnt_in import burnt_in
from tests.support.random_weights import fill_by_name, put, shapes_of

APP = "pugmark-zoo"
CROP = np.random.default_rng(4).integers(0, 255, (120, 200, 3), np.uint8)


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stands for the Volume: the smallest networks with random weights."""
    folder = tmp_path_factory.mktemp("volume")
    with torch.device("meta"):
        small = {
            "tiger-reid": resnet50(weights=None),
            "megadescriptor-t-224": timm.create_model("swin_tiny_patch4_window7_224", num_classes=0),
        }
        shapes_of(rtdetr.network_of("MDV6-apa-rtdetr-c"))
    for name, network in small.items():
        put(folder, MODELS[name].files[0].path, fill_by_name(shapes_of(network)))
    return folder


@pytest.fixture
def zoo(plane: LocalModal, volume: Path, monkeypatch: pytest.MonkeyPatch) -> ModalBackend:
    """The app, deployed with its Volume at a folder of this machine."""
    monkeypatch.setenv("PUGMARK_WEIGHTS_DIR", str(volume))
    if f"main/{APP}" not in plane.state()["apps"]:
        plane.deploy("modal_backend.modal_app", ROOT, MODAL_APP_NAME=APP, PUGMARK_MODAL_WEIGHTS=str(volume))
    return ModalBackend(Options(app_name=APP, timeout=60))


@pytest.mark.parametrize("model", ["tiger-reid", "megadescriptor-t-224"])
def test_a_crop_gets_the_same_vector_embedded_and_on_modal(zoo, model):
    here = EmbeddedBackend().call(model, [CROP])
    there = zoo.call(model, [CROP])
    assert float(here.values[0] @ there.values[0]) > 0.9999
    assert there.values[0].shape == (MODELS[model].dimension,)
    assert there.provenance.backend == "modal"
    assert (there.provenance.model, there.provenance.weights_sha256) == (model, here.provenance.weights_sha256)


def test_a_bar_is_read_the_same_embedded_and_on_modal(zoo):
    strips = strips_of(burnt_in(np.full((480, 640, 3), 90, np.uint8), 5001)[0])
    here, there = (backend.call(STAMPS, [strips]) for backend in (EmbeddedBackend(), zoo))
    assert here.values[0].lines
    assert there.values == here.values
    assert there.provenance.weights_sha256 == here.provenance.weights_sha256


def test_the_matcher_finds_the_same_points_and_matches_embedded_and_on_modal(zoo):
    here = EmbeddedBackend()
    described = [backend.call("xfeat", [CROP, CROP[:, ::-1].copy()]) for backend in (here, zoo)]
    for mine, theirs in zip(described[0].values, described[1].values, strict=True):
        assert np.allclose(mine.points, theirs.points, atol=1e-3)
        assert np.abs(mine.descriptors.astype(int) - theirs.descriptors.astype(int)).max() <= 1
    question = PairQuestion(described[0].values[0], described[0].values)
    found = [backend.call("lighterglue", [question]).values[0] for backend in (here, zoo)]
    for mine, theirs in zip(*found, strict=True):
        assert mine.pairs.tolist() == theirs.pairs.tolist()
        assert np.allclose(mine.confidence, theirs.confidence, atol=1e-4)
    assert len(found[0][0].pairs) > 100
    assert described[1].provenance.backend == "modal"
    assert described[1].provenance.weights_sha256 == described[0].provenance.weights_sha256


def test_the_app_tells_which_weights_are_there(zoo):
    assert zoo.weights_there() == ["tiger-reid", "megadescriptor-t-224"]


def test_a_class_keeps_what_is_missing_apart_from_what_is_there(zoo):
    with pytest.raises(WeightsMissing, match="MegaDescriptor-L-384") as caught:
        zoo.call("megadescriptor", [CROP])
    assert "download_weights" in caught.value.remedy
    assert zoo.call("megadescriptor-t-224", [CROP]).values[0].shape == (768,)


def test_a_model_is_not_answered_by_the_class_of_another(zoo):
    from modal_backend.remote import wire
    from modal_backend.remote.serving import Served

    answer = Served("rapid").answer([wire.pack_call([CROP], "tiger-reid")])[0]
    with pytest.raises(BackendMisconfigured, match="knows no model tiger-reid here"):
        wire.unpack_answer(answer)
    assert prepare("megadetector-apa-c", CROP).shape == (640, 640, 3)
