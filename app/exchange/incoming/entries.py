"""What every reader makes of a file of results: a source with one entry for each image that the file names."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from modal_backend.contracts import Box, Category, Detection

LONGEST_PATH = 1024
SPECIESNET_RANKS = 7
MOST_BOXES = 1000
# Detectors round: a box may reach this far over the picture's edge, as a share of its side. More is another box.
OVER_THE_EDGE = 0.01
PEOPLE = frozenset({"person", "human", "people", "homo sapiens"})
VEHICLES = frozenset({"vehicle", "car", "truck"})
NOTHING = frozenset({"", "empty", "blank", "none", "no cv result", "false trigger"})
NO_SPECIES = NOTHING | PEOPLE | VEHICLES | {"unknown", "unidentified", "animal", "unclassified"}


class UnknownResults(Exception):
    """No reader knows this file; the text says what is in it and what can be brought in."""


class BrokenResults(Exception):
    """The file is of a known kind and cannot be read to its end; the text says where it breaks."""


class BadEntry(Exception):
    """One image of the file cannot be used; the text says why, `sentence` as a sentence."""

    @property
    def sentence(self) -> str:
        """The reason as a sentence."""
        return f"{self}.".capitalize()


class Species(NamedTuple):
    """What a classifier holds the animal in a box for. score: 0 to 1."""

    name: str
    score: float
    classifier: str


@dataclass(frozen=True, slots=True)
class Frames:
    """Where the boxes of a video are.

    Args:
        numbers: the frame of each box, from 0.
        looked: the frames that the detector has looked at.
        rate: frames a second; None where the file does not say.
    """

    numbers: tuple[int, ...]
    looked: tuple[int, ...] = ()
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What a file says about one image or video.

    Args:
        path: as the file names it.
        boxes: what the model found, empty for a blank image.
        species: of each box, None where no classifier says; empty where none says anything.
        pixels: the boxes are in pixels of the picture, not relative to it.
        problem: why nothing can be used of it; None when all is well.
        frames: of a video.
    """

    path: str
    boxes: tuple[Detection, ...] = ()
    species: tuple[Species | None, ...] = ()
    pixels: bool = False
    problem: str | None = None
    frames: Frames | None = None


Found = tuple[Detection, Species | None]


def entry_of(path: Any, found: Sequence[Found], *, pixels: bool = False) -> Entry:
    """An entry of its boxes, each with what a classifier says."""
    species = tuple(name for _, name in found)
    return Entry(str(path), tuple(box for box, _ in found), species if any(species) else (), pixels)


@dataclass(frozen=True, slots=True)
class Source:
    """A file of results that a reader knows.

    Args:
        format: its kind, in words.
        model: name of the detector; version: as the file says it, empty where it does not.
        threshold: confidence from which the detector's boxes count, 0 to 1.
        entries: reads the file from its beginning. Raises BrokenResults.
    """

    format: str
    model: str
    version: str
    threshold: float
    entries: Callable[[], Iterator[Entry]]


def category_of(name: str) -> Category:
    """Animal, person or vehicle; a species is an animal."""
    plain = name.strip().casefold()
    if plain in PEOPLE:
        return Category.PERSON
    return Category.VEHICLE if plain in VEHICLES else Category.ANIMAL


def species_name(label: str) -> str:
    """The species that a label means; empty for one that means none.

    Args:
        label: a name, or SpeciesNet's "id;class;order;family;genus;species;common name", empty above the rank it names.
    """
    ranks = [part.strip() for part in label.split(";")]
    name = ranks[-1] or next(filter(None, reversed(ranks)), "")
    if len(ranks) == SPECIESNET_RANKS and ranks[4] and ranks[5]:
        name = f"{ranks[4].capitalize()} {ranks[5]}"
    name = name.replace("_", " ").strip()
    return "" if name.casefold() in NO_SPECIES else name


def detection(category: Category, confidence: Any, box: Any, *, pixels: bool = False) -> Detection:
    """A box as the file gives it: left, top, width, height. Raises BadEntry for one that cannot be on a picture."""
    if not isinstance(box, Sequence) or len(box) != 4 or not all(map(is_number, [*box, confidence])):
        raise BadEntry("a box or its confidence is not made of numbers")
    if not 0 <= confidence <= 1:
        raise BadEntry(f"a confidence of {confidence:g} is not between 0 and 1")
    if not pixels:
        box = inside(*box)
    return Detection(category, float(confidence), Box(*(float(value) for value in box)))


def inside(left: float, top: float, width: float, height: float) -> tuple[float, float, float, float]:
    """A relative box without what rounding has put over the edge. Raises BadEntry for one outside the picture."""
    over = max(-left, -top, left + width - 1, top + height - 1)
    if over > OVER_THE_EDGE or width <= 0 or height <= 0:
        raise BadEntry("a box lies outside the picture")
    left, top = max(left, 0.0), max(top, 0.0)
    return left, top, min(width, 1 - left), min(height, 1 - top)


def usable_path(value: Any) -> str:
    """The path of an entry. Raises BadEntry for what is none."""
    if not isinstance(value, str) or not value.strip():
        raise BadEntry("the entry names no file")
    if len(value) > LONGEST_PATH:
        raise BadEntry(f"the path is longer than {LONGEST_PATH:,} characters")
    return value


def is_number(value: Any) -> bool:
    """Whether a value of a JSON file is a number that can be used."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
