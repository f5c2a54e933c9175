"""The list of everything people decided, newest first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import IDS_A_QUERY
from app.survey.media.unsorted import first_path
from app.survey.tables.decisions import Decision
from app.survey.tables.individuals import Individual
from app.survey.tables.media import Media

UNSHOWN = {"id", "who", "decided_at", "created_at"}


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which decisions to list: one person's, one kind, about one media or individual; all of them by default."""

    who: str | None = None
    kind: str | None = None
    media_id: int | None = None
    individual_id: int | None = None
    standing: bool = False


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One decision of a person. decided_at and undone_at: seconds since 1970. file: name of the media it is about.

    media_id is None for a decision about several media; those are in view["media_ids"]. sha256: of the one media.
    """

    id: int
    kind: str
    who: str
    decided_at: float
    media_id: int | None
    detection_id: int | None
    individual_id: int | None
    view: dict[str, Any]
    undone_at: float | None
    undone_by: str | None
    file: str | None
    individual: str | None
    sha256: str | None = None


def entries(session: Session, wanted: HistoryFilter, *, limit: int = 50, offset: int = 0) -> list[HistoryEntry]:
    """Decisions, newest first, without the rows they changed."""
    rows = session.execute(
        sa.select(
            Decision.id,
            Decision.kind,
            Decision.who,
            Decision.decided_at,
            Decision.media_id,
            Decision.detection_id,
            Decision.individual_id,
            Decision.view,
            Decision.undone_at,
            Decision.undone_by,
            first_path(Decision.media_id),
            Individual.name,
            Media.sha256,
        )
        .outerjoin(Media, Media.id == Decision.media_id)
        .outerjoin(Individual, Individual.id == Decision.individual_id)
        .where(*_where(wanted))
        .order_by(Decision.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [HistoryEntry(*tuple(row)) for row in rows]


def count(session: Session, wanted: HistoryFilter) -> int:
    """How many decisions the filter leaves."""
    return session.scalar(sa.select(sa.func.count(Decision.id)).where(*_where(wanted))) or 0


def standing_since(session: Session, decision_id: int, who: str) -> list[int]:
    """This decision of a person and everything they decided after it that stands, newest first: ids."""
    since = sa.select(Decision.id).where(
        Decision.id >= decision_id, Decision.who == who, Decision.undone_at.is_(None), Decision.part_of.is_(None)
    )
    return list(session.scalars(since.order_by(Decision.id.desc())))


def pictures_of(session: Session, decision_ids: Collection[int], limit: int) -> list[str]:
    """The media that these decisions are about, as content hashes, each once, of the newest decisions first."""
    about = (
        sa.select(Media.sha256, sa.func.max(Decision.id))
        .join(Decision, Decision.media_id == Media.id)
        .where(Decision.id.in_(list(decision_ids)[:IDS_A_QUERY]))
        .group_by(Media.sha256)
        .order_by(sa.func.max(Decision.id).desc())
    )
    return [str(row[0]) for row in session.execute(about.limit(limit))]


def changed_rows(session: Session, decision_id: int) -> list[tuple[str, str, str, str]]:
    """What a decision changed: (table, field, before, after), without keys and signatures."""
    decision = session.get(Decision, decision_id)
    rows = []
    for change in decision.changes if decision else []:
        before, after = change["before"] or {}, change["after"] or {}
        for name in sorted({*before, *after} - UNSHOWN):
            if before.get(name) != after.get(name):
                rows.append((str(change["table"]), name, _shown(before, name), _shown(after, name)))
    return rows


def _shown(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def people(session: Session) -> list[str]:
    """Everybody who has decided something, by name."""
    return sorted(session.scalars(sa.select(Decision.who).distinct()))


def mark(session: Session, kinds: Collection[str]) -> str:
    """Names the state of the decisions of these kinds: it changes with every one and every undo."""
    of_kinds = Decision.kind.in_(kinds)
    newest = sa.select(sa.func.max(Decision.id), sa.func.max(Decision.undone_at)).where(of_kinds)
    return "-".join(str(value or 0) for value in session.execute(newest).one())


def kinds(session: Session) -> list[str]:
    """The kinds of decision there are, by name."""
    return sorted(session.scalars(sa.select(Decision.kind).distinct()))


def _where(wanted: HistoryFilter) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = [Decision.part_of.is_(None)]
    if wanted.who is not None:
        where.append(Decision.who == wanted.who)
    if wanted.kind is not None:
        where.append(Decision.kind == wanted.kind)
    if wanted.media_id is not None:
        where.append(Decision.media_id == wanted.media_id)
    if wanted.individual_id is not None:
        where.append(Decision.individual_id == wanted.individual_id)
    if wanted.standing:
        where.append(Decision.undone_at.is_(None))
    return where


def kinds_made(session: Session, *, without: str) -> list[str]:
    """The kinds of decision that stand and that somebody else than `without` made."""
    made = sa.select(Decision.kind).where(Decision.who != without, Decision.undone_at.is_(None))
    return list(session.scalars(made.distinct()))
