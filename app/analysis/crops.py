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
from app.survey.detections import both_profiles, results
from app.survey.detections.boxes import boxes
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
    shop: Workshop, crops: Sequence[Crop], queued_at: float | None = None, *, finer: bool = False
) -> None:
    """Write the crop picture, the embeddings and the SIFT features of each crop. Raises BackendError.

    finer: by RAPID's finer profile too, where the worker keeps both.
    """
    if not crops:
        return
    queued_at = queued_at or time.time()
    choice = shop.choose()
    profiles = (choice.local, choice.finer) if finer and choice.finer else (choice.local,)
    pictures = _cut_all(shop, crops, max(choice.crop_side, *(MODELS[name].side for name in profiles)))
    local = [shop.describers.submit(shop.call, name, pictures, queued_at) for name in profiles]
    saved = [
        shop.describers.submit(write_crop, shop.survey.data_dir, *pair) for pair in zip(crops, pictures, strict=True)
    ]
    embedded = [shop.call(model, pictures, queued_at) for model in choice.embeddings]
    for one in saved:
        one.result()
    described = [one.result() for one in local]  # before the transaction: those threads write the ledger when they end
    cut_from = [(crop.detection_id, crop.box) for crop in crops]
    with shop.survey.write() as session:
        for answer in embedded:
            _store(session, Task.EMBED, cut_from, *answer)
        for answer in described:
            _store(session, Task.LOCAL_FEATURES, cut_from, *answer)
        if choice.finer and choice.finer not in profiles:
            both_profiles.coarse_alone(session, choice.local, choice.finer, dict(cut_from))


def describe_finer(shop: Workshop, crops: Sequence[Crop], model: str) -> None:
    """Write the features of these crops by one profile of RAPID alone; not those whose box has moved meanwhile.

    Raises BackendError.
    """
    if not crops:
        return
    result, call_id = shop.call(model, _cut_all(shop, crops, MODELS[model].side))
    with shop.survey.write() as session:
        version = results.model_version(session, Task.LOCAL_FEATURES, result.provenance)
        now = boxes(session, [crop.detection_id for crop in crops])
        for crop, value in zip(crops, result.values, strict=True):
            view = now.get(crop.detection_id)
            stays = view is not None and view.box == crop.box
            if stays and isinstance(value, LocalFeatures):
                results.store_feature(session, crop.detection_id, version, crop.box, value, call_id)


def cut_all(shop: Workshop, crops: Sequence[Crop]) -> list[Picture]:
    """The crops' pictures, in order; each is also written as a file."""
    pictures = _cut_all(shop, crops, shop.choose().crop_side)
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
