"""What limits the answer about a video, as sentences with their evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.video.summary.coverage import VideoCoverage, over_all
from app.video.timecode import timecode
from modal_backend.contracts import Source, Tracklet
from modal_backend.models.video.summary import Sentence

UNSTEADY = 0.3


def doubts(tracklets: Sequence[Tracklet], names: Mapping[int, str], coverage: VideoCoverage) -> list[Sentence]:
    """What speaks against single tracklets, then what limits the whole.

    Args:
        names: of the tracklets that count, by `id`.
    """
    out = []
    for tracklet in tracklets:
        frames = tuple(box.index for box in tracklet.boxes)
        texts = _about(tracklet, names.get(id(tracklet)))
        out += [Sentence(text, tracklet.first_second, tracklet.last_second, frames) for text in texts]
    return out + _overall(coverage)


def _about(tracklet: Tracklet, name: str | None) -> list[str]:
    if name is None:
        if tracklet.source == Source.MOTION:
            return []  # has its own sentence
        first, last = timecode(tracklet.first_second), timecode(tracklet.last_second)
        return [f"Something from {first} to {last} is not counted: it {tracklet.note}."]
    texts = [f"{name} {tracklet.note}."] if tracklet.note else []
    if len(tracklet.spans) > 1:
        texts.append(f"{name} left and came back, or another like it came.")
    return texts


def _overall(coverage: VideoCoverage) -> list[Sentence]:
    out = []
    if coverage.carried:
        text = "The camera itself moves, so motion shows nothing: only what the detector marks counts."
        out.append(over_all(text, coverage))
    elif coverage.unsteady >= UNSTEADY:
        text = f"In {coverage.unsteady:.0%} of the video so much moves (camera or plants) that motion proves little."
        out.append(over_all(text, coverage))
    elif coverage.shaken:
        out.append(over_all("The camera shook; its movement was taken out before motion was judged.", coverage))
    if coverage.unsampled:
        longest = max(coverage.unsampled, key=lambda stretch: stretch[1] - stretch[0])
        text = (
            f"The detector looked at {len(coverage.sampled)} frames; its longest pause is "
            f"{longest[1] - longest[0]:.1f} s from {timecode(longest[0])}."
        )
        out.append(over_all(text, coverage))
    if coverage.lost:
        out.append(over_all(f"Part of the video is lost: {coverage.lost[0].lower()}{coverage.lost[1:]}", coverage))
    return out
