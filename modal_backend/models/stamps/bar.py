"""The bar that a camera burns into a picture, and the text in it."""

from __future__ import annotations

from dataclasses import dataclass

from modal_backend.contracts import Box, Picture


@dataclass(frozen=True, slots=True)
class BarStrips:
    """The parts of a picture in which a camera writes, RGB uint8: its top and its bottom."""

    top: Picture
    bottom: Picture


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of text in a picture.

    score: 0 to 1. again: what a second reading of a slightly larger cut gave; None for a line that was read once.
    """

    text: str
    score: float
    box: Box
    again: str | None = None


@dataclass(frozen=True, slots=True)
class BarText:
    """The lines that were read in the strips of a picture, from top to bottom."""

    lines: tuple[TextLine, ...]
