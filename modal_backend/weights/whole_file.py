"""Write a file whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def whole_file(place: Path) -> Iterator[Path]:
    """A path beside `place` to write to; the block's end puts that file into place, an error removes it.

    Readers find the old file or the new one, never half of one. Raises OSError.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{uuid4().hex}.part")
    try:
        yield part
        os.replace(part, place)
    finally:
        part.unlink(missing_ok=True)
