"""Videos whose every animal is known: drawn or pasted animals on known paths, and what a camera does to a picture.

Two kinds of look: "drawn" (the sample survey's scenery and animals) and "pasted" (simple shapes over noise).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

PHASES = 8


@dataclass(frozen=True)
class Path2:
    """An animal's way: (second, x, y) knots, x and y of its middle in shares of the frame; outside it is unseen."""

    knots: tuple[tuple[float, float, float], ...]
    size: float  # its length, in shares of the frame's width
    look: int = 0

    def at(self, second: float) -> tuple[float, float] | None:
        times = [knot[0] for knot in self.knots]
        if not times[0] <= second <= times[-1]:
            return None
        x = float(np.interp(second, times, [knot[1] for knot in self.knots]))
        y = float(np.interp(second, times, [knot[2] for knot in self.knots]))
        return x, y


@dataclass
class Truth:
    """One animal as the video shows it: first and last second with a tenth of it in view, and the sides."""

    first: float
    last: float
    entry: str | None
    exit: str | None


@dataclass
class DrawnVideo:
    """What to draw. effects: shake, flicker, wind, bar, noise, infrared."""

    seed: int
    seconds: float = 10.0
    fps: int = 10
    width: int = 480
    height: int = 270
    look: str = "pasted"
    effects: tuple[str, ...] = ()
    animals: list[Path2] = field(default_factory=list)
    codec: str = "libx264"


def draw_video(
    video: DrawnVideo, path: Path, codec: str | None = None, options: dict[str, str] | None = None
) -> list[Truth]:
    """Write the video; returns the truth of each animal that is ever in view."""
    scene, sprites = _scene(video), [_sprites(video, way) for way in video.animals]
    rng = np.random.default_rng([video.seed, 9])
    seen: list[list[tuple[float, float, float]]] = [[] for _ in video.animals]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec or video.codec, rate=video.fps, options=options or {})
        stream.width, stream.height = video.width, video.height
        stream.pix_fmt = "yuvj420p" if (codec or video.codec) == "mjpeg" else "yuv420p"
        stream.bit_rate = 4_000_000
        for number in range(round(video.seconds * video.fps)):
            second = number / video.fps
            picture = scene.copy()
            if "wind" in video.effects:
                _wind(picture, scene, video, second)
            for which, way in enumerate(video.animals):
                place = way.at(second)
                if place is not None and _paste(picture, sprites[which], way, place, second) >= 0.1:
                    seen[which].append((second, *place))
            frame = av.VideoFrame.from_ndarray(_camera(picture, video, second, rng), format="rgb24")
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return [_truth(video, places) for places in seen if places]


def _truth(video: DrawnVideo, places: list[tuple[float, float, float]]) -> Truth:
    (first, x0, y0), (last, x1, y1) = places[0], places[-1]
    entry = None if first == 0.0 and 0.05 < x0 < 0.95 else _side(x0, y0)
    still_there = last >= video.seconds - 1.5 / video.fps and 0.05 < x1 < 0.95
    return Truth(first, last, entry, None if still_there else _side(x1, y1))


def _side(x: float, y: float) -> str:
    reach = {"left": x, "right": 1 - x, "top": y, "bottom": 1 - y}
    return min(reach, key=lambda side: reach[side])


def _scene(video: DrawnVideo) -> np.ndarray:
    return _drawn_scene(video) if video.look == "drawn" else _pasted_scene(video)


def _pasted_scene(video: DrawnVideo) -> np.ndarray:
    """Noise of several grains between two earthy colours, with darker trunks."""
    rng = np.random.default_rng([video.seed, 1])
    layers = np.zeros((video.height, video.width), np.float32)
    for cells, strength in ((4, 0.5), (12, 0.25), (40, 0.15), (120, 0.1)):
        grid = rng.random((max(2, cells * video.height // video.width), cells)).astype(np.float32)
        layers += strength * np.asarray(
            Image.fromarray(grid).resize((video.width, video.height), Image.Resampling.BICUBIC), np.float32
        )
    low, high = rng.uniform(30, 90, 3), rng.uniform(120, 210, 3)
    picture = low + layers[..., None] * (high - low)
    image = Image.fromarray(picture.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(0, 4)):
        x, w = rng.uniform(0, video.width), rng.uniform(0.01, 0.04) * video.width
        draw.rectangle((x, 0, x + w, video.height * rng.uniform(0.4, 0.8)), fill=tuple(int(c * 0.6) for c in low))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(0.7)), np.float32)


@lru_cache(maxsize=8)
def _drawn_view(seed: int, kind: str, width: int, height: int) -> np.ndarray:
    from app.sample.background import view
    from app.sample.light import Light, developed, exposed

    rng = np.random.default_rng([seed, 1])
    canvas = view(rng, kind, 1280, 720)
    light = Light(False, (0.6, 0.8, 0.6), 0.3)
    lit = exposed(rng, canvas.colour, canvas.foot, canvas.horizon, light)
    picture = developed(rng, lit, light, 0.6)
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BOX), np.float32)


