"""The pieces of an import whose models run elsewhere: take files in first, analyse windows of stored media later.

Each function is one transaction at most and is safe to run twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.analysis import pictures as pipeline
from app.analysis.context import Workshop
from app.analysis.crops import Crop
from app.analysis.pictures import Read
from app.ingest.refusals import RefusedFile
from app.ingest.source import SourceFile
from app.survey.detections import results
from app.survey.detections.boxes import boxes_of, rescore
from app.survey.tables.media import ImportBatch, ListedFile, Media, Stage
from modal_backend.contracts import Result
from modal_backend.models.detectors.prepare import prepare, threshold
from modal_backend.registry import Task


def read_ahead(shop: Workshop, import_id: int, files: Iterable[SourceFile | RefusedFile]) -> Iterator[list[Read]]:
    """The files of an import that are not settled yet, taken into the store, in batches."""
    return pipeline.batches(
        pipeline.ahead(
            shop, lambda file: pipeline.read_file(shop, file, None), pipeline.unsettled(shop, import_id, files)
        )
    )


def list_batch(shop: Workshop, import_id: int, reads: list[Read]) -> list[int]:
    """Store and list one batch of read files without analysing them; returns the ids of the pictures to analyse."""
    new = pipeline.new_reads(shop, reads)
    with shop.survey.write() as session:
        batch = session.get_one(ImportBatch, import_id)
        for read in new.values():
            pipeline.media_row(session, batch, read)
        for read in reads:
            pipeline.list_read(session, batch, read, new)
        session.flush()
        pictures = {sha256: read for sha256, read in new.items() if read.taken and read.taken.clip is None}
        return sorted(pipeline.ids_of(session, pictures))


def unfinished(session: Session, import_id: int) -> list[int]:
    """Ids of the import's pictures that still have to be detected or described."""
    open_stages = sa.and_(Media.kind == "image", Media.stage.in_([Stage.STORED, Stage.DETECTED]))
    rows = sa.select(Media.id).join(ListedFile).where(ListedFile.import_id == import_id, open_stages).distinct()
    return sorted(session.scalars(rows))


def failed(session: Session) -> list[int]:
    """Ids of the pictures whose analysis failed."""
    return sorted(session.scalars(sa.select(Media.id).where(Media.kind == "image", Media.stage == Stage.FAILED)))


def prepared_media(shop: Workshop, media_ids: list[int], detector: str) -> tuple[list[int], list[Any]]:
    """Of these media, those without a detector's answer yet, and this detector's inputs for them."""
    waiting = sa.and_(Media.id.in_(media_ids), Media.stage.in_([Stage.STORED, Stage.FAILED]))
    with shop.survey.read() as session:
        rows = list(session.scalars(sa.select(Media).where(waiting).order_by(Media.id)))
    return [media.id for media in rows], [prepare(detector, pipeline.stored_picture(shop, media)) for media in rows]


def keep_answers(shop: Workshop, media_ids: list[int], result: Result, call_id: int) -> None:
    """Write a detector's answers for these media, in order."""
    with shop.survey.write() as session:
        floor = threshold(result.provenance.model)
        detector = results.model_version(session, Task.DETECT, result.provenance, floor)
        for media_id, answer in zip(media_ids, result.values, strict=True):
            pipeline.keep_answer(session, session.get_one(Media, media_id), detector, call_id, answer)
        session.flush()
        rescore(session, media_ids)


def fail_media(shop: Workshop, media_ids: list[int], reason: str) -> None:
    """Mark those of these media that are not finished as failed."""
    open_ones = sa.and_(Media.id.in_(media_ids), Media.stage.in_([Stage.STORED, Stage.DETECTED]))
    with shop.survey.write() as session:
        session.execute(sa.update(Media).where(open_ones).values(stage=Stage.FAILED, failure=reason))


def crops_of_media(shop: Workshop, media_ids: list[int]) -> list[Crop]:
    """The animals of detected media that are worth describing."""
    with shop.survey.read() as session:
        wanted = sa.and_(Media.id.in_(media_ids), Media.stage == Stage.DETECTED)
        rows = list(session.scalars(sa.select(Media).where(wanted).order_by(Media.id)))
        found = boxes_of(session, [media.id for media in rows], floor=threshold(shop.choose().detector))
    return [crop for media in rows for crop in pipeline.stored_crops(shop, media, found[media.id])]


def finish_media(shop: Workshop, media_ids: list[int]) -> None:
    """Mark detected media as finished."""
    with shop.survey.write() as session:
        pipeline.mark_ready(session, media_ids)
