"""What Wildlife Insights gives to download, whole: a zip or folder with images.csv, deployments.csv, cameras.csv and
projects.csv. Large projects have several tables of images (images_2001234.csv)."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.exchange.incoming.entries import BrokenResults, UnknownResults
from app.exchange.incoming.lines import Contents, Line
from app.exchange.incoming.on_disk import Spooled
from app.survey.media.station_tables import StationRow

IMAGES, DEPLOYMENTS = re.compile(r"images(_\d+)?\.csv", re.IGNORECASE), "deployments.csv"
OTHERS = ("cameras.csv", "projects.csv")
OF_SEQUENCES = "It is about sequences of images, not about images: nothing of it is taken."
LARGEST_TABLE = 500 * 1024**2


def is_download(path: Path) -> bool:
    """Whether a zip or folder is such a download: tables of images beside one of deployments or of the project."""
    names = [name.rpartition("/")[2].casefold() for name in _names(path)]
    return any(map(IMAGES.fullmatch, names)) and not {DEPLOYMENTS, *OTHERS}.isdisjoint(names)


def read_download(path: Path, read_table: Callable[[Path], Contents]) -> Contents:
    """All that a download says. read_table: reads one of its tables. Raises UnknownResults, BrokenResults."""
    lines, stations = Spooled[Line](), list[StationRow]()
    for place in sorted(_names(path)):
        name = place.rpartition("/")[2]
        if name.casefold() == "sequences.csv":
            lines.append(Line(place, problem=OF_SEQUENCES))
        if not IMAGES.fullmatch(name) and name.casefold() != DEPLOYMENTS:
            continue
        with _opened(path, place) as table:
            try:
                contents = read_table(table)
            except (UnknownResults, BrokenResults) as problem:
                raise type(problem)(f"{place}: {problem}") from problem
        lines.extend(contents.lines)
        stations.extend(contents.stations)
    return Contents(lines, format="Wildlife Insights", stations=stations)


def _names(path: Path) -> list[str]:
    if path.is_dir():
        return [table.name for table in path.glob("*.[cC][sS][vV]") if table.is_file() and not table.is_symlink()]
    if not zipfile.is_zipfile(path):
        return []
    with zipfile.ZipFile(path) as package:
        return [name for name in package.namelist() if name.casefold().endswith(".csv") and "__MACOSX" not in name]


@contextmanager
def _opened(path: Path, name: str) -> Iterator[Path]:
    """A table of the download as a file. Raises UnknownResults, BrokenResults."""
    if path.is_dir():
        yield path / name
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "table.csv"
        try:
            with zipfile.ZipFile(path) as package:
                if package.getinfo(name).file_size > LARGEST_TABLE:
                    raise UnknownResults(f"{name} is larger than {LARGEST_TABLE // 1024**2} MB.")
                with package.open(name) as file, place.open("wb") as kept:
                    shutil.copyfileobj(file, kept)
        except (zipfile.BadZipFile, OSError, RuntimeError, EOFError) as error:
            raise BrokenResults(f"{name} in the zip cannot be read: {error}.") from error
        yield place
