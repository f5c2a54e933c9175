"""What an import would call stations and cameras, before anything is taken in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePath

from app.files import has_one_folder
from app.ingest.intake import source_files
from app.ingest.limits import Limits
from app.ingest.refusals import RefusedFile
from app.survey.media.folders import Place, card_name, is_on_card, place_in_chosen, place_of, settled

MOST_FILES = 200_000


@dataclass(frozen=True, slots=True)
class Proposed:
    """One deployment that an import would make or add to.

    Args:
        camera: which camera of its station; empty for the only one.
        folder: the first folder of its files, as it is.
    """

    station: str
    camera: str
    deployment: str
    folder: str
    files: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do with the folders.

    Args:
        nameless: files of which no folder says where they were taken.
        refused: files that would not be taken, with the reason; only what their names and folders tell.
        cut: there are more files than were looked at.
    """

    places: tuple[Proposed, ...]
    nameless: int
    refused: tuple[tuple[str, str], ...]
    cut: bool


def preview(root: Path, *, names_in: str | None = None, uploaded: bool = False) -> Preview:
    """Look at the names of the files below a folder or in a zip; reads no picture.

    Args:
        names_in: see `zip_files`.
        uploaded: the folder is where a browser's upload was received; its name means nothing.
    """
    label = "" if uploaded else card_name(root) if root.is_dir() else root.stem if _is_zip(root) else ""
    on_card = not uploaded and is_on_card(PurePath(root))
    is_chosen = uploaded and has_one_folder(root)
    files: Counter[Place] = Counter()
    folders: dict[Place, str] = {}
    refused, nameless, seen = [], 0, 0
    for file in islice(source_files(root, limits=Limits(), names_in=names_in), MOST_FILES):
        seen += 1
        if isinstance(file, RefusedFile):
            refused.append((file.path, file.message))
            continue
        place = place_in_chosen(file.path) if is_chosen else place_of(file.path, card=label, on_card=on_card)
        if place is None:
            nameless += 1
            continue
        files[place] += 1
        folders.setdefault(place, file.path.rpartition("/")[0])
    stations = settled(files)
    places = [
        Proposed(stations[place], place.deployment.removeprefix(stations[place]).strip("/"), place.deployment,
                 folders[place], count)
        for place, count in files.items()
    ]  # fmt: skip
    ordered = sorted(places, key=lambda proposed: (proposed.station, proposed.deployment))
    return Preview(tuple(ordered), nameless, tuple(refused), seen == MOST_FILES)


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip"
