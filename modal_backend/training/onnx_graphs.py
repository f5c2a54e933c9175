"""Make the graphs that ONNX Runtime runs: python -m modal_backend.training.onnx_graphs

Needs the `onnx` package. A graph is written without its weights; it has to be made again only when the network's layers
change.
"""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import onnx
import torch
from torch import nn

from modal_backend.models.detectors import efficientnet_lite
from modal_backend.models.detectors.pocket_detector import HEAD_GRAPH
from modal_backend.models.matcher import features, pairs
from modal_backend.models.matcher.network import LighterGlue
from modal_backend.models.matcher.points import Points
from modal_backend.models.onnx_graph import FILE
from modal_backend.models.text import sentence_embedding
from modal_backend.training.backbone import Features, backbone
from modal_backend.training.box_head import BoxHead

LEVELS = ["low", "middle", "top"]
OPSET = 17


def write_graph(
    module: nn.Module,
    example: tuple[torch.Tensor, ...],
    inputs: list[str],
    outputs: list[str],
    path: Path,
    free: tuple[int, ...] = (0, 2, 3),
    data: bytes = b"",
) -> None:
    """Write `module` as it answers `example`.

    Args:
        module: in evaluation mode.
        example: what it is called with.
        inputs, outputs: names of what goes in and comes out.
        path: of the graph.
        free: axes of the inputs and outputs that may have any length, like height and width.
        data: the file that holds the weights, if they lie there as they are used; else the graph takes them by name.
    """
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
        training=torch.onnx.TrainingMode.PRESERVE,  # else batch norms are folded into weights that no file holds
    )
    model = onnx.load(str(path))
    named = [tensor for tensor in model.graph.initializer if tensor.name in module.state_dict()]
    if not data and (left := set(module.state_dict()) - {tensor.name for tensor in named}):
        raise ValueError(f"The graph holds these weights under other names: {left}")
    for tensor in named:
        place = {"location": FILE} | (_place_in(data, tensor, model.graph) if data else {})
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in place.items():
            tensor.external_data.add(key=key, value=value)
    for node in model.graph.node:
        node.ClearField("doc_string")
    path.write_bytes(model.SerializeToString())


def _place_in(data: bytes, tensor: onnx.TensorProto, graph: onnx.GraphProto) -> dict[str, str]:
    """Where a weight's values lie in a file; if its axes are in another order there, the graph turns them back.

    Raises:
        ValueError: they do not lie there.
    """
    values, name = onnx.numpy_helper.to_array(tensor), tensor.name
    for axes in permutations(range(values.ndim)):
        stored = values.transpose(axes)
        if (offset := data.find(stored.tobytes())) < 0:
            continue
        if axes != tuple(range(values.ndim)):
            back = [axes.index(axis) for axis in range(values.ndim)]
            tensor.name = f"{name}_stored"
            tensor.dims[:] = stored.shape
            graph.node.insert(0, onnx.helper.make_node("Transpose", [tensor.name], [name], perm=back))
        return {"offset": str(offset), "length": str(values.nbytes)}
    raise ValueError(f"The file does not hold {name}.")


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
    pixels, imagenet = torch.zeros(1, 3, 128, 160), efficientnet_lite.weights_file().read_bytes()
    write_graph(Features(), (pixels,), ["pixels"], LEVELS, efficientnet_lite.FEATURES_GRAPH, data=imagenet)
    mean, classifier = torch.zeros(2, 1280), backbone()._fc
    write_graph(classifier, (mean,), ["mean"], ["logits"], efficientnet_lite.CLASSIFIER_GRAPH, free=(0,), data=imagenet)
    head = BoxHead().eval()
    for weights in head.parameters():  # the exporter would make one of two weights with the same values
        nn.init.normal_(weights)
    write_graph(head, Features()(pixels), LEVELS, ["answer"], HEAD_GRAPH)
    points, glue = features.published()
    found = ["places", "strength", "descriptors"]
    write_graph(Points(), (torch.rand(1, 3, 128, 160),), ["pixels"], found, features.GRAPH, data=points)
    sides = [torch.zeros(count, points, width) for count, points in ((1, 8), (2, 9)) for width in (2, 64, 1)]
    given = tuple(side[..., 0] if side.shape[-1] == 1 else side for side in sides)
    names = [f"{whose}{part}" for whose in ("asked_", "") for part in ("places", "units", "hidden")]
    write_graph(LighterGlue(), given, names, ["partners", "confidence"], pairs.GRAPH, free=(0, 1), data=glue)
    tokens = torch.arange(100, 136).reshape(3, 12)
    write_graph(Sentences(), (tokens,), ["tokens"], ["vectors"], sentence_embedding.GRAPH, free=(0, 1))


if __name__ == "__main__":
    main()
