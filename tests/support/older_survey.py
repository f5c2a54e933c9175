"""A survey as the version with twelve migrations left it: decisions of every kind, and jobs that nobody has begun.

It was made by that version's own code on drawn pictures and dumped with sqlite3's `iterdump`. Pictures of the boxes it
lists are kept for one media only; the folder of the import that waits is named @WAITING@ in the dump.
"""

from __future__ import annotations

import lzma
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

FOLDER = Path(__file__).with_name("older_survey")
WAITING_IMPORT, DRAWN_BOX, QUERY = 4, 27, 1


def unpack(data_dir: Path) -> None:
    """Lay the older survey, its queue and its picture into an empty data directory."""
    for name in ("survey", "jobs"):
        text = lzma.decompress((FOLDER / f"{name}.sql.xz").read_bytes()).decode()
        with closing(sqlite3.connect(data_dir / f"{name}.sqlite")) as connection:
            connection.executescript(text.replace("@WAITING@", str(FOLDER / "waiting")))
    for picture in FOLDER.glob("*.jpg"):
        place = data_dir / "originals" / picture.name[:2] / picture.name
        place.parent.mkdir(parents=True)
        shutil.copy(picture, place)
