"""Fine-tune TigerReID or the part-pose network on crops of known individuals.

    modal run -m modal_backend.modal_app::train --folder tigers              # /weights/training/tigers in the Volume
    modal run -m modal_backend.modal_app::train --folder tigers --kind part-pose

A run that breaks off goes on at the last epoch when it is started again. It leaves `checkpoint.pth` (what the model
loads), `last.pth` (to go on), `curve.json` and `curve.html`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch

from modal_backend.models.embeddings import part_pose, tiger_reid
from modal_backend.models.embeddings.checkpoint import read_state
from modal_backend.models.embeddings.crop_network import CropNetwork, Preprocessing
from modal_backend.training import reid_networks
from modal_backend.training.curve import write_curve
from modal_backend.training.reid_data import Sample, UnusableFolder, identity_batches, picture_of, split, varied
from modal_backend.weights.whole_file import whole_file

KINDS = ("tiger-reid", "part-pose")


@dataclass(frozen=True, slots=True)
class Recipe:
    """identities x each: a batch.

    Attributes:
        rate: Adam's, with a tenth of it from two thirds on.
        start: torchvision's weights for the backbone.
        height, width: of the input, 0 for the model's own.
        depth: of part-pose's global stream.
    """

    kind: str = "tiger-reid"
    epochs: int = 60
    identities: int = 8
    each: int = 4
    rate: float = 2.5e-4
    seed: int = 0
    start: str = ""
    height: int = 0
    width: int = 0
    depth: int = 152


def fit(samples: Sequence[Sample], out: Path, recipe: Recipe, report: Callable[[str], None] = print) -> Path:
    """Train, or go on with a training in `out`; returns the checkpoint. Raises UnusableFolder, WeightsMissing."""
    train, held = split(samples, seed=recipe.seed)
    classes = len({sample.identity for sample in train})
    if classes < 2:
        raise UnusableFolder("Training needs crops of at least two identities.")
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network: Any = _network(recipe, classes).to(device)
    optimiser = torch.optim.Adam([weight for weight in network.parameters() if weight.requires_grad], lr=recipe.rate)
    curve = _resume(out / "last.pth", network, optimiser, recipe, device)
    report(f"{len(train)} crops of {classes} identities to train on, {len(held)} of other clips to check with.")
    for epoch in range(len(curve), recipe.epochs):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate * (0.1 if epoch >= recipe.epochs * 2 / 3 else 1.0)
        loss = _epoch(network, optimiser, train, recipe, epoch, device)
        row: dict[str, float | None] = {"epoch": epoch + 1, "loss": loss}
        row |= _checked(network, train, held)
        curve.append(row)
        _save(out, network, optimiser, recipe, curve)
        report(", ".join(f"{name} {value:.4g}" for name, value in row.items() if value is not None))
    return out / "checkpoint.pth"


def _network(recipe: Recipe, classes: int) -> torch.nn.Module:
    own = tiger_reid.PREPROCESSING if recipe.kind == "tiger-reid" else part_pose.PREPROCESSING
    preprocessing = Preprocessing(recipe.height or own.height, recipe.width or own.width)
    network: Any
    if recipe.kind == "tiger-reid":
        network = reid_networks.TigerReid(classes, preprocessing)
    elif recipe.kind == "part-pose":
        network = reid_networks.PartPose(classes, preprocessing, recipe.depth)
    else:
        raise ValueError(f"There is no training of {recipe.kind}; there are {', '.join(KINDS)}.")
    if recipe.start:
        state = {k: v for k, v in read_state(Path(recipe.start)).items() if not k.startswith("fc.")}
        network.exported.base.load_state_dict(state, strict=True)
    return network


def _epoch(
    network: Any, optimiser: torch.optim.Optimizer, train: Sequence[Sample], recipe: Recipe, epoch: int, device: Any
) -> float:
    """Mean loss of one epoch of identity-balanced batches."""
    network.train()
    random = Random(f"{recipe.seed}/{epoch}")
    losses = []
    for batch in identity_batches(train, recipe.identities, recipe.each, recipe.seed + 1000 * (epoch + 1)):
        samples = [sample for sample, _ in batch]
        labels = torch.tensor([label for _, label in batch], device=device)
        crops = [varied(picture_of(sample), random) for sample in samples]
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            loss = network.loss(crops, samples, labels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return float(np.mean(losses))


def _checked(network: Any, train: Sequence[Sample], held: Sequence[Sample]) -> dict[str, float | None]:
    """Of held-out clips: share whose nearest training crop is the same identity; mean cosine to same and to others."""
    if not held:
        return {"top1": None, "same": None, "other": None}
    model = CropNetwork(network.exported, network.preprocessing, tiger_reid.DIMENSION)
    model._device = next(network.parameters()).device
    gallery, queries = (model.embed([picture_of(sample) for sample in group]) for group in (train, held))
    network.exported.requires_grad_(True)
    network.exported.neck.bias.requires_grad_(False)
    alike = queries @ gallery.T
    same = np.array([[sample.identity == other.identity for other in train] for sample in held])
    right = same[np.arange(len(held)), alike.argmax(axis=1)]
    return {"top1": float(right.mean()), "same": float(alike[same].mean()), "other": float(alike[~same].mean())}


def _resume(last: Path, network: Any, optimiser: Any, recipe: Recipe, device: Any) -> list[dict[str, Any]]:
    """The curve so far; the network and the optimiser as they were.

    Raises:
        ValueError: for another recipe.
    """
    if not last.is_file():
        return []
    kept = torch.load(last, map_location=device, weights_only=True)
    if {**kept["recipe"], "epochs": 0} != {**asdict(recipe), "epochs": 0}:
        raise ValueError(f"{last} was begun with another recipe; choose another folder or remove it.")
    network.load_state_dict(kept["network"])
    optimiser.load_state_dict(kept["optimiser"])
    curve: list[dict[str, Any]] = kept["curve"]
    return curve


def _save(out: Path, network: Any, optimiser: Any, recipe: Recipe, curve: list[dict[str, Any]]) -> None:
    exported = {name: value.detach().cpu().clone() for name, value in network.exported.state_dict().items()}
    state = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "recipe": asdict(recipe)}
    _write(out / "last.pth", {**state, "curve": curve})
    _write(out / "checkpoint.pth", {"model": exported})
    (out / "curve.json").write_text(json.dumps({"recipe": asdict(recipe), "epochs": curve}, indent=1), encoding="utf-8")
    write_curve(out / "curve.html", curve, f"Training of {recipe.kind}")


def _write(path: Path, value: Any) -> None:
    with whole_file(path) as part:
        torch.save(value, part)


def publish(checkpoint: Path, folder: Path, path: str) -> str:
    """Put a checkpoint where its model looks for it and vouch for it in SHA256SUMS; returns one sentence."""
    place = folder / path
    content = checkpoint.read_bytes()
    with whole_file(place) as part:
        part.write_bytes(content)
    sums = folder / "SHA256SUMS"
    kept = sums.read_text(encoding="utf-8").splitlines() if sums.is_file() else []
    kept = [line for line in kept if line.split()[-1:] != [path]]
    sums.write_text("\n".join([*kept, f"{sha256(content).hexdigest()}  {path}"]) + "\n", encoding="utf-8")
    return f"{path}: the model will use it when it is loaded the next time."
