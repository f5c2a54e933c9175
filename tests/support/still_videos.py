"""Videos made of real stills: animals cut out of pictures move over other pictures that show none, with nuisances.

Cut-outs and scenes are read at test time from the sources named; nothing of them is stored. What a seed gives depends
on the sources, so those a method was tuned on and those it is measured on can be kept apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
import cv2
import numpy as np

from modal_backend.contracts import Box
from modal_backend.models.detectors.overlap import clipped
from modal_backend.training.pocket_detector_data import Sample, read_sources
from modal_backend.training.pocket_detector_paste import Cutout, cutouts_of
from tests.benchmarks.other_videos import other_video
from tests.support.drawn_videos import Truth, pasted
from tests.support.nuisances import NUISANCES, Nuisance

SHAPES = ((640, 360), (640, 480), (854, 480))
TINY = (106, 60)
FRAME_RATES = (1, 5, 10, 15, 25)
SEEN = 0.2  # share of an animal inside the frame from which it is in view


@dataclass(frozen=True)
class Stills:
    """Animals cut out of pictures, and pictures without any, RGB uint8."""

    animals: tuple[Cutout, ...]
    scenes: tuple[np.ndarray, ...]


@dataclass
class StillVideo:
    """What to make of the stills. walkers: see other_videos; nuisances: names of `NUISANCES`."""

    seed: int
    fps: int
    width: int
    height: int
    seconds: float
    nuisances: tuple[str, ...]
    walkers: list


@dataclass
class Known:
    """What is true of a video: the animals that are ever in view, the most at once, and each one's boxes by second."""

    animals: list[Truth]
    at_once: int
    boxes: list[dict[float, Box]]


@lru_cache(maxsize=4)
def read_stills(root: Path, animals: tuple[str, ...], scenes: tuple[str, ...]) -> Stills:
    """Cut the animals of some sources out, and read the empty pictures of others."""
    samples = [sample for use in ("train", "test") for sample in read_sources(root / "detection", use)[0]]
    found = [cut for sample in samples if sample.source in animals for cut in _sharp_cutouts(sample)]
    empty = [sample.picture() for sample in samples if sample.source in scenes and not len(sample.boxes)]
    return Stills(tuple(found), tuple(picture for picture in empty if min(picture.shape[:2]) >= 240))


def _sharp_cutouts(sample: Sample) -> list[Cutout]:
    return [cut for cut in cutouts_of(sample) if max(cut.mask.shape) >= 60]


def still_video(seed: int, animals: int, nuisances: int | Sequence[str] | None = None) -> StillVideo:
    """A video from its seed.

    Args:
        animals: how many move through it, 0 to 3.
        nuisances: how many of them, or which; 0 to 2 by the seed when None.
    """
    rng = np.random.default_rng([seed, 91])
    ways = other_video(seed, animals)
    width, height = TINY if rng.random() < 0.08 else SHAPES[rng.integers(len(SHAPES))]
    if nuisances is None or isinstance(nuisances, int):
        count = int(rng.integers(0, 3)) if nuisances is None else nuisances
        nuisances = [str(name) for name in rng.choice(list(NUISANCES), count, replace=False)]
    fps = ways.fps if ways.fps <= 15 else int(rng.choice(FRAME_RATES[2:]))
    return StillVideo(seed, fps, width, height, ways.seconds, tuple(nuisances), ways.walkers)


