"""A video summed up: how many, in words, and the tracklets it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from modal_backend.contracts import Box, Category, Source, Tracklet
from modal_backend.models.detectors.overlap import different

ONE_PLACE = 0.85  # boxes on one frame that cover each other by so much show one animal
ONE_PLACE_ONCE = 0.4  # the same where a single frame shows that many: one tracklet takes over from another there


def numbers_at_once(frames: Iterable[Sequence[Box]]) -> list[int]:
    """How many animals each frame shows.

    Args:
        frames: the boxes of each frame, one a tracklet.
    """
    boxes = list(frames)
    numbers = [len(different(some, ONE_PLACE)) for some in boxes]
    if len(numbers) > 1 and numbers.count(max(numbers)) == 1:
        alone = numbers.index(max(numbers))
        apart = len(different(boxes[alone], ONE_PLACE_ONCE))
        numbers[alone] = max(apart, *(number for place, number in enumerate(numbers) if place != alone))
    return numbers


@dataclass(frozen=True, slots=True)
class Sentence:
    """One statement about a video with its evidence: from when to when (seconds), and the numbers of the frames."""

    text: str
    first_second: float
    last_second: float
    frames: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """How many animals (persons, vehicles) a video shows.

    at_once: the most seen on one frame (MaxN). frame, second: the number and second of that frame; None without any.
    low, high: how many different ones there may be.
    """

    at_once: int = 0
    frame: int | None = None
    second: float | None = None
    low: int = 0
    high: int = 0


@dataclass(frozen=True, slots=True)
class VideoSummary:
    """A video in words, computed from tracklets alone. animals: the most seen at once, as a person corrected it.

    counts: as computed, by category. uncertainty: what limits the answer, as sentences with evidence.
    """

    animals: int
    counts: dict[Category, Count]
    sentences: tuple[Sentence, ...]
    uncertainty: tuple[Sentence, ...]
    tracklets: tuple[Tracklet, ...]

    @property
    def computed(self) -> int:
        """The most animals seen at once, as computed."""
        return self.counts[Category.ANIMAL].at_once

    @property
    def unidentified(self) -> tuple[Tracklet, ...]:
        """What moves and the detector does not mark."""
        return tuple(
            tracklet for tracklet in self.tracklets if not tracklet.counted and tracklet.source == Source.MOTION
        )
