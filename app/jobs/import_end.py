"""How an import ends: its media are grouped into events, its row says done or failed."""

from __future__ import annotations

import shutil
from pathlib import Path

import sqlalchemy as sa

from app.jobs.current import Bench
from app.survey.media import events, imports
from app.survey.tables.media import ImportBatch, ListedFile, Media


def group(import_id: int) -> None:
    """Assign the media of the import's deployments to events."""
    deployments = sa.select(Media.deployment_id).join(ListedFile).where(ListedFile.import_id == import_id).distinct()
    with Bench.shop.survey.write() as session:
        affected = set(session.scalars(deployments))
        events.regroup(session, affected, Bench.settings.event_gap_seconds)


def close(import_id: int, error: str | None) -> str:
    """Mark the import as done or failed."""
    with Bench.shop.survey.write() as session:
        imports.finish(session, import_id, error=error)
        batch = session.get_one(ImportBatch, import_id)
        received = Path(batch.root) if batch.kind == "upload" and not error else None
    if received is not None:
        shutil.rmtree(received, ignore_errors=True)  # the originals are in the store
    return error or "done"
