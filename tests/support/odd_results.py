"""Files of results with values that no tool should write, made by a seed; and how many entries each has."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from random import Random
from typing import Any

PATHS: tuple[Any, ...] = (
    "Ridge 1/IMG_0001.JPG", "C:\\cards\\Ridge 1\\IMG_0002.JPG", "\\\\server\\share\\Ridge 1\\IMG_0003.JPG",
    "/abs/x.jpg", "a/b/c/d/e/IMG.JPG", "Ra\u0308nge/IMG.JPG", "R\u00e4nge/IMG.JPG", "../../etc/passwd",
    "", "  ", "x" * 2000, None, 5, "a\x00b.jpg", "名前/写真.jpg", "C:", "/", "https://x.y/z.jpg?q=1",
)  # fmt: skip
NUMBERS: tuple[Any, ...] = (
    0,
    1,
    -0.1,
    1.1,
    1e9,
    float("nan"),
    float("inf"),
    "0.5",
    None,
    True,
    [],
    {},
    -0.005,
    1e308,
)
BOXES: tuple[Any, ...] = (
    [], None, "x", [1, 2, 3], [0.9, 0.9, 0.5, 0.5], {"x": 1}, [0, 0, 0, 0], [0, 0, 1, 1], [-0.005, 0, 1.004, 1],
    [float("nan")] * 4, ["0.1"] * 4, [-1, -1, -1, -1],
)  # fmt: skip
ANSWERS: tuple[Any, ...] = ([["0", 0.9]], [[0, 0.9]], [], None, "x", [["0"]], [["0", "x"]], [[["a"], 0.3]])
Document = tuple[Any, int]


def odd() -> tuple[Any, ...]:
    """Values that are wrong nearly everywhere."""
    return None, 5, "x", [], {}


def info() -> tuple[Any, ...]:
    """What may stand in place of a file's info."""
    return (*odd(), *({"format_version": f"1.{n}", "detector": "md_v5a.0.0.pt"} for n in range(7)))


def box(random: Random) -> Any:
    """A detection; one in three has something wrong."""
    found = {
        "category": "1" if random.random() < 0.8 else random.choice(("2", 1, "9", None, "animal", "0", [], {})),
        "conf": 0.8 if random.random() < 0.8 else random.choice(NUMBERS),
        "bbox": [0.1, 0.1, 0.2, 0.2] if random.random() < 0.8 else random.choice(BOXES),
        "classifications": random.choice(ANSWERS),
    }
    if random.random() < 0.1:
        found["frame_number"] = random.choice((0, 5, -1, "3", None))
    if random.random() < 0.1:
        del found[random.choice(list(found))]
    return found if random.random() < 0.95 else random.choice(odd())


def image(random: Random, name: str) -> Any:
    """An image with its detections."""
    found: dict[str, Any] = {
        name: random.choice(PATHS),
        "detections": [box(random) for _ in range(random.randrange(4))],
    }
    if random.random() < 0.2:
        found["detections"] = random.choice(odd())
    if random.random() < 0.1:
        found["failure"] = random.choice((*odd(), "Failure image access"))
    return found if random.random() < 0.95 else random.choice(odd())


def megadetector(random: Random) -> Document:
    """MegaDetector JSON, 1.0 to 1.6."""
    images = [image(random, "file") for _ in range(random.randrange(1, 8))]
    document = {"images": [{"file": "a.jpg", "detections": []}, *images], "info": random.choice(info())}
    for key, values in (
        ("detection_categories", ({"1": "animal", "2": "person", "0": "empty"}, {"1": None}, {"1": "leopard"}, *odd())),
        ("classification_categories", ({"0": "fox"}, {"0": None}, {"0": ["x"]}, *odd())),
        ("classification_category_descriptions", ({"0": ";;;;;;"}, *odd())),
    ):
        document[key] = random.choice(values)
    return document, len(images) + 1


def speciesnet(random: Random) -> Document:
    """SpeciesNet's predictions."""
    images = [image(random, "filepath") for _ in range(random.randrange(1, 8))]
    for entry in images:
        if isinstance(entry, dict):
            classes = ({"classes": ["x"], "scores": [0.3]}, {"classes": 5, "scores": 5}, {"classes": [], "scores": []})
            entry["classifications"] = random.choice((*classes, *odd()))
            entry["prediction"] = random.choice(("id;mammalia;;;;;mammal", "blank", *odd()))
            entry["prediction_score"] = random.choice(NUMBERS)
            entry["failures"] = random.choice((["CLASSIFIER"], *odd()))
    return {"predictions": [{"filepath": "a.jpg", "detections": []}, *images]}, len(images) + 1


