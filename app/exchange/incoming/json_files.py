"""Read JSON of any size a piece at a time, with limits on what one piece may hold."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import ijson

from app.exchange.incoming.entries import BrokenResults

DEEPEST = 30
LARGEST_ENTRY = 32 * 1024**2
MOST_VALUES = 200_000  # outside of lists: names of categories and the like


@dataclass(slots=True)
class Outline:
    """What a file holds at its top: values outside of lists, and the first entry of each list (at the top: "")."""

    values: dict[str, Any] = field(default_factory=dict)
    first: dict[str, Any] = field(default_factory=dict)


class _Limited:
    """A file that breaks when one entry goes on for too long. within: bytes read of it; None between entries."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.within: int | None = None

    def read(self, size: int = -1) -> bytes:
        if self.within is not None:
            self.within += max(size, 0)
        if (self.within or 0) > LARGEST_ENTRY:
            raise BrokenResults(f"One entry of the file is larger than {LARGEST_ENTRY // 1024**2} MB.")
        return self._file.read(size)


def beginning(path: Path) -> bytes:
    """The first bytes of a file, without what may stand before any text."""
    with path.open("rb") as file:
        return file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")


def outline(path: Path) -> Outline:
    """Read a file once for what is at its top. Raises BrokenResults for what is no JSON."""
    found, depth, builder = Outline(), 0, None
    place: str | None = None
    try:
        with _opened(path) as file:
            for prefix, event, value in ijson.parse(file, use_float=True):
                depth += (event in ("start_map", "start_array")) - (event in ("end_map", "end_array"))
                if depth > DEEPEST:
                    raise BrokenResults(f"The file is nested more than {DEEPEST} levels deep.")
                if builder is None:
                    place = _begins(prefix, event, found)
                    if place is None or event in ("map_key", "end_map", "end_array"):
                        continue
                    builder, ends_at = ijson.ObjectBuilder(), depth - (event in ("start_map", "start_array"))
                builder.event(event, value)
                if depth == ends_at:
                    _keep(found, place or "", builder.value)
                    builder = None
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise _broken(error) from error
    return found


def entries(path: Path, prefix: str) -> Iterator[Any]:
    """Each entry of a list in turn. prefix: as ijson names it. Raises BrokenResults."""
    try:
        with _opened(path) as file:
            limited, builder, depth = _Limited(file), None, 0
            for place, event, value in ijson.parse(limited, use_float=True):
                if builder is None:
                    if place != prefix or event.startswith("end"):
                        continue
                    builder, limited.within = ijson.ObjectBuilder(), 0
                builder.event(event, value)
                depth += event.startswith("start") - event.startswith("end")
                if depth == 0:
                    entry, builder, limited.within = builder.value, None, None
                    yield entry
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise _broken(error) from error


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file behind the mark that some programs of Windows put at its beginning."""
    with path.open("rb") as file:
        if file.read(len(BOM_UTF8)) != BOM_UTF8:
            file.seek(0)
        yield file


def _broken(error: Exception) -> BrokenResults:
    reason = str(error).splitlines()[0].rstrip(". ")
    number = " NaN and Infinity are no JSON: write null." if "lexical" in reason else ""
    return BrokenResults(f"The file is not whole JSON: {reason}.{number}")


def _begins(prefix: str, event: str, found: Outline) -> str | None:
    """The place of the outline that the value which begins here belongs to; None for none."""
    if prefix == "item" or (prefix.endswith(".item") and prefix.count(".") == 1):
        place = prefix.removesuffix("item").removesuffix(".")
        return None if place in found.first else f"{place}[]"
    if prefix and "." not in prefix and event != "start_array":
        return prefix
    return None


def _keep(found: Outline, place: str, value: Any) -> None:
    if place.endswith("[]"):
        found.first[place[:-2]] = value
    elif len(found.values) < MOST_VALUES:
        found.values[place] = value
