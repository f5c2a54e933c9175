"""The files of a folder, in a fixed order, one folder's names in memory at a time."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from app.ingest.formats import BY_NAME
from app.ingest.limits import Limits
from app.ingest.refusals import Refusal, Refused, RefusedFile
from app.ingest.source import SourceFile, is_hidden, left_out, open_file, printable, reason
from app.ingest.zips import zip_files


def folder_files(root: Path, *, limits: Limits, names_in: str | None = None) -> Iterator[SourceFile | RefusedFile]:
    """Every file below `root` by folder and name; zips are opened, links that lead out are refused by name.

    Never raises for what it finds.

    Args:
        root: an existing folder, resolved.
        limits: for its zips.
        names_in: see `zip_files`.
    """
    stack = [_listing(root, "")]
    while stack:
        found = next(stack[-1], None)
        if found is None:
            stack.pop()
        elif isinstance(found, RefusedFile):
            yield found
        else:
            path, shown = found
            try:
                real, status = _look_at(path, root)
            except Refused as refused:
                yield RefusedFile.of(shown, refused)
                continue
            if stat.S_ISDIR(status.st_mode):
                stack.append(_listing(real, f"{shown}/"))
            else:
                yield from one_file(real, shown, status, limits=limits, names_in=names_in)


def one_file(
    path: Path, shown: str, status: os.stat_result, *, limits: Limits, names_in: str | None = None
) -> Iterator[SourceFile | RefusedFile]:
    """The file at `path`, or what is in it when its name ends in .zip."""
    if why := left_out(shown):
        yield RefusedFile.of(shown, Refused(why))
    elif path.suffix.lower() == ".zip" or shown.lower().endswith(".zip"):
        yield from zip_files(path, f"{shown}/", limits=limits, names_in=names_in)
    else:
        yield SourceFile(shown, partial(open_file, path), status.st_size, status.st_mtime_ns, _sidecar(path))


def _sidecar(path: Path) -> Callable[[], AbstractContextManager[BinaryIO]] | None:
    """Opens the .THM beside a video, where there is one."""
    if path.suffix.lower() not in BY_NAME:
        return None
    beside = (path.with_suffix(suffix) for suffix in (".THM", ".thm"))
    return next((partial(open_file, thm) for thm in beside if thm.is_file() and not thm.is_symlink()), None)


def _listing(folder: Path, prefix: str) -> Iterator[tuple[Path, str] | RefusedFile]:
    """Path and shown path of each entry, by name; one refusal when the folder cannot be read."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        yield RefusedFile.of(prefix.rstrip("/"), Refused(Refusal.UNREADABLE, reason(error)))
        return
    for name in names:
        if not is_hidden(name):
            yield folder / name, prefix + printable(name)


def _look_at(path: Path, root: Path) -> tuple[Path, os.stat_result]:
    """Where the entry really is and what it is: a folder or a regular file.

    Raises:
        Refused: for the rest.
    """
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            path = _target(path, root)
            status = os.lstat(path)
            if stat.S_ISDIR(status.st_mode):
                raise Refused(Refusal.SYMLINK_FOLDER)
    except OSError as error:
        raise Refused(Refusal.UNREADABLE, reason(error)) from error
    if not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
        raise Refused(Refusal.NOT_A_FILE)
    return path, status


def _target(link: Path, root: Path) -> Path:
    """Where a link leads, inside `root`. Raises Refused."""
    target = Path(os.path.realpath(link))
    if not target.is_relative_to(root):
        raise Refused(Refusal.SYMLINK_OUTSIDE)
    if target.is_symlink() or not target.exists():  # still a link: it leads in a circle
        raise Refused(Refusal.SYMLINK_BROKEN)
    return target