def _drawn_scene(video: DrawnVideo) -> np.ndarray:
    kind = ("Ridge", "Ford", "Salt lick", "Old road")[video.seed % 4]
    return _drawn_view(video.seed % 8, kind, video.width, video.height)


def _sprites(video: DrawnVideo, way: Path2) -> list[np.ndarray]:
    """The animal in PHASES poses, facing right: float RGBA arrays (h, w, 4)."""
    length = max(8, round(way.size * video.width))
    return _drawn_animal(way.look, length) if video.look == "drawn" else _shape(video.seed, way.look, length)


@lru_cache(maxsize=64)
def _drawn_animal(look: int, length: int) -> list[np.ndarray]:
    from app.sample.body import figure
    from app.sample.coat import cat_coat, deer_coat
    from app.sample.skeleton import CAT, DEER, Pose, posed

    rng = np.random.default_rng([look, 2])
    cat = look % 2 == 0
    coat = cat_coat(rng) if cat else deer_coat(rng)
    sprites = []
    for phase in range(PHASES):
        drawn = figure(posed(CAT if cat else DEER, Pose(phase / PHASES)), coat, max(60.0, length / 2))
        rgba = np.dstack([np.clip(drawn.colour, 0, 1) ** (1 / 2.2) * 0.9, drawn.alpha])
        image = Image.fromarray((rgba * 255).astype(np.uint8), "RGBA")
        high = max(4, round(length * rgba.shape[0] / rgba.shape[1]))
        sprites.append(np.asarray(image.resize((length, high), Image.Resampling.BOX), np.float32) / 255)
    return sprites


@lru_cache(maxsize=64)
def _shape(seed: int, look: int, length: int) -> list[np.ndarray]:
    """A body, a head and four legs that swing."""
    rng = np.random.default_rng([seed, look, 3])
    colour = tuple(int(c) for c in (rng.uniform(10, 60, 3) if rng.random() < 0.6 else rng.uniform(200, 250, 3)))
    high = max(6, round(length * 0.6))
    sprites = []
    for phase in range(PHASES):
        image = Image.new("RGBA", (length * 4, high * 4), (*colour, 0))
        draw = ImageDraw.Draw(image)
        w, h = length * 4, high * 4
        draw.ellipse((0.08 * w, 0.15 * h, 0.78 * w, 0.65 * h), fill=(*colour, 255))
        draw.ellipse((0.7 * w, 0.0 * h, 0.99 * w, 0.4 * h), fill=(*colour, 255))
        for leg, base in enumerate((0.18, 0.3, 0.58, 0.7)):
            swing = 0.06 * np.sin(2 * np.pi * (phase / PHASES + leg * 0.25))
            x = base * w
            foot = x + swing * w
            draw.polygon([(x, 0.5 * h), (x + 0.05 * w, 0.5 * h), (foot + 0.05 * w, h), (foot, h)], fill=(*colour, 255))
        sprites.append(np.asarray(image.resize((length, high), Image.Resampling.BOX), np.float32) / 255)
    return sprites


def _paste(
    picture: np.ndarray, sprites: list[np.ndarray], way: Path2, place: tuple[float, float], second: float
) -> float:
    """Paint the animal; returns the share of it that is in view."""
    directions = [b[1] - a[1] for a, b in zip(way.knots, way.knots[1:], strict=False)]
    times = [knot[0] for knot in way.knots]
    here = max(0, min(len(directions) - 1, int(np.searchsorted(times, second, "right")) - 1))
    sprite = sprites[int(second * 1.5 * PHASES) % PHASES]
    if directions and directions[here] < 0:
        sprite = sprite[:, ::-1]
    return pasted(picture, sprite, place)


def pasted(picture: np.ndarray, sprite: np.ndarray, place: tuple[float, float]) -> float:
    """Draw a sprite (RGBA, 0 to 1) with its middle at a relative place; returns the share of it that is inside."""
    height, width = picture.shape[:2]
    rows, columns = sprite.shape[:2]
    left, top = round(place[0] * width - columns / 2), round(place[1] * height - rows / 2)
    x0, x1, y0, y1 = max(0, left), min(width, left + columns), max(0, top), min(height, top + rows)
    if x0 >= x1 or y0 >= y1:
        return 0.0
    cut = sprite[y0 - top : y1 - top, x0 - left : x1 - left]
    picture[y0:y1, x0:x1] += cut[..., 3:] * (cut[..., :3] * 255 - picture[y0:y1, x0:x1])
    return (x1 - x0) * (y1 - y0) / (rows * columns)


