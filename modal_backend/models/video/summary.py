"""A video summed up: how many, in words, and the tracklets it rests on."""

from __future__ import annotations

from dataclasses import dataclass

from modal_backend.contracts import Category, Source, Tracklet

ONE_PLACE = 0.85  # boxes on one frame that cover each other by so much show one animal


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
        return tuple(one for one in self.tracklets if not one.counted and one.source == Source.MOTION)
