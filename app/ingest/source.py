"""One file an import may take in, wherever it lies."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from app.ingest.refusals import Refusal, Refused

NOT_MEDIA = frozenset(
    {
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "__macosx",
        "system volume information",
        "$recycle.bin",
        "@eadir",
        "lost+found",
    }
)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to take in; plain data that another process may open.

    Attributes:
        path: relative to the import with "/" separators, printable; inside a zip "sub/cards.zip/DCIM/a.jpg".
        opener: gives a binary stream as a context manager; raises Refused.
        bytes: the size its folder or zip states, if it does; the stream is counted anyway.
        modified: when it (or the zip it is in) was last written, in nanoseconds, as its folder says.
        sidecar: gives the small picture with facts (.THM) that a camera wrote beside a video.
    """

    path: str
    opener: Callable[[], AbstractContextManager[BinaryIO]] = field(repr=False)
    bytes: int | None = None
    modified: int | None = None
    sidecar: Callable[[], AbstractContextManager[BinaryIO]] | None = field(default=None, repr=False)

    def open(self) -> AbstractContextManager[BinaryIO]:
        """A binary stream from the file's start; raises Refused on entering."""
        return self.opener()


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is silently skipped: hidden, or an operating system's own."""
    return (name.startswith(".") and not is_shadow(name)) or name.lower() in NOT_MEDIA


def is_shadow(name: str) -> bool:
    """Whether this is what macOS writes beside a file on a card: ._IMG_0001.JPG beside IMG_0001.JPG."""
    return name.startswith("._") and len(name) > 2


def left_out(path: str) -> Refusal | None:
    """Why a file of this name is named and left out, None for the others."""
    name = path.rpartition("/")[2]
    if is_shadow(name):
        return Refusal.SHADOW
    if name.lower().endswith(".thm"):
        return Refusal.THUMBNAIL
    return Refusal.BEFORE_EDIT if name.endswith("_original") and "." in name else None


def printable(path: str) -> str:
    """The path with line breaks, control characters and undecodable bytes written as escapes."""
    if path.isprintable():
        return path
    return "".join(char if char.isprintable() else _escaped(ord(char)) for char in path)


def _escaped(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8 (os.fsdecode, PEP 383)
        code -= 0xDC00
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


@contextmanager
def open_file(path: str | Path) -> Iterator[BinaryIO]:
    """A regular file for reading; never waits on a pipe or a device.

    Args:
        path: already resolved; a link in its last place is not followed.

    Raises:
        Refused: NOT_A_FILE, UNREADABLE.
    """
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise Refused(Refusal.NOT_A_FILE)
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        raise Refused(Refusal.UNREADABLE, reason(error)) from error
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Refused(Refusal.NOT_A_FILE)
        yield stream


def reason(error: Exception) -> str:
    """What the operating system said, without the path (it may not be printable)."""
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else printable(str(error))
