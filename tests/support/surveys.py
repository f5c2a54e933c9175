"""Rows for tests of the survey: media with boxes, without any model."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from app.survey.database import Survey
from app.survey.detections import results
from app.survey.detections.boxes import rescore
from app.survey.media import imports
from app.survey.tables.media import ListedFile, Media, Stage
from modal_backend.contracts import Box, Category, Detection, Provenance

DETECTOR = Provenance("embedded", "pocket-detector", "test", "0" * 64, "test")
LOCAL = Provenance("embedded", "rapid", "test", "", "test")
START = datetime(2024, 3, 12, 5, 41)


def found(confidence: float = 0.9, x: float = 0.2, category: Category = Category.ANIMAL) -> Detection:
    """A box a detector could have found."""
    return Detection(category, confidence, Box(x, 0.3, 0.3, 0.4))


def add_media(
    survey: Survey,
    boxes: list[Detection] | None = None,
    *,
    folder: str = "Ridge 1",
    minutes: float | None = 0.0,
    name: str | None = None,
) -> tuple[int, list[int]]:
    """One analysed media; returns its id and the ids of its detections."""
    with survey.write() as session:
        batch = imports.start_import(session, kind="folder", root="/card", label="card")
        number = session.query(Media).count() + 1
        path = f"{folder}/{name or f'IMG_{number:04d}.JPG'}"
        media = Media(
            sha256=f"{number:064x}",
            format="jpeg",
            bytes=1000,
            width=1600,
            height=1200,
            taken_at=START + timedelta(minutes=minutes) if minutes is not None else None,
            deployment_id=imports.deployment_for(session, batch, path),
            stage=Stage.READY,
        )
        session.add(media)
        session.flush()
        session.add(ListedFile(import_id=batch.id, path=path, media_id=media.id, outcome="new", bytes=1000))
        version = results.model_version(session, "detect", DETECTOR, 0.5)
        ids = results.store_analysis(session, media.id, version, None, boxes or [])
        rescore(session, [media.id])
        return media.id, ids


def describe(survey: Survey, detection_id: int, seed: int, provenance: Provenance = LOCAL) -> None:
    """Give a detection SIFT-like features drawn from a seed."""
    from modal_backend.contracts import LocalFeatures

    random = np.random.default_rng(seed)
    features = LocalFeatures(
        points=random.uniform(0, 200, (40, 4)).astype(np.float32),
        descriptors=random.integers(0, 255, (40, 128), dtype=np.uint8),
        width=224,
        height=160,
    )
    with survey.write() as session:
        version = results.model_version(session, "local features", provenance)
        results.store_feature(session, detection_id, version, Box(0.2, 0.3, 0.3, 0.4), features, None)
