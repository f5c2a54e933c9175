"""How much of a video was looked at, and the sentences about all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modal_backend.contracts import Tracklet
from modal_backend.models.video.summary import Sentence


@dataclass(frozen=True, slots=True)
class VideoCoverage:
    """How much of a video was looked at, and under which conditions.

    Attributes:
        duration: seconds.
        sampled: number and second of each frame the detector looked at.
        night: the frames have no colour (infrared); None where that is not known.
        unsampled: stretches without a sampled frame, first and last second.
        lost: what could not be decoded, as a sentence.
        unsteady: share of the frames in which too much moves.
        shaken: whether the camera shook.
        carried: whether the camera itself moves.
    """

    duration: float
    sampled: tuple[tuple[int, float], ...]
    night: bool | None
    unsampled: tuple[tuple[float, float], ...] = ()
    lost: str = ""
    unsteady: float = 0.0
    shaken: bool = False
    carried: bool = False


def over_all(text: str, coverage: VideoCoverage) -> Sentence:
    """A sentence about the whole video."""
    return Sentence(text, 0.0, round(coverage.duration, 3), tuple(index for index, _ in coverage.sampled))


def about(tracklets: Sequence[Tracklet], text: str) -> Sentence:
    """A sentence about some tracklets, that rests on all their frames."""
    first, last = min(tracklet.first_second for tracklet in tracklets), max(each.last_second for each in tracklets)
    return Sentence(text, first, last, tuple(sorted({box.index for tracklet in tracklets for box in tracklet.boxes})))
