"""Write a file whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from modal_backend.waiting import growing


@contextmanager
def whole_file(place: Path) -> Iterator[Path]:
    """A path beside `place` to write to; the block's end puts that file into place, an error removes it.

    Readers find the old file or the new one, never half of one. Raises OSError.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{uuid4().hex}.part")
    try:
        yield part
        put(part, place)
    finally:
        part.unlink(missing_ok=True)


def first_content(place: Path, content: bytes, mode: int = 0o644) -> bytes:
    """What a file holds that is written once: this content, unless another process came first.

    Args:
        mode: who may read and write the file.

    Raises:
        OSError: the file cannot be read, or there is none and it cannot be written.
    """
    if not place.exists():
        part = place.with_name(f".{place.name}.{secrets.token_hex(8)}")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(content)
            _link(part, place)
        finally:
            part.unlink(missing_ok=True)
    return place.read_bytes()


def _link(part: Path, place: Path) -> None:
    try:
        os.link(part, place)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not place.exists():
            os.replace(part, place)


def put(part: Path, place: Path) -> None:
    """Put a written file in the place of another or of none; Windows refuses that while somebody reads the other.

    Raises:
        OSError: the place cannot be written, or is still being read after about two seconds.
    """
    Retrying(
        retry=retry_if_exception_type(PermissionError),
        wait=growing(0.05, longest=0.5),
        stop=stop_after_attempt(6),
        reraise=True,
    )(os.replace, part, place)
