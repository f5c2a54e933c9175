"""The same box again and again: a stump or a leaf at one camera that a detector takes for an animal.

Boxes of one deployment that share their place and their look, in several events that lie far apart: an animal that
rests or comes back is seen elsewhere, turned, or in one event. Nothing is decided here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.detections.features import present_versions
from app.survey.tables.deployments import Deployment
from app.survey.tables.detections import Analysis, Detection, DetectionReview, Feature, MediaReview, ModelVersion
from app.survey.tables.individuals import Sighting
from app.survey.tables.media import Media
from modal_backend.contracts import Box, Category
from modal_backend.models.detectors.overlap import pairwise_overlap
from modal_backend.registry import EMBEDDING

SAME_PLACE, SAME_LOOK = 0.6, 0.8
LEAST_EVENTS, LEAST_HOURS = 4, 6.0
MOST_PLACES = 30


@dataclass(frozen=True, slots=True)
class Repeated:
    """One place of a deployment at which the same box was found.

    Attributes:
        detection_ids: of the boxes, the surest first. media_id: of the surest. box: the surest's.
        events: in how many events.
    """

    deployment: str
    media_id: int
    sha256: str
    box: Box
    detection_ids: tuple[int, ...]
    events: int


def repeated(session: Session) -> list[Repeated]:
    """The places with the most boxes first, at most 30; boxes that a person has looked at are no part of it."""
    places: list[Repeated] = []
    by_deployment: dict[tuple[int, str], list[Any]] = defaultdict(list)
    for row in session.execute(_untouched()):
        by_deployment[row.deployment_id, row.name].append(row)
    for (_, name), rows in by_deployment.items():
        if len({row.event_id for row in rows}) >= LEAST_EVENTS:
            places += [_place(name, group) for group in _same(rows, _looks(session, [row.id for row in rows]))]
    return sorted(places, key=lambda place: -len(place.detection_ids))[:MOST_PLACES]


def _untouched() -> sa.Select[Any]:
    """The animals of images that a model found at its threshold and nobody said anything about, surest first."""
    untouched = [~sa.exists().where(table.detection_id == Detection.id) for table in (DetectionReview, Sighting)] + [
        ~sa.exists().where(MediaReview.media_id == Media.id)
    ]
    columns: list[Any] = [Detection.id, Detection.media_id, Detection.x, Detection.y, Detection.width, Detection.height]
    columns += [Media.sha256, Media.event_id, Media.taken_at, Media.deployment_id, Deployment.name]
    return (
        sa.select(*columns)
        .join(Media, Media.analysis_id == Detection.analysis_id)
        .join(Analysis, Analysis.id == Detection.analysis_id)
        .join(ModelVersion, ModelVersion.id == Analysis.model_version_id)
        .join(Deployment, Deployment.id == Media.deployment_id)
        .where(
            Media.kind == "image",
            Media.event_id.is_not(None),
            Detection.category == str(Category.ANIMAL),
            Detection.confidence >= ModelVersion.threshold,
            *untouched,
        )
        .order_by(Detection.confidence.desc(), Detection.id)
    )  # fmt: skip


def _looks(session: Session, detection_ids: Sequence[int]) -> dict[int, NDArray[np.float32]]:
    """Unit vectors of these boxes by the pocket embedding, where it has described them."""
    versions = present_versions(session, EMBEDDING)
    found: dict[int, NDArray[np.float32]] = {}
    for chunk in slices(sorted(detection_ids)):
        rows = sa.select(Feature.detection_id, Feature.vectors).where(
            Feature.detection_id.in_(chunk), Feature.model_version_id.in_(versions)
        )
        found.update({row.detection_id: np.frombuffer(row.vectors, np.float32) for row in session.execute(rows)})
    return found


def _same(rows: list[Any], looks: dict[int, NDArray[np.float32]]) -> list[list[Any]]:
    """Groups of rows (surest first) whose place and look are those of their first one."""
    boxes = np.array([[row.x, row.y, row.x + row.width, row.y + row.height] for row in rows])
    left, groups = list(range(len(rows))), []
    while left:
        first, others = left[0], np.array(left)
        near = others[pairwise_overlap(boxes[[first]], boxes[others])[0] >= SAME_PLACE]
        look = looks.get(rows[first].id)
        alike = [i for i in near if look is not None and rows[i].id in looks and looks[rows[i].id] @ look >= SAME_LOOK]
        group = [rows[i] for i in alike]
        times = [row.taken_at for row in group if row.taken_at]
        hours = (max(times) - min(times)).total_seconds() / 3600 if times else 0.0
        if len({row.event_id for row in group}) >= LEAST_EVENTS and hours >= LEAST_HOURS:
            groups.append(group)
        gone = {first, *alike}
        left = [index for index in left if index not in gone]
    return groups


def _place(deployment: str, group: list[Any]) -> Repeated:
    best = group[0]
    return Repeated(
        deployment=deployment,
        media_id=best.media_id,
        sha256=best.sha256,
        box=Box(best.x, best.y, best.width, best.height),
        detection_ids=tuple(row.id for row in group),
        events=len({row.event_id for row in group}),
    )
