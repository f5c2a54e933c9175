"""Draws a video: one view, animals that walk through it, the camera's bar with the running time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path

import av
import numpy as np
from PIL import Image

from app.sample.coat import Coat
from app.sample.light import Light, developed, exposed
from app.sample.plan import station_name
from app.sample.plants import CAMERA_HEIGHT, Canvas
from app.sample.scene import Animal, placed
from app.sample.shipped_plan import Crossing, Film
from app.sample.skeleton import CAT, DEER, Pose
from app.sample.stamp import DESCRIPTION, Stamp, with_bar
from app.sample.survey import LENGTH, WIDTH, coat_of, place, station_view
from modal_backend.contracts import Flank, Picture

FRAMES_A_SECOND = 10
SIZE = (640, 480)
METRES_A_WALK = 0.9
OUTSIDE = 0.2


def frames(film: Film, seed: int, first: int = 0, last: int | None = None) -> Iterator[Picture]:
    """The pictures of a video in order, RGB uint8 (480, 640, 3), from frame `first` to before frame `last`."""
    scenery = station_view(seed, film.station)
    light = Light(False, (0.6, 0.8, 0.6), 0.4)
    coats = [coat_of(seed, visitor) for visitor, *_ in film.crossings]
    latitude, longitude = place(seed, film.station)
    count = round(film.seconds * FRAMES_A_SECOND)
    for number in range(first, min(count, last if last is not None else count)):
        second = number / FRAMES_A_SECOND
        canvas = Canvas(scenery.colour.copy(), scenery.foot.copy(), scenery.horizon)
        for crossing, coat in zip(film.crossings, coats, strict=True):
            animal = _animal(crossing, coat, second, scenery.horizon)
            if animal is not None:
                placed(canvas, animal, light)
        lit = exposed(np.random.default_rng([seed, 5, film.station]), canvas.colour, canvas.foot, canvas.horizon, light)
        scene = developed(np.random.default_rng([seed, 6, film.station, number]), lit, light, 0.6)
        taken = film.start + timedelta(seconds=int(second))
        stamp = Stamp(station_name(film.station), taken, 24, latitude, longitude, "", False)
        yield np.asarray(with_bar(scene, stamp).resize(SIZE, Image.Resampling.BOX))


def write_film(film: Film, seed: int, path: Path) -> None:
    """Write a video as MP4 (H.264)."""
    with av.open(str(path), "w") as container:
        start = film.start.replace(tzinfo=UTC)
        container.metadata.update({"creation_time": start.isoformat(), "comment": DESCRIPTION})
        stream = container.add_stream("libx264", rate=FRAMES_A_SECOND, options={"crf": "26", "preset": "slow"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for picture in frames(film, seed):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def _animal(crossing: Crossing, coat: Coat, second: float, horizon: float) -> Animal | None:
    """The animal at a second of the video; None while it is out of view."""
    visitor, first, last, size = crossing
    share = (second - first) / (last - first)
    if not 0 <= share <= 1:
        return None
    striped = visitor.individual is not None
    right = visitor.flank is Flank.RIGHT
    scale = size * WIDTH / LENGTH[striped]
    way = -OUTSIDE + share * (1 + 2 * OUTSIDE)
    walked = share * (1 + 2 * OUTSIDE) * WIDTH / scale
    pose = Pose(walked / METRES_A_WALK % 1.0, -0.1, 0.01, 0.3)
    return Animal(
        CAT if striped else DEER, coat, pose, (way if right else 1 - way) * WIDTH,
        horizon + scale * CAMERA_HEIGHT, right, 0.95,
    )  # fmt: skip
