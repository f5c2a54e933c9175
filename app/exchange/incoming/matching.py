"""Which file of the survey an entry of a file of results means: by its path, then by a name that occurs once.

Paths are compared as text alone; no file is opened by them. Upper and lower case, Windows' backslashes, drives and the
way Unicode composes letters make no difference.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import normalize

DRIVE = re.compile(r"^[a-z]:(?=/|$)")
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Listed:
    """A file of the survey: its path within its import, the import's label before it, and its media."""

    path: str
    media_id: int


class NoMatch(Exception):
    """No file of the survey is surely meant; the text says why."""


def parts(path: str) -> tuple[str, ...]:
    """The folders and the name of a path as they are compared."""
    plain = normalize("NFC", path).replace("\\", "/").casefold().strip()
    return tuple(part for part in DRIVE.sub("", plain).split("/") if part not in ("", ".", ".."))


def name_of(path: str) -> str:
    """The name of a path as it is compared."""
    return (parts(path) or ("",))[-1]


def backwards(path: Sequence[str]) -> str:
    """The parts of a path from its name up, so that paths with the same end begin alike."""
    return "".join(f"{part}/" for part in reversed(path))


def choose(path: str, listed: Sequence[Listed], same_name_in_file: int) -> int:
    """The media that a path means.

    Args:
        path: as the file of results names it.
        listed: the files of the survey with the same end or else the same name, each with its import's label as the
            first folder.
        same_name_in_file: how many entries of the file of results have this name.

    Raises:
        NoMatch.
    """
    mine = parts(path)
    if not listed:
        raise NoMatch("It is not in the survey.")
    common = {file: common_end(mine, parts(file.path)) for file in listed}
    agreeing = [file for file, length in common.items() if length >= min(len(mine), len(parts(file.path)) - 1)]
    longest = max((common[file] for file in agreeing), default=0)
    media = {file.media_id for file in agreeing if common[file] == longest}
    if len(media) == 1 and (longest > 1 or same_name_in_file == 1):
        return media.pop()
    if not agreeing and same_name_in_file == 1 and len({file.media_id for file in listed}) == 1:
        return listed[0].media_id
    shown = ", ".join(sorted(file.path for file in (agreeing or listed))[:SHOWN])
    if len(media) == 1 or (not agreeing and same_name_in_file > 1):
        raise NoMatch(f"Several entries have this name, and none of the survey's files lies in this folder: {shown}.")
    raise NoMatch(f"Several files of the survey may be meant: {shown}.")


def common_end(first: Sequence[str], second: Sequence[str]) -> int:
    """How many parts two paths share, counted from their ends."""
    count = 0
    for part, other in zip(reversed(first), reversed(second), strict=False):
        if part != other:
            break
        count += 1
    return count
