"""A clip from end to end: decode, choose frames, ask the detector, link, say it in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.video.paths.frame_borders import Frame
from app.video.paths.path import Way
from app.video.paths.paths import ways_of
from app.video.reading.decode import Played, frames_at, upright
from app.video.reading.probe import facts, open_clip
from app.video.reading.sampling import BUDGET, unlooked
from app.video.summary.first_pass import Watched, watch
from app.video.summary.quality import seen_quality
from app.video.summary.sentences import Seen, summary_of
from app.video.summary.tracklets import tracklets_of
from modal_backend.contracts import Detection, Failure, FrameBox, Picture, Tracklet, VideoSummary

BATCH = 8
WATCHING = 0.6  # share of the work that decoding is, for the progress
COLOURLESS = 2.5  # levels by which colours differ within a picture (a tint of all of it does not count)
SHAKEN = 0.35

Detect = Callable[[Sequence[Picture]], Sequence["list[Detection] | Failure"]]


class DetectorFailed(Exception):
    """The detector answered for no frame of the clip; the text says why."""


@dataclass(slots=True)
class Look:
    """A frame the detector looked at: its number, second, upright picture (RGB, reduced) and the boxes, best first."""

    index: int
    second: float
    picture: Picture
    found: list[Detection]


@dataclass(slots=True)
class SummarisedClip:
    """Everything one pass over a clip gave. key: number of the frame that shows most."""

    played: Played
    looks: list[Look]
    compared: int
    seen: Seen
    summary: VideoSummary
    key: int


def summarise_clip(
    path: Path,
    detect: Detect,
    *,
    budget: int = BUDGET,
    shows: tuple[int, float] | None = None,
    tell: Callable[[float], None] | None = None,
) -> SummarisedClip:
    """Summarise a clip with a detector. tell(share) hears how far it is, 0 to 1.

    shows: number and second of the frame that stands for the clip already; it is looked at and stays the key frame.

    Raises ClipError when nothing of the clip decodes, DetectorFailed, and what `detect` raises.
    """
    stated: list[float] = []

    def watched_until(second: float) -> None:
        if tell is not None and stated:
            tell(min(second / stated[0], 1.0) * WATCHING)

    with open_clip(path) as (container, stream):
        stated += [length for length in [facts(container, stream).duration] if length]
    watched = watch(path, budget=budget, tell=watched_until)
    ways, frame = _ways(watched)
    looks = _looks(path, watched, ways, shows, detect, tell)
    looked = {look.index: (look.second, look.found) for look in looks}
    tracklets = [_rated(one, looks) for one in tracklets_of(ways, frame, looked, watched.motion.busy)]
    seen = _seen(watched, looks)
    summary = summary_of(tracklets, seen)
    kept = shows is not None and any(look.index == shows[0] for look in looks)
    key = shows[0] if shows is not None and kept else _key(looks, tracklets)
    return SummarisedClip(watched.played, looks, len(watched.moments), seen, summary, key)


def _ways(watched: Watched) -> tuple[list[Way], Frame]:
    motion = watched.motion
    tracks = motion.finish()
    seconds = motion.seconds or [0.0]
    rim = 2.0 * motion.shift + 1 if motion.shift else 0.0
    frame = Frame(max(motion.width, 1), max(motion.height, 1), seconds[0], seconds[-1], motion.step, rim, motion.bars)
    return ways_of(tracks, frame), frame


def _looks(
    path: Path,
    watched: Watched,
    ways: Sequence[Way],
    shows: tuple[int, float] | None,
    detect: Detect,
    tell: Callable[[float], None] | None,
) -> list[Look]:
    """The frames looked at, with the detector's boxes: those sampled, and one for each way that none of them shows."""

    def shown(second: float) -> bool:
        return any(first <= second <= last for way in ways for first, last in way.spans)

    samples = watched.sampler.chosen(shown)
    asked = [(one.index, one.second, upright(one.frame, watched.played.turns)) for one in samples]
    asked += _missing(path, watched, ways, [one.second for one in samples])
    if shows is not None and shows[0] not in {index for index, _, _ in asked}:
        asked += [(shows[0], second, picture) for second, picture in frames_at(path, [shows[1]]).items()]
    looks, reasons = [], []
    for start in range(0, len(asked), BATCH):
        some = asked[start : start + BATCH]
        for (index, second, picture), found in zip(some, detect([one[2] for one in some]), strict=True):
            if isinstance(found, Failure):
                reasons.append(found.reason)
            else:
                looks.append(Look(index, second, picture, list(found)))
        if tell is not None:
            tell(WATCHING + (1 - WATCHING) * min(1.0, (start + BATCH) / len(asked)))
    if not looks:
        raise DetectorFailed(
            f"The detector answered for no frame of this clip: {reasons[0] if reasons else 'no frames'}"
        )
    return sorted(looks, key=lambda look: look.index)


