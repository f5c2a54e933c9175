"""The networks behind the names: the published layout, the stated dimension, the library's own output."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from torchvision.models import resnet50

from modal_backend.errors import WeightsMissing
from modal_backend.models import loaders
from modal_backend.models.embeddings import dinov2, megadescriptor, miewid, part_pose, tiger_reid
from modal_backend.models.embeddings.checkpoint import fill, read_state
from modal_backend.models.embeddings.load import load as load_network
from modal_backend.registry import MODELS
from tests.support.random_weights import fill_by_name, put, shapes_of

CROPS = [np.random.default_rng(seed).integers(0, 255, (90 + 60 * seed, 200, 3), np.uint8) for seed in range(3)]
SMALL_ENOUGH = ["tiger-reid", "tiger-reid-tuned", "megadescriptor-t-224", "miewid", "dinov2", "cvwc2019"]


def published(name: str) -> dict[str, torch.Tensor]:
    """Random weights in the layout of the published file of a model."""
    with torch.device("meta"):
        network = {
            "tiger-reid": lambda: resnet50(weights=None),
            "tiger-reid-tuned": tiger_reid.BNNeck,
            "megadescriptor-t-224": lambda: timm.create_model("swin_tiny_patch4_window7_224"),
            "miewid": miewid.MiewID,
            "dinov2": lambda: dinov2.ClassToken().network,
            "cvwc2019": part_pose.GlobalStream,
        }[name]()
    shapes = shapes_of(network)
    match name:
        case "tiger-reid-tuned":
            del shapes["neck.bias"]
            return fill_by_name({**shapes, "classifier.weight": (107, 2048)}, seed=1)
        case "megadescriptor-t-224":
            return old_swin_names(fill_by_name(shapes))
        case "miewid":
            return fill_by_name({**shapes, "final.weight": (10, 2152), "final.bias": (10,)})
        case "dinov2":
            return old_dinov2_names(fill_by_name(shapes))
        case "cvwc2019":
            return fill_by_name({**shapes, "limbs.0.conv1.weight": (64, 3, 7, 7), "trunk_up.weight": (2048, 256)})
    return fill_by_name(shapes)


def old_swin_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """timm before 0.8, as MegaDescriptor was published: a stage ends with its downsampling; masks are stored."""
    found = {}
    for name, value in state.items():
        parts = name.split(".")
        if len(parts) > 2 and parts[2] == "downsample":
            parts[1] = str(int(parts[1]) - 1)
        found[".".join(parts).replace("head.fc.", "head.")] = value
    return {**found, "layers.0.blocks.1.attn_mask": torch.zeros(64, 49, 49)}


def old_dinov2_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    names = {"q_proj": "attention.query", "k_proj": "attention.key", "v_proj": "attention.value"}
    names["o_proj"] = "output.dense"
    found = {}
    for name, value in state.items():
        for new, old in names.items():
            name = name.replace(f"attention.{new}", f"attention.{old}")
        found[name] = value
    return found


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A mirror directory with random weights, named in the environment."""
    folder = tmp_path_factory.mktemp("mirror")
    for name in SMALL_ENOUGH:
        put(folder, MODELS[name].files[0].path, published(name))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUGMARK_WEIGHTS_DIR", str(folder))
        yield folder


@pytest.fixture(scope="module")
def vectors(mirror: Path) -> dict[str, np.ndarray]:
    """Every model's vectors of the three crops."""
    return {name: np.stack(loaders.load(name, "embedded")[0](CROPS)) for name in SMALL_ENOUGH}


@pytest.mark.parametrize("name", SMALL_ENOUGH)
def test_a_model_runs_from_a_mirror_and_gives_vectors_of_its_dimension_and_length_one(name, mirror, vectors):
    assert vectors[name].shape == (3, MODELS[name].dimension)
    assert vectors[name].dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors[name], axis=1), 1, atol=1e-5)
    assert np.abs(vectors[name][0] - vectors[name][1]).max() > 1e-6


@pytest.mark.parametrize("name", SMALL_ENOUGH)
def test_a_crop_gets_the_same_vector_again_and_alone(name, mirror, vectors):
    run, provenance = loaders.load(name, "embedded")
    assert float(run(CROPS[1:2])[0] @ vectors[name][1]) > 0.999999
    assert len(provenance.weights_sha256) == 64
    assert provenance.model == name
    assert "own" in provenance.version
    assert str(MODELS[name].dimension) or provenance.preprocessing


