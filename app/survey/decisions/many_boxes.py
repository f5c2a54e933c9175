"""One decision about many media, a selection or a whole event: one entry of the log, one undo restores everything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.decisions.boxes import checked_category, drawn_row, named_on, unexamined
from app.survey.decisions.changes import Change, rows_of
from app.survey.decisions.refusals import BadDecision
from app.survey.detections import hints
from app.survey.detections.boxes import BoxView, boxes_of, over_threshold
from app.survey.detections.people import WHOLE
from app.survey.media.species import tidy
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import Detection, DetectionReview, MediaReview
from app.survey.tables.individuals import Sighting
from app.survey.tables.media import Media
from modal_backend.contracts import Category

MOST = 2000
ACCEPTED = {"verdict": "accepted"}
REJECTED = {"verdict": "rejected"}


@dataclass(slots=True)
class Bulk:
    """What became of a bulk decision: its entry (None when nothing could be done) and the media left as they were."""

    decision: Decision | None
    left_out: list[str] = field(default_factory=list)


def judge_all(session: Session, who: str, media_ids: Iterable[int], verdict: str, threshold: float) -> Bulk:
    """Say accepted, blank or unsure about many media; media on which an individual was named are never made blank."""
    if verdict not in ("accepted", "blank", "unsure"):
        raise BadDecision(f"{verdict} is not something that can be said about a media.")
    ids, left_out = _checked(media_ids), list[str]()
    if verdict != "unsure":
        ids, left_out = _examined(session, ids)
    change = Change(session, who)
    if verdict == "accepted":
        counted = over_threshold(session, ids)
        found = [box for views in boxes_of(session, ids).values() for box in views]
        accepted = {box.id: ACCEPTED for box in found if shown(box, threshold)}
        _review_all(change, _not_shown(found, counted, threshold) | accepted)
    elif verdict == "blank":
        named = named_on(session, ids)
        left_out += [f"{names} was named on it" for names in named.values()]
        ids = [media_id for media_id in ids if media_id not in named]
    kind = "accept" if verdict == "accepted" else verdict
    return _record(change, kind, ids, verdict, {"threshold": threshold}, left_out)


def label_all(
    session: Session,
    who: str,
    media_ids: Iterable[int],
    threshold: float,
    *,
    species: str | None = None,
    category: str | None = None,
) -> Bulk:
    """Give the boxes shown on many media a category, or the animals among them a species; the media are accepted."""
    kind = "category" if category else "species"
    value = checked_category(category) if category else tidy(species)
    change, ids = Change(session, who), []
    values: dict[int, dict[str, Any]] = {}
    ready, left_out = _examined(session, _checked(media_ids))
    found = boxes_of(session, ready)
    counted = over_threshold(session, found)
    for media_id, views in found.items():
        boxes = [box for box in views if shown(box, threshold) and (category or box.category == Category.ANIMAL)]
        if not boxes:
            left_out.append("nothing on it to label")
        elif category and category != Category.ANIMAL and any(box.individual for box in boxes):
            left_out.append(f"{' and '.join(box.individual for box in boxes if box.individual)} was named on it")
        else:
            ids.append(media_id)
            values |= _not_shown(views, counted, threshold) | {box.id: {kind: value, **ACCEPTED} for box in boxes}
    _review_all(change, values)
    return _record(change, kind, ids, "accepted", {kind: value, "threshold": threshold}, left_out)


def take_hints(session: Session, who: str, media_ids: Iterable[int], threshold: float) -> Bulk:
    """Label the animals shown on many media with their species hints where nobody has; the media are accepted."""
    change, ids = Change(session, who), []
    values: dict[int, dict[str, Any]] = {}
    ready, left_out = _examined(session, _checked(media_ids))
    found = boxes_of(session, ready)
    counted = over_threshold(session, found)
    hinted = hints.of_boxes(session, [box.id for views in found.values() for box in views if hints.may_have(box)])
    for media_id, views in found.items():
        boxes = [box for box in views if shown(box, threshold)]
        taken = {box.id: {"species": hinted[box.id].name, **ACCEPTED} for box in boxes if box.id in hinted}
        if not taken:
            left_out.append("no hint on it")
            continue
        ids.append(media_id)
        values |= _not_shown(views, counted, threshold) | {box.id: ACCEPTED for box in boxes} | taken
    _review_all(change, values)
    return _record(change, "hint", ids, "accepted", {"threshold": threshold}, left_out)


def whole_pictures(session: Session, who: str, media_ids: Iterable[int]) -> Bulk:
    """Each of these media is a picture of one animal, edge to edge, as ready-made crops are.

    The animal's box (the named one, else the surest) grows to the whole picture and keeps its individual; without one
    a box is drawn. Other animal boxes are rejected; people and vehicles stay.
    """
    change, ids = Change(session, who), []
    values: dict[int, dict[str, Any]] = {}
    drawn: list[Detection] = []
    ready, left_out = _examined(session, _checked(media_ids))
    videos = set(session.scalars(sa.select(Media.id).where(Media.id.in_(ready), Media.kind == "video")))
    left_out += ["a video is no picture of one animal"] * len(videos)
    found = boxes_of(session, [media_id for media_id in ready if media_id not in videos])
    counted = over_threshold(session, found)
    for media_id, views in found.items():
        animals = [box for box in views if box.category == Category.ANIMAL and box.verdict != "rejected"]
        named = [box for box in animals if box.individual]
        if len(named) > 1:
            left_out.append(f"{' and '.join(str(box.individual) for box in named)} were named on it")
            continue
        ids.append(media_id)
        if animals:
            best = max(animals, key=lambda box: (bool(box.individual), box.confirmed, box.confidence))
            values[best.id] = {**asdict(WHOLE), **ACCEPTED}
            others = [box for box in animals if box.id != best.id and (box.confirmed or box.id in counted)]
            values |= {box.id: REJECTED for box in others}
        else:
            drawn.append(drawn_row(who, media_id, WHOLE, Category.ANIMAL))
    change.add_all(drawn)
    _review_all(change, values)
    box = next(iter(values), None) or (drawn[0].id if drawn else None)
    return _record(change, "whole", ids, "accepted", {}, left_out, box)


def _examined(session: Session, media_ids: list[int]) -> tuple[list[int], list[str]]:
    """The media that a model has looked at, and for each of the others why nothing is decided about it."""
    waiting = unexamined(session, media_ids)
    return [number for number in media_ids if number not in waiting], ["still being looked at"] * len(waiting)


def reject_repeated(session: Session, who: str, detection_ids: Sequence[int]) -> Decision:
    """The same false box on many images, deleted on all of them; boxes that somebody has decided about are left alone.

    Raises BadDecision when none is left.
    """
    decided = {row.detection_id for row in rows_of(session, DetectionReview, list(detection_ids))}
    decided |= {row.detection_id for row in rows_of(session, Sighting, list(detection_ids))}
    left = [number for number in detection_ids if number not in decided]
    if not left:
        raise BadDecision("Somebody has decided about each of these boxes by now.")
    change = Change(session, who)
    _review_all(change, dict.fromkeys(left, REJECTED))
    return change.record("reject repeated", view={"boxes": len(left)})


def shown(box: BoxView, threshold: float) -> bool:
    """Whether a box counts at this threshold, as the grid draws it."""
    return box.counts(threshold)


def _not_shown(boxes: Iterable[BoxView], counted: Collection[int], threshold: float) -> dict[int, dict[str, Any]]:
    """Boxes that would count and that nobody saw at this threshold: when their media is accepted they are rejected."""
    hidden = (box for box in boxes if box.id in counted and box.verdict is None and not shown(box, threshold))
    return {box.id: REJECTED for box in hidden}


def _checked(media_ids: Iterable[int]) -> list[int]:
    ids = list(dict.fromkeys(int(media_id) for media_id in media_ids))
    if len(ids) > MOST:
        raise BadDecision(f"At most {MOST:,} images at once; {len(ids):,} were selected.")
    return ids


def _review_all(change: Change, values: dict[int, Any]) -> None:
    signature = change.signature
    change.put_all(DetectionReview, {number: {**review, **signature} for number, review in values.items()})


def _record(
    change: Change,
    kind: str,
    media_ids: Collection[int],
    verdict: str,
    view: dict[str, Any],
    left_out: list[str],
    box: int | None = None,
) -> Bulk:
    if not media_ids:
        return Bulk(None, left_out)
    signature = change.signature
    change.put_all(MediaReview, {media_id: {"verdict": verdict, **signature} for media_id in media_ids})
    only = next(iter(media_ids)) if len(media_ids) == 1 else None
    view = {**view, "media_ids": list(media_ids)}
    about = {"media_id": only, "detection_id": box if only else None}
    return Bulk(change.record(kind, view=view, **about), left_out)
