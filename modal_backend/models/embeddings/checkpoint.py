"""Read a verified weight file and put it into a network: every name and shape must fit, or it is refused."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from modal_backend.errors import WeightsMissing

State = dict[str, Tensor]
SHOWN = 3
UNREADABLE = (pickle.UnpicklingError, RuntimeError, ValueError, EOFError, OSError, IndexError, KeyError)


def read_state(path: Path) -> State:
    """The tensors of a .safetensors file, or of a torch file that holds nothing but tensors and plain values.

    A training checkpoint's `ema.module`, `model`, `state_dict` is taken out; a leading `module.` is dropped.

    Raises:
        WeightsMissing: the file cannot be read so; code in a pickle is never run.
    """
    remedy = "Save it as a state dict of tensors: torch.save(network.state_dict(), path)"
    from safetensors import SafetensorError

    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            found: Any = load_file(str(path))
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except (*UNREADABLE, SafetensorError) as error:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise WeightsMissing(f"{path.name} cannot be read as weights: {first_line}", remedy=remedy) from error
    for keys in (("ema", "module"), ("model",), ("state_dict",)):
        inner = found
        for key in keys:
            inner = inner.get(key) if isinstance(inner, Mapping) else None
        if isinstance(inner, Mapping):
            found = inner
            break
    if not isinstance(found, Mapping) or not any(isinstance(value, Tensor) for value in found.values()):
        raise WeightsMissing(f"{path.name} holds no weights.", remedy=remedy)
    return {name.removeprefix("module."): value for name, value in found.items() if isinstance(value, Tensor)}


def fill(network: nn.Module, state: State, name: str, unused: Iterable[str] = ()) -> None:
    """Put the weights into the network, then evaluation mode.

    Args:
        unused: patterns of names the network may leave out.

    Raises:
        WeightsMissing: naming what is missing, what is too much and what has another shape.
    """
    wanted = network.state_dict()
    kept = {key: value for key, value in state.items() if key in wanted or not _any_match(unused, key)}
    missing = [key for key in wanted if key not in kept and not key.endswith("num_batches_tracked")]
    surplus = [key for key in kept if key not in wanted]
    other = [
        f"{key} {tuple(kept[key].shape)} instead of {tuple(value.shape)}"
        for key, value in wanted.items()
        if key in kept and kept[key].shape != value.shape
    ]
    problems = [
        f"{len(found)} {what} ({', '.join(found[:SHOWN])}{', ...' if len(found) > SHOWN else ''})"
        for what, found in (("missing", missing), ("unknown", surplus), ("of another shape", other))
        if found
    ]
    if problems:
        raise WeightsMissing(
            f"The weights do not fit {name}: {'; '.join(problems)}.",
            remedy="Use weights that were made for this network.",
        )
    network.load_state_dict({**{k: v for k, v in wanted.items() if k not in kept}, **kept}, strict=True)
    network.eval().requires_grad_(False)


def _any_match(patterns: Iterable[str], key: str) -> bool:
    return any(re.match(pattern, key) for pattern in patterns)
