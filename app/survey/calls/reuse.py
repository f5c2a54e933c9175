"""Answers that are kept by content: the same picture twice is asked about once. How many, how large, how often."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.media.imports import outcomes
from app.survey.tables.detections import Analysis, Feature
from app.survey.tables.media import ImportBatch, Outcome

WEIGHED = 500  # newest features, whose mean size stands for all


@dataclass(frozen=True, slots=True)
class Asked:
    """How often an answer was there already.

    Attributes:
        files: images and videos that imports brought, and that were read without fault.
        reused: those of them whose content was here before, so that no model was called for them.
        since: when the first import began, in seconds since 1970; None before it.
    """

    files: int
    reused: int
    since: float | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept. rows: analyses, and features of crops. bytes: what the features hold, about."""

    rows: int
    bytes: int


def asked(session: Session) -> Asked:
    """How often an answer was there already; imports under way are counted as far as they are."""
    batch, new, there = ImportBatch, ImportBatch.new_files, ImportBatch.duplicate_files
    row = session.execute(
        sa.select(sa.func.sum(new), sa.func.sum(sa.case((new.is_not(None), there))), sa.func.min(batch.created_at))
    ).one()
    files, reused = int(row[0] or 0), int(row[1] or 0)
    for number in session.scalars(sa.select(batch.id).where(new.is_(None))):
        counts = outcomes(session, number)
        files, reused = files + counts[Outcome.NEW], reused + counts[Outcome.DUPLICATE]
    return Asked(files + reused, reused, row[2])


def kept(session: Session) -> Kept:
    """What is kept; the size is that of the newest features times their number."""
    analyses, features = (session.scalar(sa.select(sa.func.count(table.id))) or 0 for table in (Analysis, Feature))
    held = sa.func.length(Feature.vectors) + sa.func.coalesce(sa.func.length(Feature.points), 0)
    newest = sa.select(held.label("held")).order_by(Feature.id.desc()).limit(WEIGHED).subquery()
    mean = session.scalar(sa.select(sa.func.avg(newest.c.held))) or 0
    return Kept(analyses + features, round(float(mean) * features))
