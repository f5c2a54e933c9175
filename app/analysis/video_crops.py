"""Crops out of videos: each tracklet's best ones, their features pooled into one query for Identify."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy.orm import Session

from app.analysis.calls import Answer, call
from app.analysis.context import Context
from app.analysis.crops import Crop, cut, write_crop
from app.survey.detections import results
from app.survey.detections.boxes import boxes
from app.survey.tables.media import Media
from app.survey.tables.videos import FrameDetection, TrackletRow
from app.survey.videos import tracklets
from modal_backend.contracts import LocalFeatures, Picture, Vector
from modal_backend.registry import MODELS, Task

POOLED = 3  # crops of one tracklet
APART_SECONDS = 0.5


def describe_tracklets(context: Context, media_id: int, job: str | None = None) -> None:
    """Give each animal tracklet of a video one query: its best seen box, with the features of its best crops.

    Of every run of the video; tracklets that have their query are passed over. job: see `calls.ask`.

    Raises BackendError, VideoError.
    """
    with context.survey.read() as session:
        wanted = {
            key: _best(tracklets.detections_of(session, key)) for key in tracklets.without_query(session, media_id)
        }
    for tracklet_id, frames in wanted.items():
        crops = crops_at(context, [frame.detection_id for frame in frames])
        if crops:
            _describe(context, tracklet_id, crops, job)


def crops_at(context: Context, detection_ids: Sequence[int]) -> list[Crop]:
    """The crops of these detections of videos, cut from the full frames; what cannot be decoded any more is left out.

    In the order of the ids. Raises VideoError when a video does not open.
    """
    from app.video.reading.decode import frames_at

    with context.survey.read() as session:
        views, frames = boxes(session, detection_ids), tracklets.frames_of(session, detection_ids)
        media = {view.media_id: session.get_one(Media, view.media_id) for view in views.values()}
    pictures: dict[tuple[int, float], Picture] = {}
    for media_id, video in media.items():
        seconds = [frames[key].second for key, view in views.items() if view.media_id == media_id and key in frames]
        found = frames_at(context.path_of(video), seconds)
        pictures.update({(media_id, second): picture for second, picture in found.items()})
    crops = []
    for view in (views[key] for key in detection_ids if key in views and key in frames):
        picture = pictures.get((view.media_id, frames[view.id].second))
        if picture is not None:
            path = context.path_of(media[view.media_id])
            crops.append(Crop(view.id, path, view.box, picture, picture.shape[1]))
    return crops


def _best(frames: Sequence[FrameDetection]) -> list[FrameDetection]:
    """Up to POOLED of the best seen ones, half a second apart where there are enough."""
    chosen: list[FrameDetection] = []
    for apart in (APART_SECONDS, 0.0):
        for frame in frames:
            far = all(abs(frame.second - other.second) >= apart for other in chosen)
            if far and len(chosen) < POOLED and frame not in chosen:
                chosen.append(frame)
    return chosen


def _describe(context: Context, tracklet_id: int, crops: Sequence[Crop], job: str | None) -> None:
    pictures = [cut(crop.picture, crop.box) for crop in crops]
    for crop, picture in zip(crops, pictures, strict=True):
        write_crop(context.survey.data_dir, crop, picture)
    answers = [call(context, job, model, pictures) for model in context.choose().describing]
    query = crops[0]
    with context.survey.write() as session:
        for answer in answers:
            _keep(session, query, answer)
        session.get_one(TrackletRow, tracklet_id).query_id = query.detection_id


def _keep(session: Session, query: Crop, answer: Answer) -> None:
    task, values = MODELS[answer.model].task, answer.result.values
    value = _pooled_vectors(values) if task == Task.EMBED else _pooled_features(values)
    if value is not None:
        version = results.model_version(session, task, answer.result.provenance)
        results.store_feature(session, query.detection_id, version, query.box, value, answer.call_id)


def _pooled_vectors(values: Sequence[object]) -> Vector | None:
    """The mean of unit vectors, at length 1 again (Zheng et al., MARS, ECCV 2016); None without any."""
    vectors = [value for value in values if isinstance(value, np.ndarray)]
    if not vectors:
        return None
    mean = np.mean(vectors, axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)


def _pooled_features(values: Sequence[object]) -> LocalFeatures | None:
    """The strongest features of each crop, as many in all as one crop has, in the place they have on the first crop.

    RAPID weighs a match by how alike two points lie on their crops, so places are kept in shares of the crop.
    """
    crops = [value for value in values if isinstance(value, LocalFeatures) and len(value.points)]
    if not crops:
        return next((value for value in values if isinstance(value, LocalFeatures)), None)
    first = crops[0]
    each = -(-max(len(crop.points) for crop in crops) // len(crops))
    points, descriptors = [], []
    for crop in crops:
        moved = crop.points[:each].copy()
        moved[:, 0] *= first.width / crop.width
        moved[:, 1] *= first.height / crop.height
        points.append(moved)
        descriptors.append(crop.descriptors[:each])
    return LocalFeatures(np.concatenate(points), np.concatenate(descriptors), first.width, first.height)
