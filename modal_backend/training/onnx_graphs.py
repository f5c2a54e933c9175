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

LEVELS = ["low", "middle", "top"]
OPSET = 17


def write_graph(
    module: nn.Module, example: tuple[torch.Tensor, ...], inputs: list[str], outputs: list[str], path: Path
) -> None:
    """Write `module` as it answers `example`; batch, height and width stay free."""
    axes = {name: {0: "n", 2: f"{name}_height", 3: f"{name}_width"} for name in (*inputs, *outputs)}
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


def main() -> None:
    """Write both graphs where the models look for them."""
    features = Features()
    pixels = torch.zeros(1, 3, 128, 160)
    write_graph(features, (pixels,), ["pixels"], LEVELS, GRAPH)
    head = BoxHead().eval()
    for weights in head.parameters():  # the exporter would make one of two weights with the same values
        nn.init.normal_(weights)
    write_graph(head, features(pixels), LEVELS, ["answer"], HEAD_GRAPH)


if __name__ == "__main__":
    main()
