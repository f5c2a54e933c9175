"""What an import has to say about files that it did take in: damaged, without a time or a place, at a doubtful one."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.deployments import Deployment
from app.survey.tables.media import ListedFile, Media

# Camera traps began to write files after that; a clock that was never set counts from 1970 or 2000.
FAR_DEGREES = 0.05  # of a picture's place from its deployment's: about 5 km
FIRST_DAY = datetime(2001, 1, 1)


class Remark(StrEnum):
    """One thing to say about media that were taken in."""

    DAMAGED = "damaged"
    UNTIMED = "untimed"
    UNPLACED = "unplaced"
    DISPLACED = "displaced"
    CLOCK = "clock"


def count(session: Session, import_id: int, remark: Remark) -> int:
    """How many files of an import this is to be said about."""
    return session.scalar(_files(import_id, remark).with_only_columns(sa.func.count())) or 0


def paths(session: Session, import_id: int, remark: Remark, limit: int = 1000) -> list[str]:
    """Those files, by path."""
    return list(session.scalars(_files(import_id, remark).order_by(ListedFile.path).limit(limit)))


def _files(import_id: int, remark: Remark) -> sa.Select[str]:
    rule = {
        Remark.DAMAGED: Media.damage.is_not(None),
        Remark.UNTIMED: Media.taken_at.is_(None),
        Remark.UNPLACED: sa.and_(Media.latitude.is_(None), Deployment.latitude.is_(None)),
        Remark.DISPLACED: sa.or_(
            sa.func.abs(Media.latitude - Deployment.latitude) > FAR_DEGREES,
            sa.func.abs(Media.longitude - Deployment.longitude) > FAR_DEGREES,
        ),
        Remark.CLOCK: sa.or_(Media.taken_at < FIRST_DAY, Media.taken_at > datetime.now() + timedelta(days=1)),
    }[remark]
    listed = sa.select(ListedFile.path).join(Media, Media.id == ListedFile.media_id)
    with_place = listed.outerjoin(Deployment, Deployment.id == Media.deployment_id)
    return with_place.where(ListedFile.import_id == import_id, rule)
