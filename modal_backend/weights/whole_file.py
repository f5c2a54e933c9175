"""Write a file whole or not at all."""

from __future__ import annotations

import os
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
