"""Take a folder's files into a survey and analyse its pictures, without a worker."""

from __future__ import annotations

import asyncio
from pathlib import Path

from app.analysis.calls import Lane
from app.analysis.context import Context
from app.analysis.pictures import analyse, describe_boxes
from app.analysis.taking_in import batches, list_batch, read_ahead
from app.ingest.intake import source_files
from app.jobs.describe import end_slice, slice_of


def take_in_pictures(context: Context, import_id: int, folder: Path) -> None:
    """What the job of an import does with the files of this folder; videos are stored, not summarised."""
    for reads in read_ahead(context, import_id, source_files(folder, limits=context.limits)):
        media_ids = list_batch(context, import_id, reads)
        asyncio.run(analyse(context, media_ids, f"import-{import_id}-{media_ids[:1]}", Lane()))


def describe_slice(context: Context) -> int:
    """What the job does that describes the next crops that lack something; returns how many they were."""
    with context.survey.read() as session:
        parts = slice_of(session, context)
    for models, ids in parts:
        for group in batches(ids):
            asyncio.run(describe_boxes(context, group, None, Lane(), models))
    end_slice(context, parts)
    return sum(len(ids) for _, ids in parts)
