"""Crops that RAPID's coarse profile has described and its finer one has not, and which of the two ranks.

The coarse one ranks until every crop has been described by the finer one too, so that no crop is ever missing among the
candidates; a crop that comes with the coarse one alone gives the ranking back to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.detections import rapid_profile
from app.survey.detections.features import still_animals
from app.survey.detections.results import box_key
from app.survey.tables.detections import Feature, ModelVersion
from modal_backend.contracts import Box
from modal_backend.registry import LOCAL, LOCAL_FINE

# Crops a survey may have for both profiles. In memory 1,000 crops of the finer one take 0.4 GB (measured: 397 MB for
# 1,000, 754 MB for 2,000, 1,657 MB for 5,000), and a query among 2,000 some 64 ms of one core (coarse: 11 ms).
MOST_CROPS = 2_000


def sentence(session: Session, finer: str) -> str:
    """Which profile ranks, and how many crops the finer one has not described."""
    if rapid_profile.chosen(session) == finer:
        return "RAPID 448, the finer profile, ranks."
    if more_than(session, MOST_CROPS):
        return f"RAPID ranks; its finer profile is kept for surveys of up to {MOST_CROPS:,} crops."
    waiting = lacking_count(session, finer)
    wait = "1 crop waits" if waiting == 1 else f"{waiting:,} crops wait"
    return f"RAPID ranks; {wait} to be described by its finer profile, which takes over after that."


def coarse_alone(session: Session, coarse: str, finer: str, boxes: Mapping[int, Box]) -> None:
    """The coarse profile has just described these boxes alone: it ranks, and what the finer one said of older boxes of
    theirs is forgotten."""
    if rapid_profile.chosen(session) != coarse:
        rapid_profile.choose(session, coarse)
    stale = sa.select(Feature.id, Feature.detection_id, Feature.box).where(
        Feature.detection_id.in_(boxes), Feature.model_version_id.in_(_versions(finer))
    )
    moved = [row.id for row in session.execute(stale) if row.box != box_key(boxes[row.detection_id])]
    if moved:
        session.execute(sa.delete(Feature).where(Feature.id.in_(moved)))


def more_than(session: Session, crops: int) -> bool:
    """Whether RAPID has described more crops than so many, by either profile."""
    described = sa.select(Feature.detection_id).where(Feature.model_version_id.in_(_versions(LOCAL, LOCAL_FINE)))
    some = described.distinct().limit(crops + 1).subquery()
    return (session.scalar(sa.select(sa.func.count()).select_from(some)) or 0) > crops


def lacking(session: Session, profile: str, *, limit: int) -> list[int]:
    """Animals that only the other profile has described, in the order of their ids."""
    ids = sa.select(Feature.detection_id).where(*_lacking(profile)).distinct()
    return list(session.scalars(ids.order_by(Feature.detection_id).limit(limit)))


def lacking_count(session: Session, profile: str) -> int:
    """How many animals only the other profile has described."""
    return session.scalar(sa.select(sa.func.count(sa.distinct(Feature.detection_id))).where(*_lacking(profile))) or 0


def best(session: Session, coarse: str, finer: str) -> str:
    """The profile that should rank: the finer one where it has described every crop, else the coarse one."""
    some = sa.select(Feature.id).limit(1)
    if session.scalar(some.where(Feature.model_version_id.in_(_versions(finer)))) is None:
        return coarse
    return finer if session.scalar(some.where(*_lacking(finer))) is None else coarse


def _versions(*names: str) -> Any:
    return sa.select(ModelVersion.id).where(ModelVersion.model.in_(names))


def _lacking(profile: str) -> list[sa.ColumnElement[bool]]:
    other = LOCAL if profile == LOCAL_FINE else LOCAL_FINE
    seen = sa.select(Feature.detection_id).where(Feature.model_version_id.in_(_versions(profile)))
    return [
        Feature.model_version_id.in_(_versions(other)),
        Feature.detection_id.not_in(seen),
        *still_animals(),
    ]
