"""Evaluations are kept in the data directory, a file each, so that Operations can show them per model version."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app import files


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One measurement.

    Attributes:
        task: detection or identification.
        data: what it was measured on.
        figures: as printed.
    """

    task: str
    model: str
    version: str
    preprocessing: str
    data: str
    measured_at: float
    figures: dict[str, Any]


def save_evaluation(
    data_dir: Path, task: str, model: str, version: str, preprocessing: str, data: str, figures: dict[str, Any]
) -> Path:
    """Write one measurement; returns its file. Raises OSError."""
    value = Evaluation(task, model, version, preprocessing, data, time.time(), figures)
    place = files.evaluations_folder(data_dir) / f"{time.time_ns()}-{task}-{model}.json"
    files.write_json(place, asdict(value))
    return place


def saved_evaluations(data_dir: Path) -> list[Evaluation]:
    """All measurements, newest first; a file that is none is passed over."""
    found = []
    for place in sorted(files.evaluations_folder(data_dir).glob("*.json"), reverse=True):
        try:
            found.append(Evaluation(**json.loads(place.read_text(encoding="utf-8"))))
        except (ValueError, TypeError):
            continue
    return found
