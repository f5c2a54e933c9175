"""Camera health: effort, days without pictures, and what went wrong, from pictures drawn for the purpose."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pytest

from app.survey.media.health import Fault, Shot, health
from app.survey.media.stations import DeploymentView

CAMERA = DeploymentView(1, "St1", "St1", None, None, None, None, None, None, 0, None, None, None, None)
START = datetime(2024, 3, 1, 12)


def scene(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(40, 200, 192)


def shots(days: int = 12, *, seed: int = 1, knocked_at: int | None = None, **look: float) -> list[Shot]:
    """Two pictures a day of one view, with some noise; from a day on of another view."""
    random, found = np.random.default_rng(seed), []
    for day in range(days):
        view = scene(2 if knocked_at is not None and day >= knocked_at else 1)
        for hour in (0, 2):
            values = np.clip(view * random.uniform(0.6, 1.1) + random.normal(0, 15, 192), 0, 255).astype(np.uint8)
            facts = {"brightness": 0.4, "contrast": 0.2, "colour": 12.0, **look}
            at = START + timedelta(days=day, hours=hour)
            found.append(Shot(day * 2 + hour, f"{day:064x}", at, scene=values.tobytes(), **facts))
    return found


def faults(*args, **values) -> list[Fault]:
    return [fault for fault, _, _ in health(*args, **values).faults]


def test_a_camera_that_worked_has_nights_from_its_first_to_its_last_day_and_no_fault():
    found = health(CAMERA, shots())
    assert (found.first, found.last, found.nights, found.empty_days) == (date(2024, 3, 1), date(2024, 3, 12), 11, 0)
    assert found.faults == ()
    assert [(day.day, shot.taken_at.hour, count) for day, shot, count in found.days[:2]] == [(1, 12, 2), (2, 12, 2)]


def test_a_persons_days_win_over_those_of_the_media_and_a_broken_period_is_taken_off():
    stated = replace(CAMERA, first_day=date(2024, 2, 28), last_day=date(2024, 3, 13))
    found = health(stated, shots())
    assert (found.stated, found.nights, found.empty_days) == (True, 14, 3)
    broken = replace(stated, broken_from=date(2024, 3, 5), broken_to=date(2024, 3, 6))
    assert health(broken, shots()).nights == 12


def test_a_camera_that_was_knocked_is_found_on_the_day():
    found = health(CAMERA, shots(knocked_at=6))
    assert [(fault, day) for fault, _, day in found.faults] == [(Fault.KNOCKED, date(2024, 3, 7))]


@pytest.mark.parametrize("seed", range(8))
def test_light_and_noise_are_no_knock(seed):
    assert faults(CAMERA, shots(seed=seed)) == []


def test_a_blocked_lens_a_dark_flash_and_an_early_end_are_found():
    blocked = [*shots(5), *(replace(shot, contrast=0.01) for shot in shots()[10:])]
    assert Fault.BLOCKED in faults(CAMERA, blocked)
    assert faults(CAMERA, shots(colour=0.1, brightness=0.02)) == [Fault.FLASH]
    assert faults(CAMERA, shots(colour=0.1, brightness=0.3)) == []
    assert faults(replace(CAMERA, first_day=date(2024, 3, 1), last_day=date(2024, 4, 1)), shots()) == [Fault.DEAD]
    assert faults(CAMERA, shots(), station_end=date(2024, 3, 30)) == [Fault.DEAD]


def test_many_days_without_a_picture_are_named():
    found = shots(5) + [replace(shot, taken_at=shot.taken_at + timedelta(days=20)) for shot in shots(5)]
    assert faults(CAMERA, found) == [Fault.GAP]


def test_a_clock_that_spans_decades_gives_no_effort_until_it_is_corrected():
    found = health(CAMERA, [replace(shots(1)[0], taken_at=datetime(1970, 1, 1)), *shots()])
    assert (found.nights, [fault for fault, _, _ in found.faults]) == (0, [Fault.CLOCK])


def test_a_camera_without_pictures_or_looks_has_no_fault():
    assert health(CAMERA, []).nights == 0
    bare = [replace(shot, brightness=None, contrast=None, colour=None, scene=None) for shot in shots()]
    assert faults(CAMERA, bare) == []
