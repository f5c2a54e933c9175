"""Crops out of clips: each tracklet's best ones, their features pooled into one query for Identify."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from sqlalchemy.orm import Session

from app.analysis.clip_calls import call
from app.analysis.context import Workshop
from app.analysis.crops import Crop, cut, write_crop
from app.ingest.formats import Format
from app.survey.detections import results
from app.survey.detections.boxes import BoxView, boxes
from app.survey.tables.media import Media
from app.survey.tables.videos import FrameDetection, TrackletRow
from app.survey.videos import tracklets
from modal_backend.contracts import LocalFeatures, Picture, Provenance, Vector
from modal_backend.registry import Task

POOLED = 3  # crops of one tracklet
APART_SECONDS = 0.5


def describe_tracklets(shop: Workshop, media_id: int, job: str | None = None) -> None:
    """Give each animal tracklet of a clip one query: its best seen box, with the features of its best crops.

    Of every run of the clip; tracklets that have their query are passed over. job: see clip_calls.call.

    Raises BackendError, VideoError.
    """
    with shop.survey.read() as session:
        wanted = {
            key: _best(tracklets.detections_of(session, key)) for key in tracklets.without_query(session, media_id)
        }
    for tracklet_id, frames in wanted.items():
        crops = crops_at(shop, [frame.detection_id for frame in frames])
        if crops:
            _describe(shop, tracklet_id, crops, job)


def crops_at(shop: Workshop, detection_ids: Sequence[int]) -> list[Crop]:
    """The crops of these detections of clips, cut from the full frames; what cannot be decoded any more is left out.

    In the order of the ids. Raises VideoError when a clip does not open.
    """
    from app.video.reading.decode import frames_at

    with shop.survey.read() as session:
        views, frames = boxes(session, detection_ids), tracklets.frames_of(session, detection_ids)
        media = {view.media_id: session.get_one(Media, view.media_id) for view in views.values()}
    pictures: dict[tuple[int, float], Picture] = {}
    for media_id, one in media.items():
        seconds = [frames[key].second for key, view in views.items() if view.media_id == media_id and key in frames]
        found = frames_at(shop.store.path_of(one.sha256, cast(Format, one.format)), seconds)
        pictures.update({(media_id, second): picture for second, picture in found.items()})
    return [
        _crop(media[views[key].media_id], views[key], pictures[views[key].media_id, frames[key].second])
        for key in detection_ids
        if key in views and key in frames and (views[key].media_id, frames[key].second) in pictures
    ]


def _crop(media: Media, view: BoxView, picture: Picture) -> Crop:
    return Crop(view.id, media.sha256, cast(Format, media.format), view.box, picture, picture.shape[1])


def _best(frames: Sequence[FrameDetection]) -> list[FrameDetection]:
    """Up to POOLED of the best seen ones, half a second apart where there are enough."""
    chosen: list[FrameDetection] = []
    for apart in (APART_SECONDS, 0.0):
        for frame in frames:
            far = all(abs(frame.second - other.second) >= apart for other in chosen)
            if far and len(chosen) < POOLED and frame not in chosen:
                chosen.append(frame)
    return chosen


def _describe(shop: Workshop, tracklet_id: int, crops: Sequence[Crop], job: str | None) -> None:
    pictures = [cut(crop.picture, crop.box) for crop in crops]
    for crop, picture in zip(crops, pictures, strict=True):
        write_crop(shop.survey.data_dir, crop, picture)
    choice = shop.choose()
    embedded = [call(shop, job, model, pictures, pictures) for model in choice.embeddings]
    local, local_call = call(shop, job, choice.local, pictures, pictures)
    query = crops[0]
    with shop.survey.write() as session:
        for found, call_id in embedded:
            _keep(session, Task.EMBED, query, found.provenance, _pooled_vectors(found.values), call_id)
        _keep(session, Task.LOCAL_FEATURES, query, local.provenance, _pooled_features(local.values), local_call)
        session.get_one(TrackletRow, tracklet_id).query_id = query.detection_id


def _keep(session: Session, task: Task, query: Crop, found_by: Provenance, value: object, call_id: int) -> None:
    if isinstance(value, (np.ndarray, LocalFeatures)):
        version = results.model_version(session, task, found_by)
        results.store_feature(session, query.detection_id, version, query.box, value, call_id)


def _pooled_vectors(values: Sequence[object]) -> Vector | None:
    """The mean of unit vectors, at length 1 again (Zheng et al., MARS, ECCV 2016); None without any."""
    vectors = [one for one in values if isinstance(one, np.ndarray)]
    if not vectors:
        return None
    mean = np.mean(vectors, axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)


def _pooled_features(values: Sequence[object]) -> LocalFeatures | None:
    """The strongest features of each crop, as many in all as one crop has, in the place they have on the first crop.

    RAPID weighs a match by how alike two points lie on their crops, so places are kept in shares of the crop.
    """
    crops = [one for one in values if isinstance(one, LocalFeatures) and len(one.points)]
    if not crops:
        return next((one for one in values if isinstance(one, LocalFeatures)), None)
    first = crops[0]
    each = -(-max(len(one.points) for one in crops) // len(crops))
    points, descriptors = [], []
    for one in crops:
        moved = one.points[:each].copy()
        moved[:, 0] *= first.width / one.width
        moved[:, 1] *= first.height / one.height
        points.append(moved)
        descriptors.append(one.descriptors[:each])
    return LocalFeatures(np.concatenate(points), np.concatenate(descriptors), first.width, first.height)
