"""The import and the path by which media came; those that belong to no deployment, by their folders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.tables.media import ImportBatch, ListedFile, Media, Outcome

# Media without event and deployment are one group for each import, whose number is this minus the import's id.
LOOSE = -1_000_000_000


@dataclass(frozen=True, slots=True)
class Heap:
    """Media of one folder of one import."""

    label: str
    folder: str
    media_ids: tuple[int, ...]
    hashes: tuple[str, ...]


def heaps(session: Session) -> list[Heap]:
    """Everything that waits to be sorted, most first."""
    rows = session.execute(
        sa.select(Media.id, Media.sha256, sa.func.min(ListedFile.path), sa.func.min(ImportBatch.label))
        .outerjoin(ListedFile, sa.and_(ListedFile.media_id == Media.id, ListedFile.outcome == Outcome.NEW))
        .outerjoin(ImportBatch, ImportBatch.id == ListedFile.import_id)
        .where(Media.deployment_id.is_(None))
        .group_by(Media.id, Media.sha256)
        .order_by(Media.id)
    )
    found: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for number, sha256, path, label in rows:
        found[label or "", (path or "").rpartition("/")[0]].append((number, sha256))
    return sorted(
        (Heap(*key, tuple(n for n, _ in media), tuple(sha for _, sha in media)) for key, media in found.items()),
        key=lambda heap: (-len(heap.media_ids), heap.label, heap.folder),
    )


def count(session: Session) -> int:
    """How many media wait to be sorted."""
    return session.scalar(sa.select(sa.func.count(Media.id)).where(Media.deployment_id.is_(None))) or 0


def group() -> sa.ColumnElement[int]:
    """With what a media stands on a page: its event, else minus its deployment, else LOOSE minus its first import."""
    brought = sa.select(sa.func.min(ListedFile.import_id)).where(ListedFile.media_id == Media.id).correlate(Media)
    loose = LOOSE - sa.func.coalesce(brought.scalar_subquery(), 0)
    return sa.func.coalesce(Media.event_id, -Media.deployment_id, loose)


def first_path(media_id: Any) -> sa.ScalarSelect[str]:
    """The first of the paths by which a media came, for a query around it. media_id: the column that names it."""
    paths = sa.select(sa.func.min(ListedFile.path)).where(ListedFile.media_id == media_id)
    return paths.correlate_except(ListedFile).scalar_subquery()


def imports_of(session: Session, media_ids: Collection[int]) -> dict[int, str]:
    """Name of the import that each of these media came by first."""
    found: dict[int, str] = {}
    for chunk in slices(sorted(media_ids)):
        rows = sa.select(ListedFile.media_id, ImportBatch.label)
        rows = rows.join(ImportBatch, ImportBatch.id == ListedFile.import_id).where(ListedFile.media_id.in_(chunk))
        found.update({row.media_id: row.label for row in session.execute(rows.order_by(ImportBatch.id.desc()))})
    return found
