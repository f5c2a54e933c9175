"""What a person said about one image, as a file of theirs says it."""

from __future__ import annotations

from dataclasses import dataclass

MOST_LINES = 50_000
MACHINE = "A model said so, not a person: labels of models are not taken over."


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file.

    Args:
        path: the image, as the file names it.
        individual: its name, empty where the line does not say.
        species, flank: None where the line does not say.
        problem: why nothing can be taken of it.
    """

    path: str
    individual: str = ""
    species: str | None = None
    flank: str | None = None
    problem: str | None = None
