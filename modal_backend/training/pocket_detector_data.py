"""The pocket detector's pictures: sources marked `train`, in folds so that no source is ever on both sides."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

CATEGORIES = ("animal", "person", "vehicle")
FOLDS = 3
# Which model may not see a source. Each fold holds day and infrared, and every category.
FOLD_OF = {
    **dict.fromkeys(("hand_ena24", "hand_animl", "hand_garden", "mixed_jetson", "raccoon", "empty_trails"), 0),
    **dict.fromkeys(("hand_md", "hand_misc", "mlwic_ca01", "walkers_lschen", "hand_exifsamples", "capybara"), 1),
    **dict.fromkeys(("missouri_panama", "coco128_train", "hand_addax", "hand_wisconsin", "rabbit_openimages"), 2),
    "vole_boxes": 2,
}
# These name one category; they were looked through for people and vehicles, and there are none but in two pictures.
LOOKED_THROUGH = ("hand_ena24", "hand_md", "hand_animl", "hand_misc", "empty_trapcrops")
UNCLEAR = ("BUOW_RCNX0863.jpg", "Southwest_B012_2021-05-27_human.jpg")
PEOPLE = ("coco128_train", "walkers_lschen", "mixed_jetson")
# Pictures of COCO's training set, which coco_centernet.py and coco_nanodet.py have seen.
SEEN_BY_COCO = ("coco128_train",)
PHOTOGRAPHS = ("raccoon", "capybara", "rabbit_openimages")


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture and what was marked on it.

    Attributes:
        boxes: float32 (n, 5), left, top, right, bottom in pixels, then the place of the category in CATEGORIES.
        labelled: which of CATEGORIES were marked; the others may be there unmarked.
        fold: the fold whose model may not see it.
        size: width and height in pixels.
    """

    source: str
    path: Path
    boxes: NDArray[np.float32]
    labelled: tuple[bool, ...]
    fold: int
    size: tuple[int, int]

    @property
    def camera_trap(self) -> bool:
        """Whether it was taken by a camera trap, or is an animal-free part of such a picture."""
        return self.source not in (*PEOPLE, *PHOTOGRAPHS)

    def picture(self) -> NDArray[np.uint8]:
        """RGB uint8 (height, width, 3). Raises FileNotFoundError."""
        picture = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if picture is None:
            raise FileNotFoundError(self.path)
        return np.ascontiguousarray(picture[:, :, ::-1])


def read_sources(root: Path, use: str = "train") -> tuple[list[Sample], dict[str, str]]:
    """All samples below `root`/<source>/annotations.json whose info.use is `use`, and each source's licence.

    The fold of a source that FOLD_OF does not name is 0; an empty part falls into the fold of its picture.
    """
    samples, licences = [], {}
    for file in sorted(root.glob("*/annotations.json")):
        facts = json.loads(file.read_text(encoding="utf-8"))
        if facts["info"]["use"] != use:
            continue
        source = file.parent.name
        licences[source] = facts["info"]["licence"]
        names = {category["id"]: CATEGORIES.index(category["name"]) for category in facts["categories"]}
        boxes: dict[int, list[list[float]]] = {image["id"]: [] for image in facts["images"]}
        for note in facts["annotations"]:
            x, y, w, h = note["bbox"]
            boxes[note["image_id"]].append([x, y, x + w, y + h, names[note["category_id"]]])
        for image in facts["images"]:
            name = image["file_name"]
            cut_from = image.get("group", "").partition(":")[0] if source == "empty_trapcrops" else source
            complete = source in LOOKED_THROUGH and name not in UNCLEAR
            labelled = tuple(complete or place in names.values() for place in range(len(CATEGORIES)))
            array = np.array(boxes[image["id"]], np.float32).reshape(-1, 5)
            path = file.parent / "images" / name
            size = (image["width"], image["height"])
            samples.append(Sample(source, path, array, labelled, FOLD_OF.get(cut_from, 0), size))
    return samples, licences