def pytorch_wildlife(random: Random) -> Document:
    """PytorchWildlife's list."""
    corners = ([1, 2, 30, 40], [1, 2], None, ["a", 1, 2, 3], [5, 5, 1, 1], [float("nan")] * 4)
    images: list[Any] = [
        {
            "img_id": random.choice(PATHS),
            "bbox": [random.choice(corners)],
            "category": [random.choice((0, "2", 7, None))],
            "confidence": random.choice(([0.8], [], "x", [random.choice(NUMBERS)])),
        }
        for _ in range(random.randrange(1, 8))
    ]
    images = [{"img_id": "a.jpg", "bbox": [], "category": [], "confidence": []}, *images, *random.sample(odd(), 2)]
    return random.choice((images, {"annotations": images, "categories": random.choice(odd())})), len(images)


def bare_list(random: Random) -> Document:
    """A list of images, some with corners in pixels as Microsoft writes them."""
    images = [image(random, "file") for _ in range(random.randrange(1, 8))]
    for entry in images:
        boxes = entry.get("detections") if isinstance(entry, dict) else None
        for found in boxes if isinstance(boxes, list) else []:
            if isinstance(found, dict) and random.random() < 0.5:
                found["confidence"] = found.pop("conf", None)
    return [{"file": "a.jpg", "detections": []}, *images], len(images) + 1


def coco(random: Random) -> Document:
    """COCO Camera Traps."""
    sides = (100, 0, None, "100", -5)
    images = [
        {"id": n, "file_name": random.choice(PATHS), "width": random.choice(sides), "height": 100,
         "sha256": random.choice((None, 5, "a" * 64))}
        for n in range(3)
    ]  # fmt: skip
    about = (*odd(), {"decided_by": "human", "individual": "NA"}, {"decided_by": "machine"}, {"individual": 5})
    annotations = [
        {"id": n, "image_id": random.choice((0, 1, 2, 9, None, [1])), "category_id": random.choice((1, 2, 9, None)),
         "bbox": random.choice(([1, 2, 30, 40], [90, 90, 50, 50], *BOXES)), "score": random.choice((None, 0.4, "x", 5)),
         "attributes": random.choice(about)}
        for n in range(random.randrange(1, 8))
    ]  # fmt: skip
    named = (
        [{"id": 1, "name": "axis"}, {"id": 2, "name": "empty"}],
        [],
        [None, 5],
        [{"id": 1, "name": None}],
        {"1": "x"},
    )
    return {
        "images": [{"id": "z", "file_name": "z.jpg"}, *images, *random.sample(odd(), 1)],
        "annotations": [{"image_id": "z", "category_id": 1}, *annotations, *random.sample(odd(), 1)],
        "categories": random.choice(named),
        "info": random.choice(info()),
    }, len(annotations) + 2


DOCUMENTS: dict[str, Callable[[Random], Document]] = {
    "megadetector": megadetector, "speciesnet": speciesnet, "pytorch wildlife": pytorch_wildlife,
    "list": bare_list, "coco": coco,
}  # fmt: skip


def written(random: Random, document: Any) -> tuple[bytes, bool]:
    """A document as a file, and whether it is whole JSON."""
    text = json.dumps(document, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
    odd = random.choice((None,) * 6 + ("cut", "mark", "utf-16", "cp1252", "tail"))
    if odd == "cut":
        return text[: random.randrange(1, len(text))], False
    if odd == "utf-16":
        return text.decode().encode("utf-16"), False
    if odd == "tail":
        return text + b"\x00\x00garbage", False
    if odd == "cp1252":
        return text.decode().encode("cp1252", "replace"), False
    return (b"\xef\xbb\xbf" if odd == "mark" else b"") + text, b"NaN" not in text and b"Infinity" not in text


def table(random: Random) -> tuple[bytes, int]:
    """A table with odd columns, cells, delimiters and encodings; and how many rows it has."""
    headers = (
        ["file", "individual"], ["File", "RelativePath", "DateTime", "Species"],
        ["Image Name", "Individual ID", "Side"],
        ["filename", "genus", "species", "is_blank", "identified_by"], ["a", "b"], ["file", "file", "individual"],
        ["deployment_id", "placename", "latitude", "longitude", "start_date", "end_date"],
        ["", "file", "individual", ""], ["individual", "file", "media_sha256", "decided_by", "decided_at"],
    )  # fmt: skip
    cells = ("Ridge 1/IMG_0001.JPG", "C:\\x\\a.jpg", "NA", "007", "", "ä", "x;y", 'q"q', "12.5", "31/12/2024", "T\n1")
    header = random.choice(headers)
    rows = [
        [random.choice(cells) for _ in range(len(header) + random.choice((0, 0, 0, 1, -1)))]
        for _ in range(random.randrange(12))
    ]
    file = io.StringIO()
    csv.writer(file, delimiter=random.choice(",;\t"), lineterminator=random.choice(("\n", "\r\n"))).writerows(
        [header, *rows]
    )
    return file.getvalue().encode(random.choice(("utf-8", "utf-8-sig", "cp1252", "utf-16")), "replace"), len(rows)
