"""Suspicious clocks are found: jumps, times outside the deployment, light that does not fit, cameras that disagree."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from astral import Observer
from astral.sun import elevation

from app.survey.media.clock_flags import Doubt, flags
from app.survey.media.clocks import Timed
from app.survey.media.stations import DeploymentView

KRUGER = DeploymentView(
    1, "St1", "St1", -23.5, 31.5, None, None, None, None, 0, None, None, None, None
)  # UTC+2, the sun is highest at 11:54
HOUR = timedelta(hours=1)


def timed(times: list[datetime], start: int = 1) -> list[Timed]:
    return [
        Timed(number, "0" * 64, "image", f"St1/IMG_{number:04d}.JPG", at, at, number)
        for number, at in enumerate(times, start)
    ]


def doubts(*args, **values) -> set[Doubt]:
    return {flag.doubt for flag in flags(*args, **values)}


def days(count: int = 40, seed: int = 1) -> list[datetime]:
    random = np.random.default_rng(seed)
    return sorted(datetime(2024, 3, 1) + timedelta(minutes=int(m)) for m in random.integers(0, 20 * 1440, count))


def lit(media: list[Timed], hours: float) -> dict[int, float]:
    """Colour by day and none at night, as a camera at the place sees it when its clock is so many hours ahead."""
    at = Observer(-23.5, 31.5)
    return {
        image.media_id: 12.0
        if elevation(at, (image.taken_at - timedelta(hours=hours)).replace(tzinfo=UTC)) > 0
        else 0.0
        for image in media
    }


def test_a_clock_that_runs_on_raises_no_doubt():
    media = timed(days())
    assert doubts(KRUGER, media, lit(media, 2), []) == set()


@pytest.mark.parametrize(
    ("second", "doubt"),
    [
        (datetime(2000, 1, 1, 0, 3), Doubt.FACTORY),
        (datetime(2022, 1, 1, 5, 3), Doubt.FACTORY),
        (datetime(2024, 2, 27, 5, 3), Doubt.BACK),
        (datetime(2031, 2, 27, 5, 3), Doubt.LEAP),
    ],
)
def test_a_clock_that_jumps_is_flagged_at_the_picture_after_the_jump(second, doubt):
    media = timed([datetime(2024, 3, 1, 5), datetime(2024, 3, 2, 5), second, second + HOUR])
    flag = next(flag for flag in flags(KRUGER, media, {}, []) if flag.doubt == doubt)
    assert flag.media_id == 3
    assert "2024-03-02 05:00" in flag.text


def test_videos_that_are_counted_on_their_own_raise_no_doubt_after_the_last_image():
    media = timed([datetime(2024, 3, day, 5) for day in (1, 5, 9, 2, 6)])
    names = ("IMG_0001.JPG", "IMG_0002.JPG", "IMG_0003.JPG", "VID_0001.MP4", "VID_0002.MP4")
    named = [replace(image, path=f"Ridge/{name}") for image, name in zip(media, names, strict=True)]
    assert doubts(KRUGER, named, {}, []) == set()
    assert doubts(KRUGER, [named[0], named[2], replace(named[1], path="Ridge/IMG_0004.JPG")], {}, []) == {Doubt.BACK}


def test_a_first_time_at_a_factory_date_and_a_video_written_late_are_told_apart():
    assert doubts(KRUGER, timed([datetime(2010, 1, 1, 0, 2), datetime(2010, 1, 9)]), {}, []) == {Doubt.FACTORY}
    late_video = timed([datetime(2024, 3, 1, 5, 0, 30), datetime(2024, 3, 1, 5, 0, 1)])
    assert doubts(KRUGER, late_video, {}, []) == set()


def test_times_outside_the_stated_days_and_in_the_future_are_counted():
    stated = replace(KRUGER, first_day=date(2024, 3, 1), last_day=date(2024, 3, 10))
    media = timed([datetime(2024, 2, 27), datetime(2024, 3, 1, 5), datetime(2024, 3, 11)])
    (flag,) = flags(stated, media, {}, [])
    assert (flag.doubt, flag.text[:9], flag.media_id) == (Doubt.OUTSIDE, "2 lie out", 1)
    ahead = timed([datetime.now() + timedelta(days=40)])
    assert Doubt.FUTURE in doubts(KRUGER, ahead, {}, [])


def test_a_stated_time_zone_is_held_against_the_sun():
    media = timed(days())
    assert doubts(replace(KRUGER, time_zone="+02:00"), media, lit(media, 2), []) == set()
    (flag,) = flags(replace(KRUGER, time_zone="+02:00"), media, lit(media, 8), [])
    assert flag.doubt == Doubt.SUN
    assert flag.seconds is not None
    assert abs(flag.seconds + 6 * 3600) <= 3600


def test_a_clock_wrong_by_half_a_day_is_found_without_a_time_zone():
    media = timed(days())
    (flag,) = flags(KRUGER, media, lit(media, -10), [])
    assert (flag.doubt, abs(abs(flag.seconds or 0) - 12 * 3600) <= 7200) == (Doubt.SUN, True)
    assert doubts(replace(KRUGER, latitude=None, longitude=None), media, lit(media, -10), []) == set()


def test_two_cameras_of_a_station_that_disagree_are_found_with_the_difference():
    theirs = days(30, seed=2)
    shared = [at - timedelta(minutes=67) + timedelta(seconds=n % 3) for n, at in enumerate(theirs[::2])]
    mine = timed(sorted([*shared, *days(12, seed=3)]), 100)
    (flag,) = [flag for flag in flags(KRUGER, mine, {}, [timed(theirs)]) if flag.doubt == Doubt.PAIR]
    assert abs((flag.seconds or 0) - 67 * 60) <= 60
    assert "1 h 07 min later" in flag.text or "1 h 06 min later" in flag.text


def test_two_cameras_that_agree_or_share_nothing_raise_no_doubt():
    theirs = days(30, seed=2)
    agree = timed([at + timedelta(seconds=8) for at in theirs], 100)
    assert doubts(KRUGER, agree, {}, [timed(theirs)]) == set()
    for seed in range(3, 9):
        assert doubts(KRUGER, timed(days(60, seed), 100), {}, [timed(theirs)]) == set(), seed
