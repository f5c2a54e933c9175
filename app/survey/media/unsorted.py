"""Media that belong to no deployment, by the import and the folder they came from."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.media import ImportBatch, ListedFile, Media, Outcome


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
