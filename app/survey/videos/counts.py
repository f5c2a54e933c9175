"""How many animals a video shows, as it stands: what people said wins over what was computed, everywhere.

The count is the most animals seen at once (MaxN). The newest of a person's own count and a person's "blank" stands.
Otherwise the boxes decide: those of tracklets that count and that no person rejected, and those a person drew or
accepted, on the frame that shows most of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.tables.detections import Detection, DetectionReview, MediaReview
from app.survey.tables.individuals import Sighting
from app.survey.tables.videos import FrameDetection, TrackletRow, Video, VideoReview, VideoRunRow
from modal_backend.contracts import Box, Category
from modal_backend.models.detectors.overlap import covered
from modal_backend.models.video.summary import numbers_at_once

SAME = 0.5  # of the smaller box: a drawn box that covers a tracklet's shows the same animal


@dataclass(frozen=True, slots=True)
class AnimalCount:
    """The count of a video as it stands.

    Attributes:
        animals: the most at once.
        low, high: how many different ones there may be.
        computed: the most at once as computed.
        who: the person who said so; None while nobody did.
        unidentified: something moves that the detector does not mark, and nobody has counted.
    """

    animals: int
    low: int
    high: int
    computed: int
    who: str | None = None
    unidentified: bool = False


def counts_of(session: Session, media_ids: Collection[int]) -> dict[int, AnimalCount]:
    """The counts of these videos by media; those that are not summarised, and images, are left out."""
    found: dict[int, AnimalCount] = {}
    for chunk in slices(sorted(media_ids)):
        rows = session.execute(
            sa.select(Video.media_id, VideoRunRow, VideoReview, MediaReview)
            .join(VideoRunRow, VideoRunRow.id == Video.run_id)
            .outerjoin(VideoReview, VideoReview.media_id == Video.media_id)
            .outerjoin(MediaReview, sa.and_(MediaReview.media_id == Video.media_id, MediaReview.verdict == "blank"))
            .where(Video.media_id.in_(chunk))
        ).all()
        boxed = _by_boxes(session, [row[0] for row in rows])  # images have no frames
        for media_id, run, review, blank in rows:
            found[media_id] = _standing(run, review, blank, boxed.get(media_id))
    return found


def count_of(session: Session, media_id: int) -> AnimalCount | None:
    """The count of one video; None for an image or a video that is not summarised yet."""
    return counts_of(session, [media_id]).get(media_id)


def counted_by_people(session: Session, media_ids: Collection[int]) -> dict[int, int]:
    """The counts that people gave of these videos, by media."""
    found: dict[int, int] = {}
    for chunk in slices(sorted(media_ids)):
        rows = session.scalars(sa.select(VideoReview).where(VideoReview.media_id.in_(chunk)))
        found.update({row.media_id: row.animals for row in rows})
    return found


def _standing(
    run: VideoRunRow, review: VideoReview | None, blank: MediaReview | None, boxed: tuple[int, str] | None
) -> AnimalCount:
    computed = run.animals or 0
    given = [(review.decided_at, review.animals, review.who)] if review else []
    given += [(blank.decided_at, 0, blank.who)] if blank else []
    if given:
        _, animals, who = max(given)
    elif boxed is not None and boxed[0] != computed:
        animals, who = boxed
    else:
        low, high = run.distinct_low or computed, run.distinct_high or computed
        return AnimalCount(computed, low, high, computed, None, bool(run.unidentified))
    high = max(animals, run.distinct_high or 0) if animals else 0
    return AnimalCount(animals, animals, high, computed, who)


def fallen(session: Session, media_ids: Collection[int]) -> set[int]:
    """Boxes of videos that stand no more, because a person rejected their tracklet by one of its boxes."""
    rejected = _tracklets_judged(session, media_ids)
    gone = {key for key, verdicts in rejected.items() if "rejected" in verdicts and "accepted" not in verdicts}
    found: set[int] = set()
    for chunk in slices(sorted(gone)):
        rows = sa.select(FrameDetection.detection_id).where(FrameDetection.tracklet_id.in_(chunk))
        found.update(session.scalars(rows))
    return found


def _tracklets_judged(session: Session, media_ids: Collection[int]) -> dict[int, set[str]]:
    """What people said of the boxes of each tracklet, by tracklet; a sighting accepts."""
    found: dict[int, set[str]] = defaultdict(set)
    for chunk in slices(sorted(media_ids)):
        rows = session.execute(
            sa.select(FrameDetection.tracklet_id, DetectionReview.verdict, Sighting.detection_id)
            .join(TrackletRow, TrackletRow.id == FrameDetection.tracklet_id)
            .outerjoin(DetectionReview, DetectionReview.detection_id == FrameDetection.detection_id)
            .outerjoin(Sighting, Sighting.detection_id == FrameDetection.detection_id)
            .where(TrackletRow.media_id.in_(chunk))
            .where(sa.or_(DetectionReview.verdict.is_not(None), Sighting.detection_id.is_not(None)))
        )
        for tracklet_id, verdict, sighting in rows:
            found[int(tracklet_id or 0)].add("accepted" if sighting is not None else str(verdict))
    return found


def _by_boxes(session: Session, media_ids: Collection[int]) -> dict[int, tuple[int, str]]:
    """For each of these videos with boxes that people decided about: the most at once, and who decided last."""
    deciders = _deciders(session, media_ids)
    if not deciders:
        return {}
    gone = fallen(session, deciders)
    frames: dict[int, dict[int, list[tuple[int | None, Box]]]] = defaultdict(lambda: defaultdict(list))
    for media_id, frame, tracklet_id, detection_id, counted, box in _boxes(session, deciders):
        if detection_id not in gone and counted:
            frames[media_id][frame].append((tracklet_id, box))
    return {media_id: (_most(list(frames[media_id].values())), who) for media_id, who in deciders.items()}


def _deciders(session: Session, media_ids: Collection[int]) -> dict[int, str]:
    """Who decided last about a box of each of these videos; videos whose boxes nobody touched are left out."""
    reviewed = sa.select(Detection.media_id, DetectionReview.decided_at, DetectionReview.who).join(
        DetectionReview, DetectionReview.detection_id == Detection.id
    )
    drawn = sa.select(Detection.media_id, Detection.created_at, Detection.drawn_by)
    drawn = drawn.where(Detection.drawn_by.is_not(None))
    last: dict[int, tuple[float, str]] = {}
    for query in (reviewed, drawn):
        of_videos = sa.select(Video.media_id).where(Video.media_id.in_(media_ids))
        for media_id, at, who in session.execute(query.where(Detection.media_id.in_(of_videos))):
            last[media_id] = max(last.get(media_id, (0.0, "")), (at or 0.0, str(who)))
    return {media_id: who for media_id, (_, who) in last.items()}


def _boxes(session: Session, media_ids: Collection[int]) -> list[tuple[int, int, int | None, int, bool, Box]]:
    """Media, frame, tracklet, detection, whether it may count, and box, of every animal's box of these videos."""
    from app.survey.detections.boxes import boxes_of

    views = {view.id: view for some in boxes_of(session, media_ids).values() for view in some}
    on: dict[int, tuple[int, int | None, bool]] = {}
    for chunk in slices(sorted(views)):
        rows = session.execute(
            sa.select(FrameDetection.detection_id, FrameDetection.frame_number, TrackletRow.id, TrackletRow.counted)
            .outerjoin(TrackletRow, TrackletRow.id == FrameDetection.tracklet_id)
            .where(FrameDetection.detection_id.in_(chunk))
        )
        on.update({row[0]: (row[1], row[2], bool(row[3])) for row in rows})
    keys = dict(session.execute(sa.select(Video.media_id, Video.key_frame).where(Video.media_id.in_(media_ids))).all())
    found = []
    for key, view in views.items():
        if view.category != Category.ANIMAL or view.verdict == "rejected":
            continue
        frame, tracklet_id, counted = on.get(key, (keys[view.media_id], None, False))
        found.append((view.media_id, frame, tracklet_id, key, counted or view.confirmed, view.box))
    return found


def _most(frames: list[list[tuple[int | None, Box]]]) -> int:
    """The most animals that a frame shows: a drawn box over that of a tracklet shows the same one."""
    tracked = [[box for tracklet_id, box in boxes if tracklet_id is not None] for boxes in frames]
    drawn = [[box for tracklet_id, box in boxes if tracklet_id is None] for boxes in frames]
    more = [
        sum(not any(covered(box, other) >= SAME for other in others) for box in some)
        for some, others in zip(drawn, tracked, strict=True)
    ]
    return max((number + added for number, added in zip(numbers_at_once(tracked), more, strict=True)), default=0)
