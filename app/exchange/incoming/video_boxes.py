"""Boxes on frames of videos: linked by place into tracklets, and stored as a run of the video."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.exchange.incoming.entries import Frames, Species
from app.survey.detections import hints, results
from app.survey.detections.boxes import rescore
from app.survey.detections.hints import Hint
from app.survey.tables.detections import ModelVersion
from app.survey.tables.media import Media, Stage
from app.survey.tables.videos import Video
from app.survey.videos import runs
from app.survey.videos import tracklets as rows
from app.video.summary.coverage import VideoCoverage
from app.video.summary.evidence import Thing
from app.video.summary.sentences import summarise_in_words
from app.video.summary.standing import link
from modal_backend.contracts import Category, Detection, FrameBox, Source, Tracklet

# By the number of a frame, its second and the boxes on it.
Looked = dict[int, tuple[float, list[Detection]]]
NOTE = "came in with a file of results: boxes on {} frames, linked by their place"


def store(
    session: Session,
    media_id: int,
    version: ModelVersion,
    who: str,
    boxes: Sequence[Detection],
    frames: Frames,
    species: Sequence[Species | None] = (),
) -> None:
    """Store what another tool found in a video as a run of it, and let the right run count.

    Every box is kept, on its frame; an animal counts where one of its boxes reaches the threshold.

    Args:
        species: what a classifier says of each box; empty where none says anything.
    """
    video, media = session.get_one(Video, media_id), session.get_one(Media, media_id)
    looked = _by_frame(boxes, frames, frames.rate or video.frame_rate or 1.0)
    found = _linked(looked, version.threshold or 0.0)
    flat = [
        Detection(tracklet.category, box.confidence or 0.0, box.box) for tracklet in found for box in tracklet.boxes
    ]
    stored = results.store_analysis(session, media_id, version, None, flat)
    named = {
        (number, box.box): name for number, box, name in zip(frames.numbers, boxes, species or (), strict=False) if name
    }
    marks = zip(stored, (box for tracklet in found for box in tracklet.boxes), strict=True)
    hints.bring_in(session, {key: Hint(*named[at]) for key, mark in marks if (at := (mark.index, mark.box)) in named})
    ids = iter(stored)
    run = runs.begin(session, media_id, who)
    for tracklet in found:
        rows.put_tracklet(session, media_id, tracklet, [next(ids) for _ in tracklet.boxes], run.id)
    sampled = tuple((number, second) for number, (second, _) in looked.items())
    summary = summarise_in_words(found, VideoCoverage(video.duration, sampled, None))
    facts = runs.RunFacts(
        looked=[list(look) for look in sampled],
        sentences=rows.as_rows(summary.sentences),
        uncertainty=rows.as_rows(summary.uncertainty),
    )
    runs.finish(session, run, version.id, summary.counts[Category.ANIMAL], False, facts)
    media.stage, media.failure = Stage.DETECTED, None
    session.flush()
    rescore(session, [media_id])


def _by_frame(boxes: Sequence[Detection], frames: Frames, rate: float) -> Looked:
    looked: Looked = {number: (round(number / rate, 3), []) for number in sorted({*frames.looked, *frames.numbers})}
    for box, number in zip(boxes, frames.numbers, strict=True):
        looked[number][1].append(box)
    return looked


def _linked(looked: Looked, threshold: float) -> list[Tracklet]:
    return [
        _tracklet(thing, threshold)
        for kind in Category
        for thing in link({key: (at, _of(kind, some)) for key, (at, some) in looked.items()}, set(), [], 0.0)
    ]


def _of(kind: Category, boxes: Sequence[Detection]) -> list[Detection]:
    return [box for box in boxes if box.category == kind]


def _tracklet(thing: Thing, threshold: float) -> Tracklet:
    best = max(mark.confidence for mark in thing.marks)
    return Tracklet(
        category=thing.category,
        confidence=best,
        source=Source.DETECTOR,
        spans=tuple(thing.spans),
        boxes=tuple(FrameBox(mark.index, mark.second, mark.box, mark.confidence) for mark in thing.marks),
        entry=None,
        exit=None,
        moving=0.0,
        counted=best >= threshold,
        note=NOTE.format(len(thing.marks)),
    )
