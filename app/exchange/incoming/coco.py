"""COCO Camera Traps: who and what people saw on which image, and the boxes.

Source: the COCO Camera Traps format of agentmorris/MegaDetector; `attributes` as Pugmark's own export writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.exchange.incoming.entries import (
    NO_SPECIES,
    NOTHING,
    BadEntry,
    Found,
    Species,
    category_of,
    detection,
    entry_of,
    is_number,
)
from app.exchange.incoming.json_files import Outline, entries
from app.exchange.incoming.lines import MACHINE, Contents, Line
from app.exchange.incoming.on_disk import Shelf, Spooled
from modal_backend.contracts import Box, Category

MODEL = "COCO Camera Traps"
ABOUT_IMAGES = ("file_name", "width", "height", "sha256")
NO_IMAGE = "The file names no image with its image_id."
REPEATED = "The file says the same of this image before; how many animals there are is not taken from it."
NO_ANIMAL_NAMED = "It says {}, not which animal."


def is_coco(top: Outline) -> bool:
    """Whether a file is COCO Camera Traps: images with names, and annotations with categories."""
    images, annotations = top.first.get("images"), top.first.get("annotations")
    return (
        isinstance(images, dict)
        and "file_name" in images
        and isinstance(annotations, dict)
        and {"image_id", "category_id"} <= annotations.keys()
    )


def read_coco(path: Path, top: Outline) -> Contents:
    """What the annotations say. Raises UnknownResults, BrokenResults."""
    info = top.values.get("info")
    about: Mapping[str, Any] = info if isinstance(info, dict) else {}
    model = str(about.get("detector") or about.get("description") or MODEL)[:64]
    images, files = Shelf(), Spooled[tuple[str, str]]()
    for entry in entries(path, "images.item"):
        if not isinstance(entry, dict):
            continue
        images.add(str(entry.get("id")), {name: entry.get(name) for name in ABOUT_IMAGES})
        if isinstance(entry.get("sha256"), str):
            files.append((str(entry.get("file_name")), entry["sha256"]))
    listed = [entry for entry in entries(path, "categories.item") if isinstance(entry, dict)]
    categories = {str(entry.get("id")): str(entry.get("name") or "") for entry in listed}
    lines, seen, found = Spooled[Line](), set[int](), Shelf()
    for entry in entries(path, "annotations.item"):
        if not isinstance(entry, dict):
            _add(lines, seen, Line("", problem="The annotation is no object."))
            continue
        image = images.last(str(entry.get("image_id")))
        if image is None:
            _add(lines, seen, Line(f"annotation {entry.get('id')}", problem=NO_IMAGE))
            continue
        name = categories.get(str(entry.get("category_id")), "")
        try:
            line, box = _annotation(entry, image, name, model)
        except BadEntry as problem:
            line, box = Line(str(image.get("file_name") or ""), problem=problem.sentence), None
        if line is not None and box is None and line.problem is None and hash(line) in seen:
            lines.append(replace(line, problem=REPEATED))
        elif line is not None:
            _add(lines, seen, line)
        if box is not None:
            found.add(line.path if line else str(image.get("file_name") or ""), box)
    boxes = Spooled(entry_of(file, some) for file, some in found.groups())
    return Contents(lines, boxes, files, model, "COCO Camera Traps")


def _add(lines: Spooled[Line], seen: set[int], line: Line) -> None:
    """Keep a line that is not there yet. seen: hashes of those that are, of 64 bits: two lines never share one."""
    if hash(line) not in seen:
        seen.add(hash(line))
        lines.append(line)


def _annotation(
    annotation: Mapping[str, Any], image: Mapping[str, Any], category: str, model: str
) -> tuple[Line | None, Found | None]:
    """What a person says by an annotation, and the box that a model gave. Raises BadEntry.

    A box without a confidence, by a person as the annotation says, is one that this person drew; the others are the
    file's. Where it does not say who, its category is a person's and its box the file's.
    """
    given = annotation.get("attributes")
    about: Mapping[str, Any] = given if isinstance(given, dict) else {}
    score = annotation.get("score", about.get("confidence"))
    by_machine = annotation.get("score") is not None or about.get("decided_by") == "machine"
    rectangle = _box(annotation.get("bbox"), image)
    file, kind = str(image.get("file_name") or ""), category_of(category)
    species = None if category.casefold() in NO_SPECIES else category
    found = None
    if rectangle is not None and not (about.get("decided_by") == "human" and score is None):
        box = detection(kind, 1.0 if score is None else score, rectangle)
        hint = Species(species, box.confidence, model) if by_machine and species and kind == Category.ANIMAL else None
        found = (box, hint)
    if by_machine and found:
        return None, found
    problem = verdict = None
    if by_machine:
        problem = MACHINE
    elif category.casefold() in NOTHING - {""} and rectangle is None:
        verdict = "blank"
    elif species is None and rectangle is None and not about.get("individual"):
        problem = NO_ANIMAL_NAMED.format(category or "nothing")
    return Line(
        file,
        str(about.get("individual") or ""),
        species if kind == Category.ANIMAL else None,
        str(about["flank"]) if about.get("flank") in ("left", "right", "other") else None,
        problem,
        Box(*rectangle) if rectangle else None,
        kind,
        verdict,
        sha256=image.get("sha256") if isinstance(image.get("sha256"), str) else None,
    ), found


def _box(value: Any, image: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    """A box in pixels as shares of its picture; None where there is none. Raises BadEntry."""
    if value in (None, []):
        return None
    sides = image.get("width"), image.get("height")
    if not all(isinstance(side, int | float) and side > 0 for side in sides):
        raise BadEntry("the file does not say how large the picture is")
    if not isinstance(value, list) or len(value) != 4 or not all(map(is_number, value)):
        raise BadEntry("a box or its confidence is not made of numbers")
    wide, high = float(sides[0] or 1), float(sides[1] or 1)
    shares = (value[0] / wide, value[1] / high, value[2] / wide, value[3] / high)
    box = detection(Category.ANIMAL, 1.0, list(shares)).box
    return box.x, box.y, box.width, box.height
