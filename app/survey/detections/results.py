"""Write what models found: model versions, analyses with their boxes, features, rankings."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.detections.replaced import put_aside
from app.survey.tables.detections import Analysis, BoxAside, Detection, Feature, ModelVersion
from app.survey.tables.media import Media
from app.survey.tables.species import SpeciesHint
from modal_backend.contracts import Box, LocalFeatures, Provenance, Vector
from modal_backend.contracts import Detection as Found
from modal_backend.registry import EMBEDDING

# Of the matcher's descriptors; SIFT's have 128 values.
MATCHER_DIMENSION = 64
USUAL_THRESHOLD = 0.5


def model_version(session: Session, task: str, provenance: Provenance, threshold: float | None = None) -> ModelVersion:
    """The row for this backend, model, version, weights and preprocessing; made when it is new."""
    values = {
        "task": task,
        "backend": provenance.backend,
        "model": provenance.model,
        "version": provenance.version,
        "weights_sha256": provenance.weights_sha256,
        "preprocessing": provenance.preprocessing,
    }
    row = session.scalar(sa.select(ModelVersion).filter_by(**values))
    if row is None:
        row = ModelVersion(**values, threshold=threshold)
        session.add(row)
        session.flush()
    return row


def store_analysis(
    session: Session, media_id: int, version: ModelVersion, call_id: int | None, found: Sequence[Found]
) -> list[int]:
    """Write a detector's answer for one media, which counts from now on; returns the ids of its detections, in order.

    The same detector's earlier answer for the media stands: it counts, its ids are returned, no box is written.
    """
    analysis_id, ids = keep_analysis(session, media_id, version, call_id, found)
    session.execute(sa.update(Media).where(Media.id == media_id).values(analysis_id=analysis_id))
    session.flush()
    others = sa.select(Analysis.id).where(Analysis.media_id == media_id, Analysis.id != analysis_id)
    if session.scalar(others.limit(1)) is not None:
        put_aside(session, [media_id])
    return ids


def keep_analysis(
    session: Session, media_id: int, version: ModelVersion, call_id: int | None, found: Sequence[Found]
) -> tuple[int, list[int]]:
    """Write a detector's answer for one media beside the one that counts.

    The same detector's earlier answer for the media stands: nothing is written.

    Returns:
        The id of the analysis, and those of its detections in order.
    """
    known = session.scalar(
        sa.select(Analysis.id).where(Analysis.media_id == media_id, Analysis.model_version_id == version.id)
    )
    if known is not None:
        return known, detection_ids(session, known)
    analysis = Analysis(media_id=media_id, model_version_id=version.id, call_id=call_id)
    session.add(analysis)
    session.flush()
    rows = [Detection(**detection_row(media_id, analysis.id, detection)) for detection in found]
    session.add_all(rows)
    session.flush()
    return analysis.id, [row.id for row in rows]


def detection_row(media_id: int, analysis_id: int, found: Found) -> dict[str, Any]:
    """The columns of a box that a model found."""
    about = {"media_id": media_id, "analysis_id": analysis_id}
    return {**about, "category": str(found.category), "confidence": found.confidence, **asdict(found.box)}


def threshold_of(version: ModelVersion | None) -> float:
    """From which confidence on the boxes of a detector count; a usual one where there is no detector yet."""
    return version.threshold if version and version.threshold else USUAL_THRESHOLD


def detector_of(session: Session, media_id: int) -> str | None:
    """The name of the model whose boxes count for a media; None before its first analysis."""
    return session.scalar(
        sa.select(ModelVersion.model)
        .join(Analysis, Analysis.model_version_id == ModelVersion.id)
        .join(Media, Media.analysis_id == Analysis.id)
        .where(Media.id == media_id)
    )


def detection_ids(session: Session, analysis_id: int) -> list[int]:
    """Ids of an analysis' detections in the order they were written."""
    return list(
        session.scalars(sa.select(Detection.id).where(Detection.analysis_id == analysis_id).order_by(Detection.id))
    )


def box_key(box: Box) -> str:
    """The rectangle a feature was computed from, as text."""
    return f"{box.x:.5f},{box.y:.5f},{box.width:.5f},{box.height:.5f}"


def crop_name(detection_id: int, box: Box) -> str:
    """File name of a detection's crop picture; another box gives another name."""
    return f"{detection_id}-{hashlib.sha256(box_key(box).encode()).hexdigest()[:8]}.jpg"


def store_feature(
    session: Session,
    detection_id: int,
    version: ModelVersion,
    box: Box,
    value: Vector | LocalFeatures,
    call_id: int | None,
) -> None:
    """Write one crop's embedding or local features, in place of those of an older box of the same detection.

    A box that was taken back while it was described gets none; one that was replaced meanwhile is put aside. The
    matcher's are compressed: its points as half floats, which hold what its reader gives.
    """
    counting = sa.select(Detection.analysis_id, Media.analysis_id).join(Media, Media.id == Detection.media_id)
    analyses = session.execute(counting.where(Detection.id == detection_id)).one_or_none()
    if analyses is None:
        return
    if analyses[0] not in (None, analyses[1]):
        session.merge(BoxAside(detection_id=detection_id))
    if isinstance(value, LocalFeatures):
        packed = value.descriptors.shape[1] == MATCHER_DIMENSION
        points = np.ascontiguousarray(value.points, np.float16 if packed else np.float32).tobytes()
        vectors = np.ascontiguousarray(value.descriptors, np.uint8).tobytes()
        content: dict[str, Any] = {
            "count": len(value.descriptors),
            "width": value.width,
            "height": value.height,
            "points": zlib.compress(points) if packed else points,
            "vectors": zlib.compress(vectors) if packed else vectors,
        }
    else:
        content = {"count": len(value), "vectors": np.ascontiguousarray(value, np.float32).tobytes()}
    key = {"detection_id": detection_id, "model_version_id": version.id}
    session.execute(sa.delete(Feature).filter_by(**key))
    if version.model == EMBEDDING:  # hints are read from it, and an id may come again
        session.execute(sa.delete(SpeciesHint).filter_by(detection_id=detection_id, source=None))
    session.add(Feature(**key, box=box_key(box), call_id=call_id, **content))
    session.flush()


def local_features(row: Feature) -> LocalFeatures:
    """A stored row as SIFT features."""
    return LocalFeatures(
        points=np.frombuffer(row.points or b"", np.float32).reshape(-1, 4),
        descriptors=np.frombuffer(row.vectors, np.uint8).reshape(-1, 128),
        width=row.width or 0,
        height=row.height or 0,
    )


def matcher_features(row: Feature) -> LocalFeatures:
    """A stored row as the matcher's features."""
    points = np.frombuffer(zlib.decompress(row.points or b""), np.float16)
    descriptors = np.frombuffer(zlib.decompress(row.vectors), np.uint8)
    return LocalFeatures(
        points=points.reshape(-1, 4).astype(np.float32),
        descriptors=descriptors.reshape(-1, MATCHER_DIMENSION),
        width=row.width or 0,
        height=row.height or 0,
    )


def embedding(row: Feature) -> Vector:
    """A stored row as an embedding."""
    return np.frombuffer(row.vectors, np.float32)