def _missing(
    path: Path, watched: Watched, ways: Sequence[Way], seconds: Sequence[float]
) -> list[tuple[int, float, Picture]]:
    """A frame in the middle of each way that no sample shows."""
    wanted: dict[float, int] = {}
    for way in ways:
        if not any(first <= second <= last for first, last in way.spans for second in seconds):
            middle = way.steps[len(way.steps) // 2].second
            index, second = min(watched.moments, key=lambda moment: abs(moment[1] - middle))
            wanted[second] = index
    return [(wanted[second], second, picture) for second, picture in frames_at(path, wanted).items()]


def _rated(one: Tracklet, looks: Sequence[Look]) -> Tracklet:
    """The tracklet with the quality of each of its boxes."""
    pictures = {look.index: look.picture for look in looks}
    boxes = tuple(
        FrameBox(
            box.index, box.second, box.box, box.confidence, seen_quality(pictures[box.index], box.box, box.confidence)
        )
        for box in one.boxes
    )
    return replace(one, boxes=boxes)


def _seen(watched: Watched, looks: Sequence[Look]) -> Seen:
    colours = [_colour(look.picture) for look in looks[:: max(1, len(looks) // 16)]]
    duration = watched.played.duration
    return Seen(
        duration=duration,
        looked=tuple((look.index, look.second) for look in looks),
        night=bool(np.median(colours) <= COLOURLESS) if colours else None,
        unlooked=tuple(unlooked([look.second for look in looks], duration)),
        lost=watched.played.loss(),
        unsteady=round(watched.motion.busy, 2),
        shaken=watched.motion.shift >= SHAKEN,
    )


def _colour(picture: Picture) -> float:
    """By how many levels the colours of a picture differ from its own tint."""
    red, green, blue = (picture[::4, ::4, channel].astype(np.float32) for channel in range(3))
    return float(np.mean([np.abs(one - np.median(one)).mean() for one in (red - green, blue - green)]))


def _key(looks: Sequence[Look], tracklets: Sequence[Tracklet]) -> int:
    """The frame with the best boxes of the most animals; without any, one in the middle."""
    worth: dict[int, float] = {}
    for one in tracklets:
        for box in one.boxes:
            worth[box.index] = worth.get(box.index, 0.0) + box.quality * (1.0 if one.counted else 0.3)
    return max(worth, key=lambda index: worth[index]) if worth else looks[len(looks) // 2].index


def best_boxes(one: Tracklet, most: int) -> list[FrameBox]:
    """A tracklet's best boxes, at least half a second apart where it has enough of them, in order of time."""
    chosen: list[FrameBox] = []
    for apart in (0.5, 0.0):
        for box in sorted(one.boxes, key=lambda box: -box.quality):
            if len(chosen) < most and all(abs(box.second - other.second) >= apart and box != other for other in chosen):
                chosen.append(box)
    return sorted(chosen, key=lambda box: box.second)
