"""A video from end to end: decode, choose frames, ask the detector, link its boxes, sum up in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.video.paths.frame_borders import Frame
from app.video.paths.path import MotionPath
from app.video.paths.paths import paths_of
from app.video.reading.decode import Playback
from app.video.reading.probe import open_video, read_facts
from app.video.reading.sampling import unsampled_stretches
from app.video.summary.coverage import VideoCoverage
from app.video.summary.first_pass import FirstPass, first_pass
from app.video.summary.looks import Detect, SampledFrame, look_closer, sampled_frames
from app.video.summary.quality import box_quality
from app.video.summary.sentences import summarise_in_words
from app.video.summary.tracklets import SURE, tracklets_of
from modal_backend.contracts import Picture, Tracklet
from modal_backend.models.video.summary import VideoSummary

DECODING_SHARE, WHOLE_SHARE = 0.5, 0.8  # shares of the work done after decoding and after the whole frames
COLOURLESS = 4.0  # levels by which nearly all pixels of an infrared picture differ from its own tint at most
BAR_ROWS = 0.1  # of the height at the top and at the bottom, where bars may have coloured signs
SHAKEN = 0.35


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
    shown_frame: tuple[int, float] | None = None,
    sure: float = SURE,
    on_progress: Callable[[float], None] | None = None,
) -> SummarisedVideo:
    """Summarise a video with a detector.

    Args:
        detect: the detector: pictures in, for each its boxes or a Failure out.
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
    first = first_pass(file, watched_until)
    paths, frame = motion_paths(first)

    def asked(begin: float, end: float) -> Callable[[float], None]:
        return lambda share: on_progress(begin + (end - begin) * share) if on_progress is not None else None

    sampled = sampled_frames(file, first, paths, shown_frame, detect, asked(DECODING_SHARE, WHOLE_SHARE))
    look_closer(sampled, paths, frame, detect, asked(WHOLE_SHARE, 1.0))
    looked = {sample.index: (sample.second, sample.found) for sample in sampled}
    camera = first.camera.shift if first.camera.moves else None
    found = tracklets_of(paths, frame, looked, first.motion.busy, sure, camera)
    tracklets = [_rated(tracklet, sampled) for tracklet in found]
    coverage = _coverage(first, sampled)
    summary = summarise_in_words(tracklets, coverage)
    kept = shown_frame is not None and any(sample.index == shown_frame[0] for sample in sampled)
    key_frame = shown_frame[0] if shown_frame is not None and kept else _key_frame(sampled, tracklets)
    return SummarisedVideo(first.played, sampled, len(first.moments), coverage, summary, key_frame)


def motion_paths(first: FirstPass) -> tuple[list[MotionPath], Frame]:
    """What moves, and the small frame in which it does."""
    motion = first.motion
    tracks = motion.finish() if not first.camera.moves else []
    seconds = motion.seconds or [0.0]
    rim = 2.0 * motion.shift + 1 if motion.shift else 0.0
    frame = Frame(max(motion.width, 1), max(motion.height, 1), seconds[0], seconds[-1], motion.step, rim, motion.bars)
    return paths_of(tracks, frame), frame


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
        carried=first.camera.moves,
    )


def _colour(picture: Picture) -> float:
    """By how many levels the most coloured pixels, a fiftieth of all, differ from the picture's own tint.

    A grey sky, snow and fog have little colour on the average, and some of it somewhere.
    """
    bar = int(BAR_ROWS * len(picture))
    red, green, blue = (picture[bar : len(picture) - bar : 4, ::4, channel].astype(np.float32) for channel in range(3))
    off = [np.abs(channel - np.median(channel)) for channel in (red - green, blue - green)]
    return float(np.percentile(np.maximum(*off), 98))


def _key_frame(sampled: Sequence[SampledFrame], tracklets: Sequence[Tracklet]) -> int:
    """The frame with the best boxes of the most animals; without any, one in the middle."""
    worth: dict[int, float] = {}
    for tracklet in tracklets:
        for box in tracklet.boxes:
            worth[box.index] = worth.get(box.index, 0.0) + box.quality * (1.0 if tracklet.counted else 0.3)
    return max(worth, key=lambda index: worth[index]) if worth else sampled[len(sampled) // 2].index
