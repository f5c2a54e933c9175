"""Cut the animals out of their pictures and describe them: a crop picture, an embedding, SIFT features."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from app.analysis.calls import Answer, Lane, Request, ask
from app.analysis.context import Context
from app.analysis.digest import digest
from app.analysis.parts import first_part
from app.files import crop_path
from app.ingest.picture import decode
from app.storage import shared
from app.survey.detections import results
from modal_backend.contracts import Box, Failure, LocalFeatures, Picture
from modal_backend.registry import MODELS

CROP_SIDE = 512
CROP_QUALITY = 82


@dataclass(frozen=True, slots=True)
class Crop:
    """One detection to describe.

    path: of its media's original. picture: that, possibly reduced; media_width: the original's, in pixels.
    """

    detection_id: int
    path: Path
    box: Box
    picture: Picture
    media_width: int


async def describe(
    context: Context, crops_now: Callable[[], Sequence[Crop]], models: Sequence[str], job: str | None, lane: Lane
) -> None:
    """Write the crop picture of each crop, and what the models make of it: embeddings and SIFT features.

    Args:
        crops_now: gives the crops; runs in a thread, again after a crash.
        models: names of the models to ask.
        job, lane: see `calls.ask`.

    Raises:
        BackendError: a model gave no answer; what earlier calls brought has been written.
    """

    described: set[int] = set()
    more = True

    def make() -> Request:
        nonlocal more
        crops = [crop for crop in crops_now() if crop.detection_id not in described]
        part = first_part(context, job, models, crops, lambda crop: _bytes(crop, models))
        more = len(part) < len(crops)
        cut_from = [(crop.detection_id, crop.box) for crop in part]
        return Request(cut_from, digest(cut_from), cut_all(context, part, models))

    while more:
        cut_from, answers = await ask(context, job, models, make, lane)
        if not answers:
            return
        await asyncio.to_thread(_store, context, cut_from, answers)
        described |= {detection_id for detection_id, _ in cut_from}


def _bytes(crop: Crop, models: Sequence[str]) -> int:
    """About how many bytes a crop is on the way to the model that wants the most of it."""
    side = max(MODELS[model].side for model in models)
    height, width = crop.picture.shape[:2]
    return int(3 * min(side * side, crop.box.width * width * crop.box.height * height) / 2)


def cut_all(context: Context, crops: Sequence[Crop], models: Sequence[str]) -> list[Picture]:
    """The crops' pictures, in order, as wide as these models need; each is also written as a file."""
    wide_enough = max(MODELS[model].side for model in models)
    pictures = [
        picture
        for _, group in groupby(crops, key=lambda crop: (crop.path, id(crop.picture)))
        for picture in _cut(list(group), wide_enough)
    ]
    for crop, picture in zip(crops, pictures, strict=True):
        write_crop(context.survey.data_dir, crop, picture)
    return pictures


def cut(picture: Picture, box: Box) -> Picture:
    """The part of a picture inside a box, RGB uint8, at least one pixel wide and high."""
    height, width = picture.shape[:2]
    left, top, right, bottom = box.pixels(width, height)
    return np.ascontiguousarray(picture[top:bottom, left:right])


def _cut(crops: list[Crop], wide_enough: int) -> list[Picture]:
    """The crops of one picture; from the full picture where the reduced one is too coarse."""
    picture = crops[0].picture
    narrowest = min(crop.box.width for crop in crops)
    if picture.shape[1] < crops[0].media_width and narrowest * picture.shape[1] < wide_enough:
        needed = math.ceil(wide_enough / max(narrowest, 1e-3)) * max(1.0, picture.shape[0] / picture.shape[1])
        picture = decode(crops[0].path, at_least=math.ceil(needed))
    return [cut(picture, crop.box) for crop in crops]


def write_crop(data_dir: Path, crop: Crop, picture: Picture) -> None:
    """Write a crop's picture, its longer side at most 512 pixels; complete or not there at all. Raises OSError."""
    place = crop_path(data_dir, results.crop_name(crop.detection_id, crop.box))
    shared.write_jpeg(data_dir, place, picture, CROP_SIDE, CROP_QUALITY)


def _store(context: Context, cut_from: Sequence[tuple[int, Box]], answers: Sequence[Answer]) -> None:
    with context.survey.write() as session:
        for answer in answers:
            version = results.model_version(session, MODELS[answer.model].task, answer.result.provenance)
            for (detection_id, box), value in zip(cut_from, answer.result.values, strict=True):
                if isinstance(value, (np.ndarray, LocalFeatures)):
                    results.store_feature(session, detection_id, version, box, value, answer.call_id)
                else:
                    assert isinstance(value, Failure)
