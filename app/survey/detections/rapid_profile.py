"""Which profile of RAPID ranks, where crops may be described by both: the finer one once it has seen every crop."""

from __future__ import annotations

import time

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.models import LocalProfile

ONLY = 1


def chosen(session: Session) -> str | None:
    """Name of the profile that ranks; None where nothing was chosen."""
    return session.scalar(sa.select(LocalProfile.model).where(LocalProfile.id == ONLY))


def choose(session: Session, model: str | None) -> None:
    """Rank by this profile from now on; None: by that of the newest crop."""
    row = session.get(LocalProfile, ONLY)
    if model is None:
        if row is not None:
            session.delete(row)
    elif row is None:
        session.add(LocalProfile(id=ONLY, model=model, since=time.time()))
    elif row.model != model:
        row.model, row.since = model, time.time()
    session.flush()
