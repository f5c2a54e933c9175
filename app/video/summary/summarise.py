"""A video from end to end: decode, choose frames, ask the detector, link its boxes, sum up in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.video.paths.frame_borders import Frame
from app.video.paths.path import MotionPath
from app.video.paths.paths import paths_of
from app.video.reading.decode import Playback, frames_at, upright
from app.video.reading.probe import open_video, read_facts
from app.video.reading.sampling import BUDGET, unsampled_stretches
from app.video.summary.first_pass import FirstPass, first_pass
from app.video.summary.quality import box_quality
from app.video.summary.sentences import VideoCoverage, summarise_in_words
from app.video.summary.tracklets import SURE, tracklets_of
from modal_backend.contracts import Detection, Failure, Picture, Tracklet, VideoSummary

BATCH = 8
DECODING_SHARE = 0.6  # share of the work that decoding is, for the progress
COLOURLESS = 2.5  # levels by which colours differ within a picture (a tint of all of it does not count)
SHAKEN = 0.35

Detect = Callable[[Sequence[Picture]], Sequence["list[Detection] | Failure"]]


class DetectorFailed(Exception):
    """The detector answered for no frame of the video; the text says why."""


@dataclass(slots=True)
class SampledFrame:
    """A frame the detector looked at: its number, second, upright picture (RGB, reduced) and the boxes, best first."""

    index: int
    second: float
    picture: Picture
    found: list[Detection]


@dataclass(slots=True)
class SummarisedVideo:
    """Everything one pass over a video gave.

    Attributes:
        played: the record of decoding.
        sampled: the frames the detector looked at, in order.
        compared: how many frames were compared for motion.
        key_frame: number of the frame that shows most.
    """

    played: Playback
    sampled: list[SampledFrame]
    compared: int
    coverage: VideoCoverage
    summary: VideoSummary
    key_frame: int


def summarise_video(
    file: Path,
    detect: Detect,
    *,
    budget: int = BUDGET,
    shown_frame: tuple[int, float] | None = None,
    sure: float = SURE,
    on_progress: Callable[[float], None] | None = None,
) -> SummarisedVideo:
    """Summarise a video with a detector.

    Args:
        file: the video.
        detect: the detector: pictures in, for each its boxes or a Failure out.
        budget: at most so many frames are looked at.
        shown_frame: number and second of the frame that stands for the video already; it is looked at and stays the
            key frame.
        sure: confidence from which this detector's boxes count.
        on_progress: called with the share of the work that is done, 0 to 1.

    Raises:
        VideoError: nothing of the video decodes.
        DetectorFailed: the detector answered for no frame. What `detect` raises passes through.
    """
    stated: list[float] = []

    def watched_until(second: float) -> None:
        if on_progress is not None and stated:
            on_progress(min(second / stated[0], 1.0) * DECODING_SHARE)

    with open_video(file) as (container, stream):
        stated += [length for length in [read_facts(container, stream).duration] if length]
    first = first_pass(file, budget=budget, on_progress=watched_until)
    paths, frame = _motion_paths(first)
    sampled = _sampled_frames(file, first, paths, shown_frame, detect, on_progress)
    sampled_boxes = {sample.index: (sample.second, sample.found) for sample in sampled}
    found = tracklets_of(paths, frame, sampled_boxes, first.motion.busy, sure)
    tracklets = [_rated(tracklet, sampled) for tracklet in found]
    coverage = _coverage(first, sampled)
    summary = summarise_in_words(tracklets, coverage)
    kept = shown_frame is not None and any(sample.index == shown_frame[0] for sample in sampled)
    key_frame = shown_frame[0] if shown_frame is not None and kept else _key_frame(sampled, tracklets)
    return SummarisedVideo(first.played, sampled, len(first.moments), coverage, summary, key_frame)


def _motion_paths(first: FirstPass) -> tuple[list[MotionPath], Frame]:
    motion = first.motion
    tracks = motion.finish()
    seconds = motion.seconds or [0.0]
    rim = 2.0 * motion.shift + 1 if motion.shift else 0.0
    frame = Frame(max(motion.width, 1), max(motion.height, 1), seconds[0], seconds[-1], motion.step, rim, motion.bars)
    return paths_of(tracks, frame), frame


def _sampled_frames(
    file: Path,
    first: FirstPass,
    paths: Sequence[MotionPath],
    shown_frame: tuple[int, float] | None,
    detect: Detect,
    on_progress: Callable[[float], None] | None,
) -> list[SampledFrame]:
    """The frames looked at, with the detector's boxes: those sampled, and one for each path that none of them shows."""

    def shown(second: float) -> bool:
        return any(first <= second <= last for path in paths for first, last in path.spans)

    samples = first.sampler.choose(shown)
    asked = [(sample.index, sample.second, upright(sample.frame, first.played.turns)) for sample in samples]
    asked += _missing(file, first, paths, [sample.second for sample in samples])
    if shown_frame is not None and shown_frame[0] not in {index for index, _, _ in asked}:
        asked += [(shown_frame[0], second, picture) for second, picture in frames_at(file, [shown_frame[1]]).items()]
    sampled, reasons = [], []
    for start in range(0, len(asked), BATCH):
        some = asked[start : start + BATCH]
        for (index, second, picture), found in zip(some, detect([picture for _, _, picture in some]), strict=True):
            if isinstance(found, Failure):
                reasons.append(found.reason)
            else:
                sampled.append(SampledFrame(index, second, picture, list(found)))
        if on_progress is not None:
            on_progress(DECODING_SHARE + (1 - DECODING_SHARE) * min(1.0, (start + BATCH) / len(asked)))
    if not sampled:
        raise DetectorFailed(
            f"The detector answered for no frame of this video: {reasons[0] if reasons else 'no frames'}"
        )
    return sorted(sampled, key=lambda sample: sample.index)


