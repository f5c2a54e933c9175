"""Cut the animals out of their pictures and describe them: a crop picture, an embedding, SIFT features."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from app.analysis.context import Workshop
from app.files import crop_path, write_jpeg
from app.ingest.formats import Format
from app.ingest.picture import decode
from app.survey.detections import results
from modal_backend.contracts import Box, Failure, LocalFeatures, Picture, Result
from modal_backend.registry import MODELS, Task

CROP_SIDE = 512
CROP_QUALITY = 82


@dataclass(frozen=True, slots=True)
class Crop:
    """One detection to describe. picture: its media, possibly reduced; media_width: the original's, in pixels."""

    detection_id: int
    sha256: str
    format: Format
    box: Box
    picture: Picture
    media_width: int


def describe_crops(
    shop: Workshop, crops: Sequence[Crop], queued_at: float | None = None, models: Sequence[str] = ()
) -> None:
    """Write the crop picture of each crop, and what the models make of it: embeddings and SIFT features.

    Args:
        queued_at: seconds since 1970, for the ledger.
        models: names of the models to ask; without any, all that are in use.

    Raises:
        BackendError: a model gave no answer; nothing but crop pictures has been written.
    """
    if not crops:
        return
    queued_at = queued_at or time.time()
    models = models or shop.choose().describing
    pictures = _cut_all(shop, crops, max(MODELS[model].side for model in models))
    local = [model for model in models if MODELS[model].task == Task.LOCAL_FEATURES]
    aside = [shop.describers.submit(shop.call, model, pictures, queued_at) for model in local]
    saved = [
        shop.describers.submit(write_crop, shop.survey.data_dir, *pair) for pair in zip(crops, pictures, strict=True)
    ]
    answers = [(model, shop.call(model, pictures, queued_at)) for model in models if model not in local]
    for writing in saved:
        writing.result()
    # Before the transaction: those threads write the ledger when they end.
    answers += [(model, answer.result()) for model, answer in zip(local, aside, strict=True)]
    cut_from = [(crop.detection_id, crop.box) for crop in crops]
    with shop.survey.write() as session:
        for model, (result, call_id) in answers:
            _store(session, MODELS[model].task, cut_from, result, call_id)


def cut_all(shop: Workshop, crops: Sequence[Crop], models: Sequence[str]) -> list[Picture]:
    """The crops' pictures, in order, as wide as these models need; each is also written as a file."""
    pictures = _cut_all(shop, crops, max(MODELS[model].side for model in models))
    for crop, picture in zip(crops, pictures, strict=True):
        write_crop(shop.survey.data_dir, crop, picture)
    return pictures


def store_described(shop: Workshop, task: Task, boxes: Sequence[tuple[int, Box]], result: Result, call_id: int) -> None:
    """Write what a model gave for crops, each with its detection's id and the box it was cut from."""
    with shop.survey.write() as session:
        _store(session, task, boxes, result, call_id)


def cut(picture: Picture, box: Box) -> Picture:
    """The part of a picture inside a box, RGB uint8, at least one pixel wide and high."""
    height, width = picture.shape[:2]
    left, top, right, bottom = box.pixels(width, height)
    return np.ascontiguousarray(picture[top:bottom, left:right])


def _cut_all(shop: Workshop, crops: Sequence[Crop], wide_enough: int) -> list[Picture]:
    """The crops' pictures, in order, so many pixels wide where their media is."""
    return [
        picture
        for _, group in groupby(crops, key=lambda crop: (crop.sha256, id(crop.picture)))
        for picture in _cut(shop, list(group), wide_enough)
    ]


def _cut(shop: Workshop, crops: list[Crop], wide_enough: int) -> list[Picture]:
    """The crops of one picture; from the full picture where the reduced one is too coarse."""
    picture = crops[0].picture
    narrowest = min(crop.box.width for crop in crops)
    if picture.shape[1] < crops[0].media_width and narrowest * picture.shape[1] < wide_enough:
        needed = math.ceil(wide_enough / max(narrowest, 1e-3)) * max(1.0, picture.shape[0] / picture.shape[1])
        picture = decode(shop.store.path_of(crops[0].sha256, crops[0].format), at_least=math.ceil(needed))
    return [cut(picture, crop.box) for crop in crops]


def write_crop(data_dir: Path, crop: Crop, picture: Picture) -> None:
    """Write a crop's picture, its longer side at most 512 pixels; complete or not there at all. Raises OSError."""
    place = crop_path(data_dir, results.crop_name(crop.detection_id, crop.box))
    write_jpeg(place, picture, CROP_SIDE, CROP_QUALITY)


def _store(session: Session, task: Task, cut_from: Iterable[tuple[int, Box]], result: Result, call_id: int) -> None:
    version = results.model_version(session, task, result.provenance)
    for (detection_id, box), value in zip(cut_from, result.values, strict=True):
        if isinstance(value, (np.ndarray, LocalFeatures)):
            results.store_feature(session, detection_id, version, box, value, call_id)
        else:
            assert isinstance(value, Failure)