def _wind(picture: np.ndarray, scene: np.ndarray, video: DrawnVideo, second: float) -> None:
    """Bushes in two corners sway to and fro."""
    rng = np.random.default_rng([video.seed, 5])
    height, width = picture.shape[:2]
    for _ in range(2):
        w, h = int(width * rng.uniform(0.08, 0.16)), int(height * rng.uniform(0.15, 0.3))
        x, y = int(rng.uniform(0.05, 0.8) * width), int(rng.uniform(0.3, 0.6) * height)
        phase, rate = rng.uniform(0, 6), rng.uniform(0.6, 1.4)
        grain = np.random.default_rng([video.seed, 6, x]).integers(90, 250, (h, w), dtype=np.uint8)
        leaves = Image.fromarray(grain).filter(ImageFilter.GaussianBlur(1.5))
        bush = np.asarray(leaves, np.float32)[..., None] / 230
        shift = round(0.006 * width * np.sin(2 * np.pi * rate * second + phase))
        x0 = min(max(x + shift, 0), width - w)
        picture[y : y + h, x0 : x0 + w] = scene[y : y + h, x : x + w] * bush * 0.8 + 12


def _camera(picture: np.ndarray, video: DrawnVideo, second: float, rng: np.random.Generator) -> np.ndarray:
    if "shake" in video.effects:
        dx, dy = (round(float(v)) for v in rng.normal(0, 0.004 * video.width, 2))
        rows = np.clip(np.arange(video.height) - dy, 0, video.height - 1)
        columns = np.clip(np.arange(video.width) - dx, 0, video.width - 1)
        picture = picture[rows][:, columns]
    if "flicker" in video.effects:
        picture = picture * float(rng.uniform(0.85, 1.15))
    if "infrared" in video.effects:
        grey = picture.mean(2, keepdims=True)
        y, x = np.mgrid[0 : video.height, 0 : video.width]
        light = np.exp(-1.5 * (((x / video.width - 0.5) / 0.6) ** 2 + ((y / video.height - 0.5) / 0.6) ** 2))
        picture = np.repeat(grey * light[..., None] * 0.8 + 8, 3, 2)
    noise = 8 if "noise" in video.effects or "infrared" in video.effects else 2
    picture = picture + rng.normal(0, noise, picture.shape[:2])[..., None]
    shown = picture.clip(0, 255).astype(np.uint8)
    return _bar(shown, second) if "bar" in video.effects else shown


def _bar(picture: np.ndarray, second: float) -> np.ndarray:
    """A black strip with a running clock, as cameras burn in."""
    height, width = picture.shape[:2]
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    high = max(12, height // 16)
    draw.rectangle((0, height - high, width, height), fill=(0, 0, 0))
    text = f"2024-03-12 05:41:{int(second) % 60:02d}   14C   RIDGE 3"
    draw.text((6, height - high + 1), text, fill=(255, 255, 255), font_size=max(8, high - 4))
    return np.asarray(image)


def random_video(seed: int, animals: int, look: str, effects: tuple[str, ...] = (), fps: int = 10) -> DrawnVideo:
    """A video with this many animals on random ways: crossing, pausing, turning back, leaving and coming back."""
    rng = np.random.default_rng([seed, 7])
    video = DrawnVideo(seed, seconds=float(rng.integers(8, 14)), fps=fps, look=look, effects=effects)
    rows = rng.permutation([0.35, 0.55, 0.75])
    for which in range(animals):
        size = float(rng.uniform(0.1, 0.24))
        start = float(rng.uniform(0.5, video.seconds * 0.35))
        pace = float(rng.uniform(0.15, 0.4))
        right = rng.random() < 0.5
        out = size / 2 + 0.02
        here, there = (-out, 1 + out) if right else (1 + out, -out)
        y = float(rows[which] + rng.uniform(-0.05, 0.05))
        knots = [(start, here, y)]
        kind = rng.choice(["cross", "cross", "pause", "turn"])
        if kind == "cross":
            knots.append((start + abs(there - here) / pace, there, y + float(rng.uniform(-0.05, 0.05))))
        elif kind == "pause":
            stop = float(rng.uniform(0.3, 0.7))
            reached = start + abs(stop - here) / pace
            knots += [(reached, stop, y), (reached + float(rng.uniform(1.5, 4)), stop, y)]
            knots.append((knots[-1][0] + abs(there - stop) / pace, there, y))
        else:
            stop = float(rng.uniform(0.35, 0.65))
            reached = start + abs(stop - here) / pace
            knots += [(reached, stop, y), (reached + abs(stop - here) / pace, here, y)]
        video.animals.append(Path2(tuple(knots), size, int(rng.integers(0, 6)) * 2 + which))
    return video
