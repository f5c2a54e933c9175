"""A small sample survey, drawn once for all test processes."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

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


def sample_truth() -> dict[str, Any]:
    """The COCO boxes and identities of the scenes."""
    return json.loads((sample_folder().parent / "truth.json").read_text())
