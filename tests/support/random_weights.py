"""Weights for tests: random, but decided by a tensor's name alone, so that any program can make the same ones."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

LAYOUTS = Path(__file__).parent / "layouts"


def fill_by_name(shapes: Mapping[str, Sequence[int]], seed: int = 0, spread: float | None = None) -> dict[str, Any]:
    """A tensor for every name: small numbers for weights, means near 0 and variances near 1 for batch norms.

    spread: standard deviation of the weights; by default what keeps a signal's size from layer to layer.
    """
    import torch

    found = {}
    for name, shape in shapes.items():
        random = np.random.default_rng([zlib.crc32(name.encode()), seed])
        size = tuple(shape)
        if name.endswith("num_batches_tracked"):
            found[name] = torch.zeros(size, dtype=torch.int64)
            continue
        if name.endswith("running_var"):
            values = random.uniform(0.5, 1.5, size)
        elif len(size) < 2 and name.endswith("weight"):
            values = random.uniform(0.8, 1.2, size)
        elif len(size) < 2:
            values = random.normal(0, 0.05, size)
        else:
            values = random.standard_normal(size, np.float32) * (spread or (2 / max(np.prod(size[1:]), 1)) ** 0.5)
        found[name] = torch.from_numpy(np.asarray(values, np.float32).reshape(size))
    return found


def shapes_of(network: Any) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a network's state."""
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


def published_layout(name: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a published file, from tests/layouts."""
    found = {}
    for line in (LAYOUTS / f"{name}.txt").read_text().splitlines():
        key, shape = line.split()
        found[key] = () if shape == "-" else tuple(int(side) for side in shape.split("x"))
    return found


def put(folder: Path, path: str, state: Any) -> None:
    """Write weights into a mirror directory and vouch for them in its SHA256SUMS."""
    import torch
    from safetensors.torch import save_file

    place = folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.suffix == ".safetensors":
        save_file(state, str(place))
    else:
        torch.save(state, place)
    vouch(folder, path)


def vouch(folder: Path, path: str) -> None:
    """Add a file's line to SHA256SUMS."""
    with (folder / "SHA256SUMS").open("a") as sums:
        sums.write(f"{sha256((folder / path).read_bytes()).hexdigest()}  {path}\n")