def _missing(
    file: Path, first: FirstPass, paths: Sequence[MotionPath], seconds: Sequence[float]
) -> list[tuple[int, float, Picture]]:
    """A frame in the middle of each path that no sample shows."""
    wanted: dict[float, int] = {}
    for path in paths:
        if not any(first <= second <= last for first, last in path.spans for second in seconds):
            middle = path.steps[len(path.steps) // 2].second
            index, second = min(first.moments, key=lambda moment: abs(moment[1] - middle))
            wanted[second] = index
    return [(wanted[second], second, picture) for second, picture in frames_at(file, wanted).items()]


def _rated(tracklet: Tracklet, sampled: Sequence[SampledFrame]) -> Tracklet:
    """The tracklet with the quality of each of its boxes."""
    pictures = {sample.index: sample.picture for sample in sampled}
    boxes = tuple(
        replace(box, quality=box_quality(pictures[box.index], box.box, box.confidence)) for box in tracklet.boxes
    )
    return replace(tracklet, boxes=boxes)


def _coverage(first: FirstPass, sampled: Sequence[SampledFrame]) -> VideoCoverage:
    colours = [_colour(sample.picture) for sample in sampled[:: max(1, len(sampled) // 16)]]
    duration = first.played.duration
    return VideoCoverage(
        duration=duration,
        sampled=tuple((sample.index, sample.second) for sample in sampled),
        night=bool(np.median(colours) <= COLOURLESS) if colours else None,
        unsampled=tuple(unsampled_stretches([sample.second for sample in sampled], duration)),
        lost=first.played.loss(),
        unsteady=round(first.motion.busy, 2),
        shaken=first.motion.shift >= SHAKEN,
    )


def _colour(picture: Picture) -> float:
    """By how many levels the colours of a picture differ from its own tint."""
    red, green, blue = (picture[::4, ::4, channel].astype(np.float32) for channel in range(3))
    return float(np.mean([np.abs(channel - np.median(channel)).mean() for channel in (red - green, blue - green)]))


def _key_frame(sampled: Sequence[SampledFrame], tracklets: Sequence[Tracklet]) -> int:
    """The frame with the best boxes of the most animals; without any, one in the middle."""
    worth: dict[int, float] = {}
    for tracklet in tracklets:
        for box in tracklet.boxes:
            worth[box.index] = worth.get(box.index, 0.0) + box.quality * (1.0 if tracklet.counted else 0.3)
    return max(worth, key=lambda index: worth[index]) if worth else sampled[len(sampled) // 2].index
