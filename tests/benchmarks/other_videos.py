"""Videos of another style than tests/support/drawn_videos.py: blotched bodies before drawn plants.

Sway, exposure, jitter, grain.

Nothing of it is tuned with: sizes, paces and effects come from the seed alone, and every animal's way is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import av
import cv2
import numpy as np

from tests.support.drawn_videos import Truth, pasted

FRAME_RATES = (1, 2, 5, 8, 12, 15, 25, 30)
SHAPES = ((320, 240), (480, 270), (400, 224), (426, 320))
EFFECTS = ("sway", "ramp", "drift", "jitter", "bar", "clock", "night")


@dataclass
class Walker:
    """An animal. knots: (second, x, y) of its middle in shares of the frame. size: length in shares of the width."""

    knots: list[tuple[float, float, float]]
    size: float
    coat: int

    def at(self, second: float) -> tuple[float, float] | None:
        times = [knot[0] for knot in self.knots]
        if not times[0] <= second <= times[-1]:
            return None
        return tuple(float(np.interp(second, times, [knot[axis] for knot in self.knots])) for axis in (1, 2))  # type: ignore[return-value]


@dataclass
class OtherVideo:
    """What to draw."""

    seed: int
    fps: int
    width: int
    height: int
    seconds: float
    grain: float
    effects: tuple[str, ...]
    walkers: list[Walker] = field(default_factory=list)


def other_video(seed: int, animals: int) -> OtherVideo:
    """A video from its seed: 0 to 3 animals that cross, follow, walk side by side, pause, turn or stay."""
    rng = np.random.default_rng([seed, 77])
    fps = int(rng.choice(FRAME_RATES))
    width, height = SHAPES[rng.integers(len(SHAPES))]
    effects = tuple(rng.choice(EFFECTS, rng.integers(0, 4), replace=False))
    seconds = float(rng.integers(9, 15) if fps > 10 else rng.integers(14, 22))
    video = OtherVideo(seed, fps, width, height, seconds, float(rng.uniform(1, 7)), effects)
    rows = rng.permutation([0.38, 0.58, 0.78])
    beside = animals >= 2 and rng.random() < 0.4
    for which in range(animals):
        if which == 1 and beside:
            video.walkers.append(_beside(rng, video.walkers[0]))
        else:
            video.walkers.append(_walker(rng, video, float(rows[which] + rng.uniform(-0.04, 0.04))))
    return video


def _walker(rng: np.random.Generator, video: OtherVideo, y: float) -> Walker:
    size = float(rng.uniform(0.07, 0.26))
    pace = float(rng.uniform(0.06, 0.45) if video.fps > 3 else rng.uniform(0.06, 0.2))
    start = float(rng.uniform(1, video.seconds * 0.3))
    out = size / 2 + 0.03
    here, there = (-out, 1 + out) if rng.random() < 0.5 else (1 + out, -out)
    sign = np.sign(there - here)
    kind = rng.choice(["cross", "cross", "pause", "turn", "stay", "there"])
    if kind == "there":
        x = float(rng.uniform(0.3, 0.7))
        wait = float(rng.uniform(1, 4))
        return Walker([(-1, x, y), (wait, x, y), (wait + abs(there - x) / pace, there, y)], size, int(rng.integers(99)))
    knots = [(start, here, y)]
    if kind == "cross":
        knots.append((start + abs(there - here) / pace, there, y + float(rng.uniform(-0.08, 0.08))))
        return Walker(knots, size, int(rng.integers(99)))
    stop = float(rng.uniform(0.3, 0.7))
    reached = start + abs(stop - here) / pace
    knots.append((reached, stop, y))
    if kind == "stay":
        knots += [(reached + 2, stop + 0.02 * sign, y), (video.seconds + 1, stop + 0.02 * sign, y)]
        return Walker(knots, size, int(rng.integers(99)))
    if kind == "pause":
        reached += float(rng.uniform(2, 5))
        knots.append((reached, stop, y))
    end = there if kind == "pause" else here
    knots.append((reached + abs(end - stop) / pace, end, y))
    return Walker(knots, size, int(rng.integers(99)))


def _beside(rng: np.random.Generator, first: Walker) -> Walker:
    """One that walks with the first: behind it, or a little farther away from the camera, with a gap between them."""
    size = first.size * float(rng.uniform(0.8, 1.2))
    sign = np.sign(first.knots[-1][1] - first.knots[0][1]) or 1.0
    behind = float(rng.uniform(1.15, 1.7)) * max(size, first.size)
    lower = float(rng.uniform(-0.04, 0.04))
    knots = [(second, x - sign * behind, y + lower) for second, x, y in first.knots]
    pace = abs(first.knots[1][1] - first.knots[0][1]) / (first.knots[1][0] - first.knots[0][0]) or 0.15
    (second, x, y), beyond = knots[-1], 1.2 if knots[-1][1] > 0.5 else -0.2
    if not 0.1 < first.knots[-1][1] < 0.9:
        knots.append((second + abs(beyond - x) / max(pace, 0.06), beyond, y))
    return Walker(knots, size, int(rng.integers(99)))


def draw_other(video: OtherVideo, path: Path) -> list[Truth]:
    """Write the video; returns what is true of each animal that is ever in view."""
    rng = np.random.default_rng([video.seed, 78])
    scene, stalks = _scene(rng, video), rng.uniform(0, 1, (14, 5))
    bodies = [_body(walker, video) for walker in video.walkers]
    seen: list[list[tuple[float, float, float]]] = [[] for _ in video.walkers]
    offset, exposure = np.zeros(2), _exposure(rng, video)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=video.fps, options={"preset": "ultrafast", "crf": "24"})
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        for number in range(round(video.seconds * video.fps)):
            second = number / video.fps
            picture = scene.copy()
            if "sway" in video.effects:
                _sway(picture, stalks, second)
            for which, walker in enumerate(video.walkers):
                place = walker.at(second)
                if place is not None and _paint(picture, bodies[which], walker, place, second) >= 0.1:
                    seen[which].append((second, *place))
            if "jitter" in video.effects:
                offset = 0.6 * offset + rng.normal(0, 0.0018 * video.width, 2)
                move = np.array([[1, 0, offset[0]], [0, 1, offset[1]]], np.float32)
                picture = cv2.warpAffine(picture, move, (video.width, video.height), borderMode=cv2.BORDER_REFLECT)
            frame = av.VideoFrame.from_ndarray(
                _developed(rng, picture, video, exposure(second), second), format="rgb24"
            )
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return [_truth(video, places, bodies[which]) for which, places in enumerate(seen) if places]


def _truth(video: OtherVideo, places: list[tuple[float, float, float]], body: list[np.ndarray]) -> Truth:
    half = body[0].shape[1] / video.width / 2
    (first, x0, _), (last, x1, _) = places[0], places[-1]

    def side(x: float) -> str | None:
        return "left" if x - half <= 0.01 else "right" if x + half >= 0.99 else None

    there = first == 0.0 and side(x0) is None
    stays = last >= video.seconds - 1.5 / video.fps and side(x1) is None
    return Truth(first, last, None if there else "left" if x0 < 0.5 else "right", None if stays else _near(x1))


def _near(x: float) -> str:
    return "left" if x < 0.5 else "right"


def _scene(rng: np.random.Generator, video: OtherVideo) -> np.ndarray:
    """Sky to ground, with ellipses of leaves, stones and trunks."""
    height, width = video.height, video.width
    top, bottom = rng.uniform(90, 190, 3), rng.uniform(50, 150, 3)
    picture = (top + np.linspace(0, 1, height)[:, None, None] * (bottom - top)).repeat(width, 1).astype(np.float32)
    for _ in range(260):
        centre = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        axes = (int(rng.uniform(2, 0.07 * width)), int(rng.uniform(2, 0.05 * width)))
        colour = picture[min(centre[1], height - 1), min(centre[0], width - 1)] * rng.uniform(0.6, 1.35)
        cv2.ellipse(picture, centre, axes, float(rng.uniform(0, 180)), 0, 360, [float(c) for c in colour], -1)
    for _ in range(rng.integers(0, 5)):
        x = int(rng.uniform(0, width))
        cv2.line(picture, (x, 0), (x + int(rng.normal(0, 12)), height), (40, 35, 30), int(rng.uniform(3, 14)))
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.8), np.float32)


def _body(walker: Walker, video: OtherVideo) -> list[np.ndarray]:
    """Six poses facing right, float RGBA (h, w, 4): a blotched long body, neck, tail and four bending legs."""
    rng = np.random.default_rng([video.seed, walker.coat, 79])
    long = max(10, round(walker.size * video.width))
    high, scale = max(8, round(long * 0.55)), 4
    base = rng.uniform(8, 50) if rng.random() < 0.6 else rng.uniform(195, 240)
    poses = []
    for phase in range(6):
        canvas = np.zeros((high * scale, long * scale, 4), np.float32)
        h, w = canvas.shape[:2]
        tone = [base * rng.uniform(0.9, 1.1) for _ in range(3)]

        def put(draw: np.ndarray, colour: list[float], canvas: np.ndarray = canvas) -> None:
            canvas[draw > 0] = [*colour, 255.0]

        shape = np.zeros((h, w), np.uint8)
        cv2.ellipse(shape, (int(0.48 * w), int(0.42 * h)), (int(0.34 * w), int(0.2 * h)), 0, 0, 360, 255, -1)
        cv2.line(shape, (int(0.75 * w), int(0.4 * h)), (int(0.9 * w), int(0.15 * h)), 255, max(2, int(0.14 * h)))
        cv2.circle(shape, (int(0.91 * w), int(0.16 * h)), int(0.12 * h), 255, -1)
        cv2.line(shape, (int(0.16 * w), int(0.38 * h)), (int(0.04 * w), int(0.6 * h)), 255, max(2, int(0.06 * h)))
        for leg, at in enumerate((0.22, 0.32, 0.64, 0.74)):
            foot = at + 0.07 * np.sin(2 * np.pi * (phase / 6 + 0.25 * leg))
            cv2.line(shape, (int(at * w), int(0.5 * h)), (int(foot * w), h - 1), 255, max(2, int(0.09 * h)))
        put(shape, tone)
        spots = np.random.default_rng([walker.coat, 80])
        for _ in range(9):
            centre = (int(spots.uniform(0.2, 0.75) * w), int(spots.uniform(0.28, 0.55) * h))
            blot = np.zeros((h, w), np.uint8)
            cv2.circle(blot, centre, int(0.05 * h), 255, -1)
            put(blot & shape, [c * 0.7 for c in tone])
        poses.append(np.asarray(cv2.resize(canvas, (long, high), interpolation=cv2.INTER_AREA), np.float32) / 255)
    return poses


def _paint(
    picture: np.ndarray, body: list[np.ndarray], walker: Walker, place: tuple[float, float], second: float
) -> float:
    """Paint the animal; returns the share of it that is in view."""
    before, after = (
        walker.at(max(second - 0.05, walker.knots[0][0])),
        walker.at(min(second + 0.05, walker.knots[-1][0])),
    )
    pace = after[0] - before[0] if before and after else 0.0
    sprite = body[int(second * 8) % 6 if abs(pace) > 1e-4 else 0]
    heads_right = next((b[1] > a[1] for a, b in zip(walker.knots, walker.knots[1:], strict=False)
                        if b[1] != a[1] and second <= b[0]), True)  # fmt: skip
    sprite = sprite if heads_right else sprite[:, ::-1]
    return pasted(picture, sprite, place)


def _sway(picture: np.ndarray, stalks: np.ndarray, second: float) -> None:
    height, width = picture.shape[:2]
    for x, y, tall, phase, tone in stalks:
        foot = (int(x * width), int((0.5 + 0.5 * y) * height))
        bend = np.sin(2 * np.pi * (0.4 + 0.8 * phase) * second + 9 * phase)
        tip = (int(foot[0] + 0.015 * width * bend), int(foot[1] - (0.08 + 0.15 * tall) * height))
        cv2.line(picture, foot, tip, (30 + 90 * tone, 60 + 100 * tone, 25), max(1, width // 160))


def _exposure(rng: np.random.Generator, video: OtherVideo):
    settle, wander = float(rng.uniform(1, 4)), float(rng.uniform(-0.35, 0.35))
    gamma = float(rng.uniform(0.75, 1.3))

    def at(second: float) -> tuple[float, float]:
        gain, power = 1.0, 1.0
        if "ramp" in video.effects and second < settle:
            share = second / settle
            gain, power = 0.35 + 0.65 * share, gamma + (1 - gamma) * share
        if "drift" in video.effects:
            gain *= 1 + wander * second / video.seconds
            power *= 1 + 0.3 * wander * second / video.seconds
        return gain, power

    return at


def _developed(
    rng: np.random.Generator, picture: np.ndarray, video: OtherVideo, light: tuple[float, float], second: float
) -> np.ndarray:
    gain, power = light
    height, width = picture.shape[:2]
    picture = 255 * np.clip(picture / 255, 0, 1) ** power * gain
    if "night" in video.effects:
        y, x = np.mgrid[0:height, 0:width]
        spot = np.exp(-1.2 * (((x / width - 0.45) / 0.7) ** 2 + ((y / height - 0.55) / 0.7) ** 2))
        picture = (picture.mean(2) * spot * 0.75 + 6)[..., None].repeat(3, 2)
    grain = rng.normal(0, video.grain, picture.shape[:2])[..., None] * (0.5 + np.sqrt(picture.clip(1, 255) / 255))
    shown = (picture + grain).clip(0, 255).astype(np.uint8)
    text = f"2023/11/02  04:{int(second) // 60:02d}:{int(second) % 60:02d}  9C  CAM07"
    high = max(14, height // 18)
    if "bar" in video.effects:
        shown[height - high :] = 245
        shown = np.ascontiguousarray(shown)
        cv2.putText(shown, text, (6, height - 4), cv2.FONT_HERSHEY_SIMPLEX, high / 32, (20, 20, 20), 1)
    if "clock" in video.effects:
        shown = np.ascontiguousarray(shown)
        cv2.putText(shown, text, (8, high), cv2.FONT_HERSHEY_SIMPLEX, high / 32, (250, 250, 120), 1)
    return shown
