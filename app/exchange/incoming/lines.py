"""What a person said about one image, as a file of theirs says it, and the rest of what such a file may hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.exchange.incoming.entries import Entry
from app.survey.media.station_tables import StationRow
from modal_backend.contracts import Box, Category

MACHINE = "A model said so, not a person: labels of models are not taken over."


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file.

    Args:
        path: the image, as the file names it.
        individual: its name, empty where the line does not say.
        species, flank: None where the line does not say.
        problem: why nothing can be taken of it.
        box: of the animal, person or vehicle on the picture, relative; None where the line does not say.
        verdict: "blank" or "unsure" of the whole image.
        who, at: the person who said so and when (seconds since 1970), where the file says it.
        sex, age_class: of the individual.
        sha256: of the image's content, where the file says it.
    """

    path: str
    individual: str = ""
    species: str | None = None
    flank: str | None = None
    problem: str | None = None
    box: Box | None = None
    category: Category = Category.ANIMAL
    verdict: str | None = None
    who: str | None = None
    at: float | None = None
    sex: str | None = None
    age_class: str | None = None
    sha256: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be taken of it."""
        return not (self.individual or self.species or self.box or self.verdict)


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a file says.

    Args:
        boxes: what a model found, an entry for each image; hashes: (path, SHA-256) of images, where the file says it.
        model: whose boxes these are.
        stations: its deployments.
    """

    lines: Sequence[Line]
    boxes: Sequence[Entry] = ()
    hashes: Sequence[tuple[str, str]] = ()
    model: str = ""
    format: str = ""
    stations: list[StationRow] = field(default_factory=list)