def draw_still_video(video: StillVideo, stills: Stills, path: Path) -> Known:
    """Write the video; returns what is true of it."""
    rng = np.random.default_rng([video.seed, 92])
    scene = _scene(stills.scenes[rng.integers(len(stills.scenes))], video)
    grey = (
        float(np.ptp(scene.reshape(-1, 3).mean(0))) < 4
        and float(np.abs(scene - scene.mean(2, keepdims=True)).mean()) < 4
    )
    own = stills.animals[rng.integers(len(stills.animals))]
    sprites = [_sprite(own, walker.size, video, scene, grey, rng) for walker in video.walkers]
    effects = [
        NUISANCES[name](np.random.default_rng([video.seed, place, 93]), video)
        for place, name in enumerate(video.nuisances)
    ]
    seen: list[list[tuple[float, float, float]]] = [[] for _ in sprites]
    at_once = 0
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=video.fps, options={"preset": "ultrafast", "crf": "22"})
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        for number in range(round(video.seconds * video.fps)):
            second = number / video.fps
            picture, now = _walked(scene, sprites, video, second, seen, effects)
            at_once = max(at_once, now)
            shown = picture + rng.normal(0, 3 if grey else 1.5, picture.shape[:2])[..., None]
            for effect in effects:
                shown = effect.over(shown, second)
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(shown.clip(0, 255).astype(np.uint8)), format="rgb24"
            )
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    truths = [_truth(video, places, sprite) for places, sprite in zip(seen, sprites, strict=True) if places]
    boxes = [
        {second: _box(video, x, y, sprite) for second, x, y in places}
        for places, sprite in zip(seen, sprites, strict=True)
        if places
    ]
    return Known(truths, at_once, boxes)


def _walked(
    scene, sprites, video: StillVideo, second: float, seen, effects: Sequence[Nuisance]
) -> tuple[np.ndarray, int]:
    """The scene at a second with what moves in it, and how many animals are in view."""
    picture = scene.copy()
    for effect in effects:
        picture = effect.under(picture, second)
    now = 0
    for which, (walker, sprite) in enumerate(zip(video.walkers, sprites, strict=True)):
        place = walker.at(second)
        if place is None:
            continue
        x, y = place
        ahead = walker.at(second + 0.2) or place
        shown = sprite[:, ::-1] if ahead[0] < x else sprite
        bob = 0.004 * np.sin(9 * second) if abs(ahead[0] - x) > 1e-4 else 0.0
        if pasted(picture, shown, (x, y + bob)) >= SEEN:
            seen[which].append((second, x, y))
            now += 1
    return picture, now


def _scene(picture: np.ndarray, video: StillVideo) -> np.ndarray:
    """The middle of a picture in the video's shape, float32."""
    high, wide = picture.shape[:2]
    scale = max(video.width / wide, video.height / high)
    big = cv2.resize(picture, (round(wide * scale) + 1, round(high * scale) + 1), interpolation=cv2.INTER_AREA)
    top, left = (big.shape[0] - video.height) // 2, (big.shape[1] - video.width) // 2
    return big[top : top + video.height, left : left + video.width].astype(np.float32)


def _sprite(cut: Cutout, size: float, video: StillVideo, scene: np.ndarray, grey: bool, rng) -> np.ndarray:
    """The cut-out at its size with soft edges, as bright as the scene asks for; float RGBA, 0 to 1."""
    high, wide = cut.mask.shape
    scale = min(size * video.width / wide, 0.6 * video.height / high)
    shape = max(round(wide * scale), 6), max(round(high * scale), 6)
    pixels = cv2.resize(cut.pixels, shape, interpolation=cv2.INTER_AREA).astype(np.float32)
    mask = cv2.GaussianBlur(cv2.resize(cut.mask, shape, interpolation=cv2.INTER_AREA), (0, 0), 0.7)
    pixels *= ((scene.mean() + 12) / (pixels.mean() + 12)) ** rng.uniform(0.2, 0.7)
    if grey:
        pixels = np.repeat(pixels.mean(2, keepdims=True), 3, 2)
    return np.dstack([pixels.clip(0, 255) / 255, mask])


def _box(video: StillVideo, x: float, y: float, sprite: np.ndarray) -> Box:
    width, height = sprite.shape[1] / video.width, sprite.shape[0] / video.height
    return clipped(Box(x - width / 2, y - height / 2, width, height))


def _truth(video: StillVideo, places: list[tuple[float, float, float]], sprite: np.ndarray) -> Truth:
    half = sprite.shape[1] / video.width / 2
    (first, x0, _), (last, x1, _) = places[0], places[-1]

    def side(x: float) -> str | None:
        return "left" if x - half <= 0.01 else "right" if x + half >= 0.99 else None

    there = first == 0.0 and side(x0) is None
    stays = last >= video.seconds - 1.5 / video.fps
    near = ["left" if x < 0.5 else "right" for x in (x0, x1)]
    return Truth(first, last, None if there else near[0], None if stays and side(x1) is None else near[1])
