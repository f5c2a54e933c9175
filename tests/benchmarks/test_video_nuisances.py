"""Two videos of each nuisance over real empty scenes, without and with one animal: a table of who was counted.

PUGMARK_NUISANCE_SEEDS=FIRST chooses the seeds. Scenes and animals are the held-out ones of test_still_videos.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.commands.summarise import detector
from app.video.summary.counts import count_of
from app.video.summary.summarise import summarise_video
from modal_backend.embedded import EmbeddedBackend
from tests.benchmarks.test_still_videos import DATA, HELD_OUT, LIVING
from tests.support.nuisances import NUISANCES
from tests.support.still_videos import Stills, StillVideo, draw_still_video, read_stills, still_video

FIRST_SEED = "8000"
EACH = 2
LEAST_EMPTY, LEAST_COUNTED = 0.9, 0.6
SECOND, TINY = "one frame a second", "60 x 90 px"

pytestmark = [pytest.mark.benchmark, pytest.mark.skipif(DATA is None, reason="PUGMARK_TEST_DATA is not set")]


def videos(kind: str, seed: int, animals: int) -> StillVideo:
    """A video with this nuisance and no other."""
    names = [kind] if kind in NUISANCES else []
    video = still_video(seed, animals, names)
    shape = (90, 60) if kind == TINY else (480, 270)
    return replace(video, fps=1 if kind == SECOND else 10, width=shape[0], height=shape[1])


def infrared(stills: Stills) -> Stills:
    """The same with scenes as infrared light shows them."""
    grey = tuple(scene.mean(axis=2, keepdims=True).repeat(3, axis=2).astype(np.uint8) for scene in stills.scenes)
    return replace(stills, scenes=grey)


def counted(folder: Path) -> Iterator[tuple[str, int, int, int]]:
    """Nuisance, animals at once in truth and as counted, how many only move."""
    stills, detect = read_stills(Path(str(DATA)), *HELD_OUT), detector(EmbeddedBackend())
    first, path = int(os.environ.get("PUGMARK_NUISANCE_SEEDS", FIRST_SEED)), folder / "video.mp4"
    for place, kind in enumerate([*NUISANCES, SECOND, TINY]):
        for number in range(2 * EACH):
            video = videos(kind, first + 2 * EACH * place + number, number % 2)
            known = draw_still_video(video, infrared(stills) if kind == "insects" else stills, path)
            summary = summarise_video(path, detect).summary
            yield kind, known.at_once, count_of(summary.tracklets, LIVING).at_once, len(summary.unidentified)


def test_nuisances_are_no_animals_and_hide_none(tmp_path, capsys, measured):
    rows = []
    for row in counted(tmp_path):
        rows.append(row)
        with capsys.disabled():
            print("\n{:20} {} at once, counted {}, {} only move".format(*row), end="")
    empty = [found == 0 for _, known, found, _ in rows if not known]
    with_animal = [found == known for _, known, found, _ in rows if known]
    measured(f"nuisances without an animal: nothing, of {len(empty)}", np.mean(empty), at_least=LEAST_EMPTY)
    measured(f"with animals: most at once, of {len(with_animal)}", np.mean(with_animal), at_least=LEAST_COUNTED)
    assert np.mean(empty) >= LEAST_EMPTY
