"""A small sample survey, drawn once for all test processes."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

SEED = 11
PICTURES = {"individuals": 3, "stations": 2, "events": 6, "pictures_per_event": 2, "blanks": 4}


def sample_folder() -> Path:
    """A folder of synthetic scenes by station; truth.json lies beside it."""
    from app.sample.survey import generate

    home = Path(tempfile.gettempdir()) / f"pugmark-scenes-{os.getuid()}-{SEED}"
    if not (home / "truth.json").exists():
        draft = Path(tempfile.mkdtemp(prefix="pugmark-scenes-"))
        generate(draft / "scenes", seed=SEED, **PICTURES)
        for answer in (path for path in (draft / "scenes").iterdir() if path.is_file()):
            answer.replace(draft / answer.name)
        try:
            draft.rename(home)
        except OSError:  # another test process was first
            shutil.rmtree(draft)
    return home / "scenes"
