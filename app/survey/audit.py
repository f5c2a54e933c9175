"""Who signed in, exported, moved a job, chose a profile or kept a model warm, when: shown in History, never changed."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.decisions import AuditEntry

SIGNED_IN, REFUSED, EXPORTED = "signed in", "refused", "exported"
MOVED, MOVED_BACK = "moved to the front", "moved back"  # a job that waited
PROFILE, WARM, COLD = "RAPID profile", "keep warm", "no longer warm"


def note(session: Session, who: str, kind: str, about: str = "") -> None:
    """Write one entry. about: what was exported, moved or chosen, or why somebody was refused."""
    session.add(AuditEntry(who=who[:80], kind=kind, about=about[:400]))


def newest(session: Session, most: int) -> Sequence[AuditEntry]:
    """The newest entries, newest first."""
    return session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(most)).all()