def test_evaluation_mode_cannot_be_lost(mirror):
    model = load_network(MODELS["tiger-reid-tuned"], mirror / MODELS["tiger-reid-tuned"].files[0].path)
    before = model.embed(CROPS[:1])
    model.network.train()
    np.testing.assert_array_equal(model.embed(CROPS[:1]), before)
    assert not any(part.training for part in model.network.modules())


def test_two_models_never_share_a_network(mirror, vectors):
    loaded = [
        load_network(MODELS[name], mirror / MODELS[name].files[0].path)
        for name in ("tiger-reid", "tiger-reid-tuned", "cvwc2019")
    ]
    places = [{value.data_ptr() for value in model.network.state_dict().values() if value.numel()} for model in loaded]
    assert not places[0] & places[1]
    assert not places[1] & places[2]
    assert len({sum(value.numel() for value in model.network.parameters()) for model in loaded}) == 3
    for first, second in (("tiger-reid", "tiger-reid-tuned"), ("tiger-reid", "cvwc2019")):
        assert abs(float(vectors[first][0] @ vectors[second][0])) < 0.99
    files = [entry.files[0].path for entry in MODELS.values() if entry.files]
    assert len(set(files)) == len(files)


def library_input(side: int, filter: Image.Resampling) -> torch.Tensor:
    from torchvision.transforms import v2

    chain = v2.Compose(
        [
            v2.Resize((side, side), interpolation=filter),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    return torch.stack([chain(Image.fromarray(crop)) for crop in CROPS])


def cosines(ours: np.ndarray, theirs: torch.Tensor) -> float:
    library = torch.nn.functional.normalize(theirs.float(), dim=1).numpy()
    return float((ours * library).sum(axis=1).min())


@torch.inference_mode()
def test_tiger_reid_is_torchvisions_resnet50(mirror, vectors):
    theirs = resnet50(weights=None)
    theirs.load_state_dict(published("tiger-reid"))
    theirs.fc = torch.nn.Identity()
    assert cosines(vectors["tiger-reid"], theirs.eval()(library_input(224, Image.Resampling.BILINEAR))) > 0.999999


@torch.inference_mode()
def test_megadescriptor_is_timms_swin_through_timms_own_loading(mirror, vectors):
    theirs = timm.create_model(
        "swin_tiny_patch4_window7_224",
        num_classes=0,
        pretrained=True,
        pretrained_cfg_overlay={
            "file": str(mirror / MODELS["megadescriptor-t-224"].files[0].path),
            "num_classes": 1000,
        },
    )
    values = library_input(224, Image.Resampling.BILINEAR)
    assert cosines(vectors["megadescriptor-t-224"], theirs.eval()(values)) > 0.999999


@torch.inference_mode()
def test_dinov2_is_transformers_dinov2_through_its_own_loading(mirror, vectors, tmp_path):
    from transformers import Dinov2Config, Dinov2Model

    config = Dinov2Config(hidden_size=384, num_hidden_layers=12, num_attention_heads=6, image_size=518, patch_size=14)
    config.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes((mirror / MODELS["dinov2"].files[0].path).read_bytes())
    theirs = Dinov2Model.from_pretrained(tmp_path).eval()
    found = theirs(library_input(224, Image.Resampling.BICUBIC)).pooler_output
    assert cosines(vectors["dinov2"], found) > 0.999999


@pytest.mark.parametrize(
    ("version", "dimension", "millions"), [("L-384", 1536, 195.2), ("B-224", 1024, 86.7), ("T-224", 768, 27.5)]
)
def test_megadescriptors_sizes(version, dimension, millions):
    with torch.device("meta"):
        network = megadescriptor.network_of(version)
    assert network.num_features == dimension == megadescriptor.ARCHITECTURES[version][2]
    assert sum(value.numel() for value in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.1)
    shapes = shapes_of(network)
    assert megadescriptor.present_names(dict.fromkeys(shapes)) == dict.fromkeys(shapes)
    old = {name.replace("layers.1.down", "layers.0.down"): None for name in shapes if "layers.1.down" in name}
    assert set(megadescriptor.present_names(old)) == {name for name in shapes if "layers.1.down" in name}


def test_miewid_has_the_published_size_and_pools_by_its_learnt_power(mirror):
    with torch.device("meta"):
        network = miewid.MiewID()
    assert sum(value.numel() for value in network.parameters()) / 1e6 == pytest.approx(51.1, abs=0.05)
    pool = miewid.GeneralisedMean()
    pool.p.data.fill_(1.0)
    assert pool(torch.tensor([[[[1.0, 3.0]]]])).item() == pytest.approx(2.0)
    pool.p.data.fill_(20.0)
    assert pool(torch.tensor([[[[0.1, 0.3]]]])).item() == pytest.approx(0.3, rel=0.05)


def test_part_pose_keeps_resolution_and_loads_without_its_training_streams(mirror):
    with torch.device("meta"):
        whole, stream = part_pose.PartPose(), part_pose.GlobalStream()
    assert stream.base.layer4[0].conv2.stride == stream.base.layer4[0].downsample[0].stride == (1, 1)
    assert set(shapes_of(stream)) < set(shapes_of(whole))
    model = load_network(MODELS["cvwc2019"], mirror / MODELS["cvwc2019"].files[0].path)
    assert set(shapes_of(model.network)) == set(shapes_of(stream))
    assert str(model.preprocessing).startswith("squash 256x512")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("layer1.0.conv1.weight"), r"1 missing \(layer1\.0\.conv1\.weight\)"),
        (lambda state: state.update(surprise=torch.zeros(2)), r"1 unknown \(surprise\)"),
        (lambda state: state.update({"conv1.weight": torch.zeros(64, 1, 7, 7)}), "of another shape"),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(tmp_path, change, message):
    with torch.device("meta"):
        shapes = shapes_of(resnet50(weights=None))
    state = {name: torch.zeros(shape) for name, shape in shapes.items()}
    change(state)
    torch.save(state, tmp_path / "net.pth")
    with pytest.raises(WeightsMissing, match=message):
        tiger_reid.load_imagenet(tmp_path / "net.pth")


class Surprise:
    def __reduce__(self):
        return (Path("/tmp/pugmark-was-run").touch, ())


@pytest.mark.parametrize("content", [b"", b"not weights at all", pickle.dumps(Surprise()), pickle.dumps({"a": 1})])
def test_a_file_that_holds_no_weights_is_refused_and_no_code_in_it_is_run(tmp_path, content):
    for name in ("net.pth", "net.safetensors"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(WeightsMissing):
            read_state(tmp_path / name)
    assert not Path("/tmp/pugmark-was-run").exists()


def test_a_training_checkpoint_is_unwrapped(tmp_path):
    layer = torch.nn.Linear(2, 2)
    torch.save(
        {"epoch": 3, "ema": {"module": {f"module.{k}": v for k, v in layer.state_dict().items()}}}, tmp_path / "a.pth"
    )
    other = torch.nn.Linear(2, 2)
    fill(other, read_state(tmp_path / "a.pth"), "a layer")
    assert torch.equal(other.weight, layer.weight)


def test_a_model_without_weights_says_which_file_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PUGMARK_WEIGHTS_DIR", str(tmp_path))
    for name, entry in MODELS.items():
        if entry.files:
            with pytest.raises(WeightsMissing) as caught:
                loaders.load(name, "embedded")
            assert entry.files[0].path in str(caught.value)
            assert caught.value.remedy


def test_damaged_weights_are_never_loaded(mirror, tmp_path, monkeypatch):
    import shutil

    path = MODELS["tiger-reid"].files[0].path
    (tmp_path / "tiger-reid").mkdir()
    shutil.copy(mirror / path, tmp_path / path)
    shutil.copy(mirror / "SHA256SUMS", tmp_path / "SHA256SUMS")
    monkeypatch.setenv("PUGMARK_WEIGHTS_DIR", str(tmp_path))
    loaders.load("tiger-reid", "embedded")
    with (tmp_path / path).open("r+b") as file:
        file.seek(5_000_000)
        file.write(b"\x01")
    with pytest.raises(WeightsMissing, match="is not the file it should be"):
        loaders.load("tiger-reid", "embedded")
