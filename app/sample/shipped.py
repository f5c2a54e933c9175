"""The files of the sample survey: drawn once, shipped with the program, and what is true of them.

`python -m app.sample.shipped FOLDER` draws them again.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("shipped")
QUALITY = 66


def draw_all(folder: Path) -> None:
    """Draw the pictures and videos of the sample survey, and truth.json, into a folder."""
    from app.sample import shipped_plan
    from app.sample.film import write_film
    from app.sample.plan import station_name
    from app.sample.survey import draw

    draw(
        folder, shipped_plan.events(), seed=shipped_plan.SEED, stations=shipped_plan.STATIONS,
        clocks=shipped_plan.CLOCKS, quality=QUALITY,
    )  # fmt: skip
    for number, film in enumerate(shipped_plan.FILMS, 1):
        write_film(film, shipped_plan.SEED, folder / station_name(film.station) / f"VID_{number:04d}.MP4")


@cache
def truth() -> dict[str, Any]:
    """What is drawn on the pictures, as COCO; see `app.sample.survey.coco`."""
    found: dict[str, Any] = json.loads((FOLDER / "truth.json").read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    draw_all(Path(sys.argv[1]))
