"""Where every file of the data folder lies, and how one is written: whole or not at all.

sha256 is that of a media's original, in hexadecimal. Folders are split by its first two digits (crops: by thousands of
detections), so that none holds more than a file system likes.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image

from modal_backend.contracts import Picture
from modal_backend.weights.whole_file import whole_file

# Names that Windows keeps for devices, with any suffix, and the signs that it forbids in a name.
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)
FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')


def database_path(data_dir: Path) -> Path:
    """The survey, where it is SQLite."""
    return data_dir / "survey.sqlite"


def jobs_database_path(data_dir: Path) -> Path:
    """The queue, where it is SQLite."""
    return data_dir / "jobs.sqlite"


def token_key_path(data_dir: Path) -> Path:
    """The key that signs addresses."""
    return data_dir / "token.key"


def folder_mark_path(data_dir: Path) -> Path:
    """What tells this data folder from the others of a team."""
    return data_dir / "folder.mark"


def model_choice_path(data_dir: Path) -> Path:
    """Which models the worker has chosen."""
    return data_dir / "models_in_use.json"


def original_path(data_dir: Path, sha256: str, suffix: str) -> Path:
    """A media as it came. suffix: with its dot."""
    return data_dir / "originals" / sha256[:2] / f"{sha256}{suffix}"


def stored_original(data_dir: Path, sha256: str) -> Path:
    """The original of a media, whatever its suffix. Raises FileNotFoundError."""
    folder = original_path(data_dir, sha256, "").parent
    for path in folder.glob(f"{sha256}.*"):
        return path
    raise FileNotFoundError(f"There is no file of {sha256} in {folder}.")


def incoming_folder(data_dir: Path) -> Path:
    """Originals and thumbnails that are being written."""
    return data_dir / "incoming"


def thumb_path(data_dir: Path, sha256: str) -> Path:
    """The thumbnail of a media, a JPEG."""
    return data_dir / "thumbs" / sha256[:2] / f"{sha256}.jpg"


def view_path(data_dir: Path, sha256: str) -> Path:
    """A media in browser size: an image made on first request, or the key frame of a video."""
    return data_dir / "views" / sha256[:2] / f"{sha256}.jpg"


def frame_path(data_dir: Path, sha256: str, number: int) -> Path:
    """A frame of a video that was looked at."""
    return data_dir / "frames" / sha256[:2] / sha256 / f"{number}.jpg"


def crop_path(data_dir: Path, name: str) -> Path:
    """A crop, by its name <detection id>-<hash of the box>.jpg."""
    return data_dir / "crops" / str(int(name.split("-")[0]) // 1000) / name


def upload_folder(data_dir: Path, batch: str) -> Path:
    """What a browser has sent under one batch."""
    return data_dir / "uploads" / batch


def has_one_folder(upload: Path) -> bool:
    """Whether all that a browser has sent lies in one folder, as when a person chose that folder."""
    inside = list(upload.iterdir()) if upload.is_dir() else []
    return len(inside) == 1 and inside[0].is_dir()


def exports_folder(data_dir: Path) -> Path:
    """What people have had written of the survey."""
    return data_dir / "exports"


def export_folder(data_dir: Path, export_id: int) -> Path:
    """One export: its file and, where that cannot hold one, a README beside it."""
    return exports_folder(data_dir) / str(export_id)


def evaluations_folder(data_dir: Path) -> Path:
    """One file a measurement of a model."""
    return data_dir / "evaluations"


def results_folder(data_dir: Path) -> Path:
    """Files of other tools' results, and what was read of each."""
    return data_dir / "results"


def notes_folder(data_dir: Path) -> Path:
    """What the notes' graph keeps from run to run."""
    return data_dir / "notes"


def notes_run_folder(data_dir: Path, run_id: int) -> Path:
    """The files of one run over the notes."""
    return notes_folder(data_dir) / "runs" / str(run_id)


def sample_folder(data_dir: Path) -> Path:
    """The pictures of the synthetic sample survey."""
    return data_dir / "sample" / "Sample survey (synthetic)"


def guide_path(data_dir: Path) -> Path:
    """Says that the guide through the sample survey was put away."""
    return data_dir / "sample" / "guide.json"


def worker_lock_path(data_dir: Path, executor_id: str) -> Path:
    """The file that a living worker holds a lock on."""
    return data_dir / "workers" / f"{executor_id}.lock"


def write_jpeg(place: Path, picture: Picture, side: int, quality: int) -> None:
    """Write a picture, its longer side at most `side` pixels. Raises OSError."""
    image = Image.fromarray(picture)
    image.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=2.0)
    with whole_file(place) as part:
        image.save(part, "JPEG", quality=quality)


def write_json(place: Path, value: Any) -> None:
    """Write plain values as JSON. Raises OSError."""
    with whole_file(place) as part:
        part.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def stored_name(name: str) -> str:
    """A file or folder name as every operating system can store it: what Windows forbids becomes %XX."""
    stored = FORBIDDEN.sub(_escaped, name)
    if DEVICES.fullmatch(stored):
        stored = _escaped(stored[0]) + stored[1:]
    return stored[:-1] + _escaped(stored[-1]) if stored.endswith((".", " ")) else stored


def _escaped(sign: str | re.Match[str]) -> str:
    return f"%{ord(str(sign[0])):02X}"


def name_of_text(text: str, otherwise: str) -> str:
    """A short file name made of a person's text, that every operating system can store.

    Args:
        text: as it was typed; what is neither letter, digit, dot, hyphen nor underscore becomes a hyphen.
        otherwise: the name when nothing is left of it.
    """
    name = re.sub(r"[^\w.-]+", "-", text)[:60].strip("-.")
    return f"{otherwise}-{name}" if DEVICES.fullmatch(name) else name or otherwise


def name_of_time(taken_at: datetime | None) -> str:
    """A camera-local time as a part of a file name."""
    return f"{taken_at:%Y-%m-%d_%H%M%S}" if taken_at else "time-unknown"
