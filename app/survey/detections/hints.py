"""What the hint model holds the animals in boxes for: a suggestion beside a box, never a label by itself.

Hints are read from the pocket embedding's features; see modal_backend/models/species/hints.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.detections.boxes import IS_ANIMAL, NOT_REJECTED, BoxView
from app.survey.tables.detections import Detection, DetectionReview, Feature, ModelVersion
from app.survey.tables.media import Media
from app.survey.tables.species import LONGEST, SpeciesHint
from modal_backend.contracts import Category
from modal_backend.models.species.hints import SHOWN_FROM, VERSION
from modal_backend.registry import EMBEDDING

SLICE = 1000


@dataclass(frozen=True, slots=True)
class Hint:
    """A name for the animal in a box, and the chance that it is right, 0 to 1. source: another tool's classifier."""

    name: str
    score: float
    source: str | None = None


def may_have(box: BoxView) -> bool:
    """Whether a hint says anything about a box: an animal that nobody has labelled or deleted."""
    return box.category == Category.ANIMAL and box.species is None and box.verdict != "rejected"


def of_boxes(session: Session, detection_ids: Collection[int]) -> dict[int, Hint]:
    """The hints that are sure enough to be shown, by box."""
    found: dict[int, Hint] = {}
    for chunk in slices(sorted(detection_ids)):
        rows = sa.select(SpeciesHint).where(
            SpeciesHint.detection_id.in_(chunk), _current(), SpeciesHint.score >= SHOWN_FROM
        )
        found.update({row.detection_id: Hint(row.name, row.score, row.source) for row in session.scalars(rows)})
    return found


def names(session: Session) -> list[tuple[str, int]]:
    """The names that boxes nobody has labelled have as a hint, with the number of boxes, the most first."""
    counted = sa.func.count().label("boxes")
    rows = sa.select(SpeciesHint.name, counted).where(*_open()).group_by(SpeciesHint.name)
    return [(row.name, row.boxes) for row in session.execute(_joined(rows).order_by(counted.desc(), SpeciesHint.name))]


def media_with(name: str) -> sa.Select[tuple[int]]:
    """Ids of the media with a box that has this hint and no label."""
    return _joined(sa.select(Detection.media_id).where(SpeciesHint.name == name, *_open()))


def newest(session: Session) -> int:
    """The last feature that a hint was read from; 0 before the first of this version."""
    read = sa.select(sa.func.max(SpeciesHint.feature_id)).where(SpeciesHint.version == VERSION)
    return session.scalar(read) or 0


def lacking(session: Session, limit: int = SLICE) -> list[int]:
    """Ids of the next features to read, those after the last one read."""
    embeddings = sa.select(ModelVersion.id).where(ModelVersion.model == EMBEDDING)
    next_ones = sa.select(Feature.id).where(Feature.model_version_id.in_(embeddings), Feature.id > newest(session))
    return list(session.scalars(next_ones.order_by(Feature.id).limit(limit)))


def vectors(session: Session, feature_ids: Collection[int]) -> tuple[list[tuple[int, int]], NDArray[np.float32]]:
    """Ids of feature and box, and the embeddings (n, 1280), in the order of the features."""
    rows = session.execute(
        sa.select(Feature.id, Feature.detection_id, Feature.vectors)
        .where(Feature.id.in_(list(feature_ids)))
        .order_by(Feature.id)
    ).all()
    ids = [(row.id, row.detection_id) for row in rows]
    return ids, np.stack([np.frombuffer(row.vectors, np.float32) for row in rows])


def put(session: Session, read: Mapping[int, tuple[int, str, float]]) -> None:
    """Write hints, in place of earlier ones; those of other tools stand.

    read: by box, the id of the feature, name and score.
    """
    mine = SpeciesHint.detection_id.in_(list(read))
    session.execute(sa.delete(SpeciesHint).where(mine, SpeciesHint.source.is_(None)))
    there = set(session.scalars(sa.select(Detection.id).where(Detection.id.in_(list(read)))))
    for brought in session.scalars(sa.select(SpeciesHint).where(mine)):
        brought.feature_id, brought.version = read[brought.detection_id][0], VERSION
        there.discard(brought.detection_id)
    session.add_all(
        SpeciesHint(detection_id=box, feature_id=feature, version=VERSION, name=name, score=score)
        for box, (feature, name, score) in read.items()
        if box in there
    )


def bring_in(session: Session, brought: Mapping[int, Hint]) -> None:
    """Write the hints that came with boxes of another tool, by box. No such box may have one."""
    if brought:
        rows = [
            {
                "detection_id": box, "feature_id": 0, "version": "", "name": hint.name[:LONGEST],
                "score": hint.score, "source": (hint.source or "")[:64],
            }
            for box, hint in brought.items()
        ]  # fmt: skip
        session.execute(sa.insert(SpeciesHint), rows)


def _current() -> sa.ColumnElement[bool]:
    """Hints of this version of the model, and those that came in."""
    return sa.or_(SpeciesHint.version == VERSION, SpeciesHint.source.is_not(None))


def _joined(rows: sa.Select[*tuple[Any, ...]]) -> sa.Select[*tuple[Any, ...]]:
    """With the box, its media and what a person decided about it."""
    return (
        rows.select_from(SpeciesHint)
        .join(Detection, Detection.id == SpeciesHint.detection_id)
        .join(Media, Media.id == Detection.media_id)
        .outerjoin(DetectionReview, DetectionReview.detection_id == Detection.id)
    )


def _open() -> list[sa.ColumnElement[bool]]:
    """Hints that are shown, on animals that nobody has labelled or deleted."""
    return [
        _current(),
        SpeciesHint.score >= SHOWN_FROM,
        sa.or_(Detection.drawn_by.is_not(None), Detection.analysis_id == Media.analysis_id),
        IS_ANIMAL,
        NOT_REJECTED,
        DetectionReview.species.is_(None),
    ]
