"""The training recipe on a tiny drawn set: the loss falls, it goes on where it stopped, the checkpoint is used."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from PIL import Image

from modal_backend.contracts import Picture
from modal_backend.models import loaders
from modal_backend.models.embeddings import parts
from modal_backend.registry import MODELS
from modal_backend.training import reid_networks
from modal_backend.training.reid import Recipe, fit, publish
from modal_backend.training.reid_data import (
    Sample,
    UnusableFolder,
    identity_batches,
    picture_of,
    read_folder,
    split,
    varied,
)

RECIPE = Recipe(epochs=3, identities=4, each=4, rate=3e-4, height=64, width=64)


def coat(identity: int, seed: int) -> Picture:
    """A striped picture: an identity is an angle and a width of stripes."""
    random = np.random.default_rng([identity, seed])
    y, x = np.mgrid[0:64, 0:96]
    angle = identity * np.pi / 4
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * (0.35 + 0.1 * identity) + random.uniform(0, 6))
    colour = np.array([210, 140, 70]) * random.uniform(0.8, 1.1)
    return np.clip(colour * (0.6 + 0.4 * wave[..., None]) + random.normal(0, 12, (64, 96, 1)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four identities, three clips of two pictures each."""
    root = tmp_path_factory.mktemp("tigers")
    with (root / "identities.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "identity", "clip", "flank"])
        for identity in range(4):
            for number in range(6):
                name = f"{identity}-{number}.png"
                Image.fromarray(coat(identity, number)).save(root / name)
                rows.writerow([name, f"T{identity // 2}", f"c{number // 2}", ("left", "right")[identity % 2]])
    return root


def test_the_two_flanks_of_an_animal_are_different_identities_and_no_clip_is_on_both_sides(folder):
    samples = read_folder(folder)
    assert {sample.identity for sample in samples} == {"T0 left", "T0 right", "T1 left", "T1 right"}
    train, held = split(samples)
    assert len(train) + len(held) == len(samples)
    assert held
    assert not {sample.clip for sample in train} & {sample.clip for sample in held}
    assert {sample.identity for sample in train} == {sample.identity for sample in samples}


def test_batches_hold_as_many_pictures_of_every_identity(folder):
    train, _ = split(read_folder(folder))
    for batch in identity_batches(train, 2, 3, seed=1):
        labels = [label for _, label in batch]
        assert sorted(labels.count(label) for label in set(labels)) == [3, 3]
        assert all(sample.identity == other.identity for sample, a in batch for other, b in batch if a == b)


def test_nothing_is_mirrored():
    ramp = np.tile(np.linspace(0, 255, 100).astype(np.uint8)[None, :, None], (40, 1, 3))
    for seed in range(50):
        changed = varied(ramp, Random(seed))
        assert changed[:, -1].mean() > changed[:, 0].mean()


def test_a_folder_in_atrws_layout_is_read_with_clips_and_keypoints(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "reid_list_train.csv").write_text("7,000001.jpg\n7,000002.jpg\n7,000040.jpg\n9,000041.jpg\n")
    (tmp_path / "reid_keypoints_train.json").write_text(json.dumps({"000002.jpg": [1.0] * 45}))
    samples = read_folder(tmp_path)
    assert [(sample.identity, sample.clip) for sample in samples] == [
        ("7", "7/0"),
        ("7", "7/0"),
        ("7", "7/1"),
        ("9", "9/0"),
    ]
    assert samples[1].keypoints == (1.0,) * 45
    assert samples[0].path == tmp_path / "train" / "000001.jpg"
    with pytest.raises(UnusableFolder, match=r"neither identities\.csv"):
        read_folder(tmp_path / "train")


def test_the_triplet_loss_is_nothing_for_tight_clusters_and_the_margin_for_a_heap():
    labels = torch.tensor([0, 0, 1, 1])
    apart = torch.tensor([[0.0, 0], [0, 0.1], [9, 9], [9, 9.1]])
    assert reid_networks.triplet(apart, labels).item() == 0
    assert reid_networks.triplet(torch.zeros(4, 2), labels).item() == pytest.approx(reid_networks.MARGIN)


def mean_cosines(run, samples: list[Sample]) -> tuple[float, float]:
    vectors = np.stack(run([picture_of(sample) for sample in samples]))
    same = np.array([[a.identity == b.identity and a is not b for b in samples] for a in samples])
    other = np.array([[a.identity != b.identity for b in samples] for a in samples])
    alike = vectors @ vectors.T
    return float(alike[same].mean()), float(alike[other].mean())


def test_the_loss_falls_it_resumes_and_the_checkpoint_brings_the_same_animal_closer(folder, tmp_path, monkeypatch):
    samples = read_folder(folder)
    fit(samples, tmp_path / "run", replace(RECIPE, epochs=1), lambda _text: None)
    first = json.loads((tmp_path / "run" / "curve.json").read_text())["epochs"]
    monkeypatch.setenv("PUGMARK_WEIGHTS_DIR", str(tmp_path / "weights"))
    path = MODELS["tiger-reid-tuned"].files[0].path
    publish(tmp_path / "run" / "checkpoint.pth", tmp_path / "weights", path)
    before = mean_cosines(loaders.load("tiger-reid-tuned", "embedded")[0], samples)

    checkpoint = fit(samples, tmp_path / "run", replace(RECIPE, epochs=16), lambda _text: None)
    rows = json.loads((tmp_path / "run" / "curve.json").read_text())["epochs"]
    assert rows[0] == first[0]
    assert [row["epoch"] for row in rows] == list(range(1, 17))
    losses = [row["loss"] for row in rows]
    assert np.mean(losses[-4:]) < 0.8 * losses[0]
    assert "<polyline" in (tmp_path / "run" / "curve.html").read_text()
    assert "use it" in publish(checkpoint, tmp_path / "weights", path)
    assert len((tmp_path / "weights" / "SHA256SUMS").read_text().splitlines()) == 1
    run, provenance = loaders.load("tiger-reid-tuned", "embedded")
    after = mean_cosines(run, samples)
    assert provenance.version.startswith("own ")
    assert after[0] - after[1] > before[0] - before[1]

    with pytest.raises(ValueError, match="another recipe"):
        fit(samples, tmp_path / "run", replace(RECIPE, rate=1.0), lambda _text: None)


def test_part_pose_learns_through_its_streams_and_only_the_global_one_is_needed_afterwards():
    torch.manual_seed(0)
    network = reid_networks.PartPose(2, reid_networks.Preprocessing(32, 64), depth=50)
    crops = [coat(number % 2, number) for number in range(4)]
    blank = [Sample(Path("none.png"), str(number % 2), str(number)) for number in range(4)]
    labels = torch.tensor([0, 1, 0, 1])
    network.train()
    loss = network.loss(crops, blank, labels)
    loss.backward()
    assert torch.isfinite(loss)
    for part in (network.exported.base.conv1, network.exported.trunk[0], network.exported.limbs[5].conv1):
        assert part.weight.grad is not None
        assert part.weight.grad.abs().sum() >= 0
    assert float(network.exported.base.layer4[0].conv2.weight.grad.abs().sum()) > 0


def test_parts_are_cut_along_the_keypoints():
    crop = np.zeros((100, 200, 3), np.uint8)
    crop[40:90, 95:105] = 255
    points = np.zeros((15, 2), np.float32)
    seen = [False] * 15
    for name, place in {
        "left shoulder": (100, 40),
        "left front paw": (100, 89),
        "tail": (10, 20),
        "nose": (190, 60),
    }.items():
        points[parts.KEYPOINTS.index(name)], seen[parts.KEYPOINTS.index(name)] = place, True
    found = parts.parts_of(crop, points, seen)
    assert set(found) == {"trunk", "left front leg"}
    assert found["trunk"].shape == (64, 128, 3)
    leg = found["left front leg"]
    assert leg.shape == (64, 64, 3)
    assert leg[32, 32].mean() > 250
    assert leg[32, 3].mean() < 5
    assert parts.parts_of(crop, points, [False] * 15) == {}
