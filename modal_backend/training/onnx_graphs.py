"""Make the graphs that ONNX Runtime runs: python -m modal_backend.training.onnx_graphs

Needs the `onnx` package. A graph is written without its weights; it has to be made again only when the network's layers
change.
"""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from torch import nn

from modal_backend.models.detectors.box_head import HEAD_GRAPH, BoxHead
from modal_backend.models.detectors.features import GRAPH, Features
from modal_backend.models.matcher.features import GRAPH as XFEAT_GRAPH
from modal_backend.models.matcher.features import Maps
from modal_backend.models.matcher.network import GRAPH as GLUE_GRAPH
from modal_backend.models.matcher.network import LighterGlue
from modal_backend.models.text import sentence_embedding

LEVELS = ["low", "middle", "top"]
OPSET = 17


def write_graph(
    module: nn.Module,
    example: tuple[torch.Tensor, ...],
    inputs: list[str],
    outputs: list[str],
    path: Path,
    free: tuple[int, ...] = (0, 2, 3),
) -> None:
    """Write `module` as it answers `example`; the axes in `free` may have any length, like height and width."""
    axes = {name: {axis: f"{name}_{axis}" for axis in free} for name in (*inputs, *outputs)}
    torch.onnx.export(
        module,
        example,
        str(path),
        dynamo=False,
        opset_version=OPSET,
        input_names=inputs,
        output_names=outputs,
        dynamic_axes=axes,
        do_constant_folding=False,
    )
    model = onnx.load(str(path))
    weights = {tensor.name: tensor for tensor in model.graph.initializer if tensor.name in module.state_dict()}
    if left := set(module.state_dict()) - set(weights):
        raise ValueError(f"The graph holds these weights under other names: {left}")
    for tensor in weights.values():
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        place = tensor.external_data.add()
        place.key, place.value = "location", "weights"
    for node in model.graph.node:
        node.ClearField("doc_string")
    path.write_bytes(model.SerializeToString())


class Sentences(nn.Module):
    """all-MiniLM-L6-v2: tokens of texts of one length (n, tokens) -> unit vectors (n, 384)."""

    def __init__(self) -> None:
        super().__init__()
        from transformers import AutoModel

        folder = sentence_embedding.installed()
        self.bert = AutoModel.from_pretrained(folder, attn_implementation="eager", add_pooling_layer=False).eval()

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return nn.functional.normalize(self.bert(input_ids=tokens).last_hidden_state.mean(dim=1), dim=1)


def main() -> None:
    """Write the graphs where the models look for them."""
    features = Features()
    pixels = torch.zeros(1, 3, 128, 160)
    write_graph(features, (pixels,), ["pixels"], LEVELS, GRAPH)
    head = BoxHead().eval()
    for weights in head.parameters():  # the exporter would make one of two weights with the same values
        nn.init.normal_(weights)
    write_graph(head, features(pixels), LEVELS, ["answer"], HEAD_GRAPH)
    maps = Maps()
    write_graph(maps, (pixels,), ["pixels"], ["features", "points", "reliability"], XFEAT_GRAPH)
    sides = [torch.zeros(count, points, width) for count, points in ((1, 8), (2, 9)) for width in (2, 64, 1)]
    given = tuple(side[..., 0] if side.shape[-1] == 1 else side for side in sides)
    names = [f"{whose}{part}" for whose in ("asked_", "") for part in ("places", "units", "hidden")]
    write_graph(LighterGlue(), given, names, ["partners", "confidence"], GLUE_GRAPH, free=(0, 1))
    tokens = torch.arange(100, 136).reshape(3, 12)
    write_graph(Sentences(), (tokens,), ["tokens"], ["vectors"], sentence_embedding.GRAPH, free=(0, 1))


if __name__ == "__main__":
    main()
