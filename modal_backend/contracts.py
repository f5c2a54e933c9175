"""The values that cross the line between the survey and the models.

Boxes are relative to the picture after EXIF rotation: x, y of the top-left corner, width and height, all 0 to 1
(the lila MegaDetector format). Pictures are RGB uint8 arrays of shape (height, width, 3).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Vector = NDArray[np.float32]


class Category(StrEnum):
    """What a box holds."""

    ANIMAL = "animal"
    PERSON = "person"
    VEHICLE = "vehicle"


class Flank(StrEnum):
    """Which side of the animal a crop shows; a tiger's two sides are different patterns."""

    LEFT = "left"
    RIGHT = "right"
    OTHER = "other"
    UNKNOWN = "unknown"


OPPOSITE: dict[str | None, str] = {"left": "right", "right": "left"}  # the sides that have a pattern


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle relative to its picture: top-left x, y, then width and height, all within 0 to 1."""

    x: float
    y: float
    width: float
    height: float

    def pixels(self, picture_width: int, picture_height: int) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in whole pixels, at least one pixel wide and high, inside the picture."""
        left = min(max(round(self.x * picture_width), 0), picture_width - 1)
        top = min(max(round(self.y * picture_height), 0), picture_height - 1)
        right = min(max(round((self.x + self.width) * picture_width), left + 1), picture_width)
        bottom = min(max(round((self.y + self.height) * picture_height), top + 1), picture_height)
        return left, top, right, bottom


@dataclass(frozen=True, slots=True)
class Detection:
    """A box a detector found; confidence is 0 to 1 as that detector gives it."""

    category: Category
    confidence: float
    box: Box


class Side(StrEnum):
    """Where an animal came into a video's frame, or left it."""

    LEFT = "left"
    RIGHT = "right"
    TOP = "top"
    BOTTOM = "bottom"


class Source(StrEnum):
    """What a tracklet rests on."""

    BOTH = "detector and motion"
    MOTION = "motion"
    DETECTOR = "detector"


@dataclass(frozen=True, slots=True)
class FrameBox:
    """A tracklet's box on one frame that was looked at.

    index: the frame's number in the video, from 0. second: from the video's start. confidence: the detector's, 0 to 1;
    None where the box comes from motion alone. quality: how well the animal is seen, 0 to 1, larger is better.
    """

    index: int
    second: float
    box: Box
    confidence: float | None
    quality: float = 0.0


@dataclass(frozen=True, slots=True)
class Tracklet:
    """One animal (person, vehicle) followed through a video.

    boxes: on the frames looked at, in order. spans: first and last second of each time it was in view, in order; more
    than one when it left and came back. entry, exit: None when it was in view at the video's start or end, or appeared
    inside the frame. confidence: 0 to 1, of the tracklet as a whole. moving: share of its time it was moving.
    counted: whether it counts as an animal of the video; the others are only possible. note: what speaks against it.
    """

    category: Category
    confidence: float
    source: Source
    spans: tuple[tuple[float, float], ...]
    boxes: tuple[FrameBox, ...]
    entry: Side | None
    exit: Side | None
    moving: float
    counted: bool = True
    note: str = ""

    @property
    def first_second(self) -> float:
        """When it is first seen."""
        return self.spans[0][0]

    @property
    def last_second(self) -> float:
        """When it is last seen."""
        return self.spans[-1][1]


@dataclass(frozen=True, slots=True)
class Letterboxed:
    """A picture scaled for a detector: RGB uint8 `pixels` with the long side the detector wants.

    width, height: of the picture it was scaled from, in pixels. coded: the JPEG whose pixels these are, which travels
    in their place; empty where they travel as PNG.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    coded: bytes = b""


@dataclass(frozen=True, slots=True)
class SpeciesGuess:
    """What a species classifier holds possible, best first.

    labels: "uuid;class;order;family;genus;species;common name" as SpeciesNet writes them; scores: 0 to 1.
    """

    labels: tuple[str, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class LocalFeatures:
    """Local features of one crop, by SIFT (RAPID) or XFeat (the matcher).

    points: float32 (n, 4), x, y in pixels of the resized crop; then size in pixels and angle in degrees (SIFT), or
    strength and 0 (XFeat). descriptors: uint8 (n, 128), of XFeat (n, 64).
    width, height: the resized crop's size in pixels.
    """

    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PairQuestion:
    """Crops to be matched by their XFeat features: the query with each of the others."""

    query: LocalFeatures
    others: list[LocalFeatures]


@dataclass(frozen=True, slots=True)
class PairMatches:
    """Which points of two crops belong together.

    pairs: int32 (n, 2), the numbers of the query's point and of its partner. confidence: float32 (n,), 0 to 1.
    consistent: bool (n,), whether the match lies as on one plane with most of the others.
    """

    pairs: NDArray[np.int32]
    confidence: NDArray[np.float32]
    consistent: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class JpegFrame:
    """One frame of a video: its time in seconds from the beginning, and the picture as JPEG without metadata."""

    seconds: float
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class VideoQuestion:
    """A question about a video: with frames of it, in order, or with the video itself (MP4)."""

    text: str
    frames: list[JpegFrame]
    video: bytes = b""


@dataclass(frozen=True, slots=True)
class VideoAnswer:
    """What a video language model said.

    text: plain text, control characters and hidden reasoning taken out; it may still look like markup and must be
    shown as text. model: as the endpoint names it. prompt_tokens, completion_tokens: None where it did not tell.
    cut_short: the answer reached the token limit. attempts: requests that were made for it.
    """

    text: str
    model: str
    host: str
    prompt_tokens: int | None
    completion_tokens: int | None
    cut_short: bool
    attempts: int


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a result comes from; stored with every one of them."""

    backend: str
    model: str
    version: str
    weights_sha256: str
    preprocessing: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a call gives back: one value per input, in order, and where they come from.

    A value is what the task yields (list[Detection], Vector, LocalFeatures) or a `Failure` for that input alone.
    seconds: run time of the model; cold_start_seconds: loading that this call waited for, None without any.
    """

    values: list[Any]
    provenance: Provenance
    seconds: float
    cold_start_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """One input of a batch that could not be answered; its neighbours are not affected."""

    reason: str


@dataclass(frozen=True, slots=True)
class CurrentStats:
    """What a backend has to do for one model right now, and how many are at it.

    stalled_seconds: for how long there has been a backlog with nothing running, as far as this process has looked.
    function: Modal's id of the deployed function, another one after the app was stopped and deployed again; empty here.
    """

    backlog: int
    runners: int
    running: int
    headroom: int
    stalled_seconds: float = 0.0
    function: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a backend answers. versions: what runs there, by package; state: one word; reason, remedy: sentences."""

    state: str
    reason: str = ""
    remedy: str = ""
    versions: dict[str, str] = field(default_factory=dict)
