"""The boxes of a file of results, stored like a model's own, one analysis an image; and whether they count."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.detections import hints
from app.survey.detections.boxes import rescore
from app.survey.detections.hints import Hint
from app.survey.detections.replaced import is_aside, put_aside
from app.survey.detections.results import detection_row
from app.survey.tables.detections import Analysis, Detection, DetectionReview, MediaReview, ModelVersion
from app.survey.tables.individuals import Sighting
from app.survey.tables.media import OPEN_STAGES, Media, Stage
from app.survey.tables.results import ResultsFile, ResultsReview, ResultsState
from app.survey.tables.videos import Video
from app.survey.videos import runs
from modal_backend.contracts import Category
from modal_backend.contracts import Detection as Found

CATEGORIES = (Category.ANIMAL, Category.PERSON, Category.VEHICLE)
AT_ONCE = 2500  # images whose boxes come to count, or no longer, in one transaction


def decided(session: Session, media_ids: Collection[int]) -> set[int]:
    """Those of these media about which a person has decided something: the whole, a box or an individual."""
    found: set[int] = set()
    for chunk in slices(sorted(media_ids)):
        found.update(session.scalars(sa.select(MediaReview.media_id).where(MediaReview.media_id.in_(chunk))))
        found.update(
            session.scalars(
                sa.select(Detection.media_id)
                .outerjoin(DetectionReview, DetectionReview.detection_id == Detection.id)
                .outerjoin(Sighting, Sighting.detection_id == Detection.id)
                .where(Detection.media_id.in_(chunk), _touched())
            )
        )
    return found


def without_analysis(session: Session, version_id: int, media_ids: Collection[int]) -> set[int]:
    """Those of these media that have no boxes of this model version yet."""
    there: set[int] = set()
    for chunk in slices(sorted(media_ids)):
        mine = sa.and_(Analysis.model_version_id == version_id, Analysis.media_id.in_(chunk))
        there.update(session.scalars(sa.select(Analysis.media_id).where(mine)))
    return set(media_ids) - there


def store(
    session: Session,
    version: ModelVersion,
    boxes: Mapping[int, Sequence[Found]],
    species: Mapping[int, Sequence[tuple[str, float, str] | None]] | None = None,
) -> None:
    """Write the boxes of images, by media id, and let them count; those with an animal wait to be described.

    Nobody may have decided about the images (`decided`), and none may have boxes of this version.

    Args:
        species: what a classifier says of each box: name, score and the classifier's name.
    """
    if not boxes:
        return
    made = session.execute(
        sa.insert(Analysis).returning(Analysis.id, sort_by_parameter_order=True),
        [{"media_id": media_id, "model_version_id": version.id} for media_id in boxes],
    )
    analyses = dict(zip(boxes, made.scalars().all(), strict=True))
    rows = [
        detection_row(media_id, analyses[media_id], found) for media_id, several in boxes.items() for found in several
    ]
    labels = [name for media_id in boxes for name in (species or {}).get(media_id) or [None] * len(boxes[media_id])]
    if any(labels):
        inserted = session.execute(sa.insert(Detection).returning(Detection.id, sort_by_parameter_order=True), rows)
        named = zip(inserted.scalars().all(), labels, strict=True)
        hints.bring_in(session, {number: Hint(*name) for number, name in named if name is not None})
    elif rows:
        session.execute(sa.insert(Detection), rows)
    updates = []
    for media_id, several in boxes.items():
        scores = {
            f"{kind}_score": max((found.confidence for found in several if found.category == kind), default=0.0)
            for kind in CATEGORIES
        }
        has_animal = scores["animal_score"] > 0 and scores["animal_score"] >= (version.threshold or 0.0)
        stage = Stage.DETECTED if has_animal else Stage.READY
        updates.append({"id": media_id, "analysis_id": analyses[media_id], "stage": stage, "failure": None, **scores})
    session.execute(sa.update(Media), updates)
    put_aside(session, boxes)


def settle_results(session: Session, changes: Sequence[Mapping[str, Any]]) -> None:
    """A file of results counts from now on, or no longer; a job does what has to follow (see `app.jobs.results`).

    What the same decision says of its images does not keep its boxes from counting.
    """
    for change in (row for row in changes if row["table"] == ResultsReview.__tablename__):
        number = int((change["after"] or change["before"])["results_id"])
        file = session.get_one(ResultsFile, number)
        file.state, file.attempt, file.error = ResultsState.TAKING, file.attempt + 1, None
        file.started_at = time.time()
        if count_some(session, file, 0, about(session, changes)) is not None:
            file.state = ResultsState.COUNTING


def count_some(session: Session, file: ResultsFile, after: int, but: Collection[int] = ()) -> int | None:
    """Let the boxes of a file count on its next images or, where it does not count, no longer.

    Args:
        after: id of the last image that was done, 0 at first.
        but: images on which they count although somebody has decided about them.

    Returns:
        The id to go on after; None at the end.
    """
    version_id = file.model_version_id
    mine = sa.select(Analysis.media_id).where(Analysis.model_version_id == version_id, Analysis.media_id > after)
    ids = list(session.scalars(mine.order_by(Analysis.media_id).limit(AT_ONCE))) if version_id is not None else []
    if version_id is None or not ids:
        return None
    if session.get(ResultsReview, file.id) is not None:
        _count_again(session, version_id, ids, but)
    else:
        _no_longer_count(session, version_id, ids)
    return ids[-1] if len(ids) == AT_ONCE else None


def unfinished(session: Session, version_id: int, after: int, limit: int) -> list[int]:
    """Images with boxes of this version, whether they count or not, that wait for a model: the first ids after one."""
    return waiting_of(
        session, sa.select(Analysis.media_id).where(Analysis.model_version_id == version_id), after, limit
    )


def waiting_of(session: Session, mine: sa.Select[int], after: int, limit: int) -> list[int]:
    """Of these media the images that wait for a model: the first ids after one."""
    wanted = sa.and_(Media.id > after, Media.stage.in_(OPEN_STAGES), Media.kind == "image")
    return list(session.scalars(sa.select(Media.id).where(Media.id.in_(mine), wanted).order_by(Media.id).limit(limit)))


def about(session: Session, changes: Iterable[Mapping[str, Any]]) -> set[int]:
    """The images that these changed rows are about."""
    rows = [change["after"] or change["before"] for change in changes]
    found = {int(row["media_id"]) for row in rows if row.get("media_id")}
    for chunk in slices(sorted({row["detection_id"] for row in rows if "detection_id" in row})):
        found.update(session.scalars(sa.select(Detection.media_id).where(Detection.id.in_(chunk))))
    return found


def _count_again(session: Session, version_id: int, ids: Sequence[int], but: Collection[int]) -> None:
    """Let the boxes of this version count on those of these images that nobody has decided about, `but` apart."""
    held = decided(session, ids) - set(but)
    free = [number for number in ids if number not in held]
    newest = sa.select(Analysis.id).where(Analysis.media_id == Media.id, Analysis.model_version_id == version_id)
    for chunk in slices(free):
        values = {"analysis_id": newest.scalar_subquery(), "stage": Stage.DETECTED, "failure": None}
        session.execute(_update(chunk).values(**values))
    _settle_videos(session, free)
    put_aside(session, free)
    rescore_free(session, free)


def _no_longer_count(session: Session, version_id: int, among: Sequence[int]) -> None:
    """Let what was found before count where the boxes of this version did; without anything it is looked at anew."""
    ids = list[int]()
    for chunk in slices(among):
        mine = sa.select(Analysis.id).where(Analysis.model_version_id == version_id, Analysis.media_id.in_(chunk))
        theirs = sa.select(Media.id).where(Media.id.in_(chunk), Media.analysis_id.in_(mine))
        ids += session.scalars(theirs.order_by(Media.id))
    before = sa.select(sa.func.max(Analysis.id)).where(
        Analysis.media_id == Media.id, Analysis.model_version_id.not_in(runs.not_counting()), ~is_aside()
    )
    for chunk in slices(ids):
        session.execute(_update(chunk).values(analysis_id=before.scalar_subquery()))
        bare = _update(chunk).where(Media.analysis_id.is_(None))
        session.execute(bare.values(stage=Stage.STORED, failure=None))
    _settle_videos(session, ids)
    put_aside(session, ids)
    held = decided(session, ids)
    rescore_free(session, [number for number in ids if number not in held])
    rescore(session, held)


def _settle_videos(session: Session, media_ids: Sequence[int]) -> None:
    """Let the right run of each video among these count; none where it has none."""
    for chunk in slices(media_ids):
        for video in session.scalars(sa.select(Video).where(Video.media_id.in_(chunk))):
            video.run_id = None
            runs.settle(session, video.media_id)


def rescore_free(session: Session, media_ids: Sequence[int]) -> None:
    """Derive the scores of images that nobody has decided about: the surest box of each category."""
    surest = {
        f"{kind}_score": sa.func.coalesce(
            sa.select(sa.func.max(Detection.confidence))
            .where(
                Detection.media_id == Media.id,
                Detection.analysis_id == Media.analysis_id,
                Detection.category == str(kind),
            )
            .scalar_subquery(),
            0.0,
        )
        for kind in CATEGORIES
    }
    for chunk in slices(media_ids):
        session.execute(_update(chunk).values(**surest))


def _update(ids: Sequence[int]) -> sa.Update:
    return sa.update(Media).where(Media.id.in_(ids)).execution_options(synchronize_session=False)


def _touched() -> sa.ColumnElement[bool]:
    return sa.or_(
        Detection.drawn_by.is_not(None), DetectionReview.detection_id.is_not(None), Sighting.detection_id.is_not(None)
    )
