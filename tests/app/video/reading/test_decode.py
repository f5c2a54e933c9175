"""Videos in many containers and codecs, odd and damaged: length, size, time codes, and what was lost."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from app.ingest.formats import format_of
from app.ingest.refusals import Refusal, Refused
from app.ingest.video import read_video
from app.video.reading.decode import frames_at, play, upright
from app.video.reading.probe import NoVideoTrack, VideoError
from tests.support.odd_videos import cut, number_on, numbered, sound_only, turned, write, zeroed

KINDS = [
    ("mp4", "libx264", 7),
    ("mov", "libx264", Fraction(30000, 1001)),
    ("mkv", "libx265", 10),
    ("ts", "libx264", 10),
    ("avi", "mpeg4", 1),
    ("avi", "mjpeg", 15),
    ("asf", "msmpeg4", 5),
    ("asf", "wmv2", 25),
    ("webm", "libvpx-vp9", 10),
    ("mpg", "mpeg2video", 25),
]
PIXELS = 200_000_000


def seen(path: Path) -> tuple[object, list[tuple[float, int]]]:
    played, stills = play(path)
    return played, [(still.second, number_on(upright(still.frame, played.turns))) for still in stills]


@pytest.mark.parametrize(("container", "codec", "fps"), KINDS)
def test_a_whole_video_gives_its_length_and_every_frame_at_its_second(tmp_path, container, codec, fps):
    path = tmp_path / f"video.{container}"
    options = {"x265-params": "log-level=error"} if codec == "libx265" else {"cpu-used": "8"} if "vp9" in codec else {}
    count = write(path, codec, fps=fps, seconds=8 if fps == 1 else 2.0, options=options)
    played, frames = seen(path)
    assert played.duration == pytest.approx(count / float(fps), abs=1.5 / float(fps))
    assert (played.width, played.height, played.frames) == (160, 96, count)
    assert played.loss() == ""
    assert all(abs(second - number / float(fps)) < 0.02 for second, number in frames)


def test_frames_of_a_variable_rate_keep_their_own_times(tmp_path):
    times = [0, 0.1, 0.2, 1.0, 1.1, 3.0, 3.04, 6.0, 6.5]
    write(tmp_path / "video.mkv", times=times)
    played, frames = seen(tmp_path / "video.mkv")
    assert frames == [(pytest.approx(second, abs=0.01), number) for number, second in enumerate(times)]
    assert played.duration == pytest.approx(6.55, abs=0.2)


def test_a_frame_is_found_again_by_its_second_without_playing_the_video(tmp_path):
    write(tmp_path / "video.mp4", seconds=20, options={"g": "30"})
    found = frames_at(tmp_path / "video.mp4", [1.5, 12.3, 19.9])
    assert {second: number_on(picture) for second, picture in found.items()} == {1.5: 15, 12.3: 123, 19.9: 199}


def test_a_video_that_says_so_is_shown_turned(tmp_path):
    write(tmp_path / "flat.mp4", seconds=0.5)
    turned(tmp_path / "turned.mp4", tmp_path / "flat.mp4")
    played, stills = play(tmp_path / "turned.mp4")
    picture = upright(next(stills).frame, played.turns)
    assert (played.width, played.height) == (96, 160)
    assert np.abs(picture.astype(int) - np.rot90(numbered(0, 160, 96), -1)).mean() < 12


@pytest.mark.parametrize("size", [(16, 16), (3840, 2160)])
def test_tiny_and_huge_frames_are_read(tmp_path, size):
    write(tmp_path / "video.mp4", size=size, seconds=0.4, options={"preset": "ultrafast"})
    reading = read_video(tmp_path / "video.mp4", pixels=PIXELS)
    assert (reading.width, reading.height) == size
    assert max(reading.picture.shape) <= 1024


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.avi", "mpeg4"), ("m.avi", "mjpeg"), ("a.mkv", "libx264")]
)
def test_a_video_that_is_cut_off_gives_what_is_there_and_says_how_much_is_missing(tmp_path, name, codec):
    options = {"movflags": "+faststart"} if name.endswith("mp4") else {}
    write(tmp_path / name, codec, seconds=8, options={"g": "12"}, container_options=options)
    cut(tmp_path / f"cut-{name}", tmp_path / name, 0.75)
    played, frames = seen(tmp_path / f"cut-{name}")
    assert 10 < len(frames) < 78
    assert all(abs(second - number / 10) < 0.15 for second, number in frames[:-3])
    assert "missing" in played.loss()
    assert played.duration == pytest.approx(8.0, abs=0.2)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.avi", "mpeg4"), ("a.asf", "msmpeg4"), ("a.mkv", "libx264")]
)
def test_zeros_in_the_middle_cost_only_what_they_cover(tmp_path, name, codec):
    write(tmp_path / name, codec, seconds=8, options={"g": "12"})
    zeroed(tmp_path / f"zero-{name}", tmp_path / name, 0.45, 0.6)
    played, frames = seen(tmp_path / f"zero-{name}")
    assert 20 < len(frames) < 80
    assert played.loss()


def test_what_is_missing_at_the_beginning_does_not_move_the_rest_forward(tmp_path):
    write(tmp_path / "a.mp4", seconds=8, options={"g": "12"}, container_options={"movflags": "+faststart"})
    zeroed(tmp_path / "zero.mp4", tmp_path / "a.mp4", 0.4, 0.6)
    played, frames = seen(tmp_path / "zero.mp4")
    assert all(abs(second - number / 10) < 0.3 for second, number in frames)
    assert played.loss()


@pytest.mark.parametrize("content", [b"", b"hello" * 50, bytes(4000), b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"])
def test_what_is_no_video_is_refused(tmp_path, content):
    (tmp_path / "video.mp4").write_bytes(content)
    with pytest.raises(Refused) as refused:
        read_video(tmp_path / "video.mp4", pixels=PIXELS)
    assert refused.value.refusal is Refusal.VIDEO_DAMAGED


def test_sound_without_pictures_is_refused_as_such(tmp_path):
    sound_only(tmp_path / "video.mp4")
    with pytest.raises(NoVideoTrack):
        play(tmp_path / "video.mp4")
    with pytest.raises(Refused) as refused:
        read_video(tmp_path / "video.mp4", pixels=PIXELS)
    assert refused.value.refusal is Refusal.VIDEO_WITHOUT_PICTURES


def test_a_video_whose_frames_never_come_is_an_error_and_not_an_empty_video(tmp_path):
    write(tmp_path / "a.mp4", seconds=8, container_options={"movflags": "+faststart"})
    cut(tmp_path / "cut.mp4", tmp_path / "a.mp4", 0.15)
    with pytest.raises(VideoError):
        list(play(tmp_path / "cut.mp4")[1])


def test_the_time_of_recording_comes_from_the_container_and_is_never_made_up(tmp_path):
    write(tmp_path / "a.mp4", seconds=0.3, metadata={"creation_time": "2024-03-12T05:41:12Z"})
    write(tmp_path / "b.mp4", seconds=0.3, metadata={"creation_time": "1970-01-01T00:00:05Z"})
    assert play(tmp_path / "a.mp4")[0].facts.recorded_at == datetime(2024, 3, 12, 5, 41, 12)
    assert play(tmp_path / "b.mp4")[0].facts.recorded_at is None


@pytest.mark.parametrize(
    ("container", "kind"),
    [("mp4", "mp4"), ("mov", "mov"), ("avi", "avi"), ("asf", "asf"), ("mkv", "mkv"), ("webm", "webm")],
)
def test_a_video_is_known_by_its_content_whatever_its_name_is(tmp_path, container, kind):
    codec = {"avi": "mpeg4", "asf": "msmpeg4", "webm": "libvpx"}.get(container, "libx264")
    write(tmp_path / f"video.{container}", codec, seconds=0.3)
    head = (tmp_path / f"video.{container}").read_bytes()[:32]
    assert format_of(head, "IMG_0001.JPG") == kind


def test_real_videos_play_with_the_length_and_size_written_down_for_them(real_data):
    import csv

    rows = list(csv.DictReader((real_data / "videos" / "videos.csv").open()))
    assert rows
    for row in rows:
        played, frames = seen(real_data / "videos" / row["file"])
        assert played.duration == pytest.approx(float(row["duration_s"]), abs=0.5), row["file"]
        assert (played.width, played.height, len(frames)) == (int(row["width"]), int(row["height"]), int(row["frames"]))
        assert played.loss() == ""


def test_time_stamps_that_leap_for_months_are_counted_on(tmp_path):
    path = tmp_path / "video.mkv"
    count = write(path, times=[0.0, 0.1, 0.2, 1e7, 1e7 + 0.1, 2e7])
    _, frames = seen(path)
    assert len(frames) == count
    assert max(np.diff([second for second, _ in frames])) <= 0.11
