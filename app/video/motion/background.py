"""What moves: each small grey frame against the still background of its stretch of the video.

A median over time is the background (Cutler and Davis, ICPR 1998). Before the comparison brightness is matched (cameras
adjust and flicker) and the picture is moved back where the camera shakes (phase correlation, Kuglin and Hines 1975).
Where something stood still for long the median may show it: then the value that fits its surroundings is taken. Pixels
that switch to and fro all the time (leaves in the wind, a burnt-in clock) and burnt-in bars are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.video.motion.bars import bar_heights, burnt_in_bars

Grey = NDArray[np.uint8]
Field = NDArray[np.float32]
Mask = NDArray[np.bool_]

FEWEST = 3
FOR_MEDIAN = 121
LEAST_CONTRAST = 9.0
SIGMAS = 4.5
FAINT = 0.55
SEEDS = 2
EDGE_SHARE = 0.45  # how far a shaken edge may be off, in pixels
SHAKES_FROM = 0.35
LONGEST_SHIFT = 0.12
LONG_STANDING = 0.12
SMALLEST_REGION = 12  # pixels
RESTLESS_SHARE = 0.7
QUIET_SHARE = 0.2
WHOLE_PICTURE = 0.5


@dataclass(frozen=True, slots=True)
class MotionMasks:
    """What moves in each frame of a stretch.

    Attributes:
        masks: bool (n, height, width), what differs from the background.
        grey: float32 (n, height, width), the frames with brightness and shake taken out.
        changed: bool (n), the whole picture differs (exposure, infrared switch, a knock).
        shift: how far the camera shakes, in pixels.
        bars: rows of burnt-in bars at the top and at the bottom.
    """

    masks: Mask
    grey: Field
    changed: Mask
    shift: float
    bars: tuple[int, int] = (0, 0)


def find_motion(frames: Grey, seconds: NDArray[np.float64]) -> MotionMasks:
    """Find what moves in a stretch of a video.

    Args:
        frames: small grey frames, uint8 (n, height, width).
        seconds: when each was shown (n).
    """
    count = len(frames)
    soft = _softened(frames)
    if count < FEWEST:
        return MotionMasks(np.zeros(frames.shape, np.bool_), soft, np.ones(count, np.bool_), 0.0)
    bars = burnt_in_bars(np.median(frames[_spread(count)], axis=0))
    matched = _matched(soft, _median(soft), bars)
    aligned, shift = _aligned(matched, bars)
    edges = _edges(_median(aligned)) * EDGE_SHARE * (1.0 if shift else 0.4)
    background = _median(aligned)
    limit = _limit(aligned, background, edges)
    unrest = _unrest(aligned, background, bars)
    masks = np.abs(aligned - background) > np.maximum(limit, unrest)
    corrected = _without_ghosts(aligned, background, masks)
    if corrected is not background:
        limit = _limit(aligned, corrected, edges)
    masks = _grown(np.abs(aligned - corrected), np.maximum(limit, unrest))
    changed = masks.mean(axis=(1, 2)) > WHOLE_PICTURE
    masks[changed] = False
    masks &= ~(_restless(masks, seconds) | bars)
    if shift:
        rim = math.ceil(2.0 * shift) + 1  # what comes into view there and goes again is the place, not an animal
        masks[:, :rim] = masks[:, -rim:] = masks[:, :, :rim] = masks[:, :, -rim:] = False
    return MotionMasks(masks, aligned, changed, shift, bar_heights(bars))


def _softened(frames: Grey) -> Field:
    import cv2

    return np.stack([cv2.GaussianBlur(frame, (3, 3), 0) for frame in frames]).astype(np.float32)


def _spread(count: int) -> NDArray[np.intp]:
    return np.unique(np.linspace(0, count - 1, min(count, FOR_MEDIAN)).round().astype(np.intp))


def _median(frames: Field) -> Field:
    return np.asarray(np.median(frames[_spread(len(frames))], axis=0), np.float32)


def _matched(frames: Field, reference: Field, bars: Mask) -> Field:
    """Frames with gain and offset that bring most of the picture to the reference (least squares, trimmed twice)."""
    use = ~bars.ravel()
    target = reference.ravel()[use][::3]
    out = np.empty_like(frames)
    for place, frame in enumerate(frames):
        values = frame.ravel()[use][::3]
        gain, offset = 1.0, float(np.median(target - values))
        for _ in range(2):
            off = np.abs(target - gain * values - offset)
            near = off <= 2.0 * np.median(off) + 1.0
            x, y = values[near], target[near]
            spread = float(x.var())
            if spread < 4.0 or len(x) < 20:
                break
            gain = min(max(float(((x - x.mean()) * (y - y.mean())).mean()) / spread, 0.5), 2.0)
            offset = float(y.mean() - gain * x.mean())
        out[place] = frame * gain + offset
    return out


def _aligned(frames: Field, bars: Mask) -> tuple[Field, float]:
    """Frames moved back by how far the camera had moved, and how far that is typically (0 when it stands still)."""
    background = _median(frames)
    probe = np.array([_shift(frames[place], background, bars) for place in _spread(len(frames))[::5]])
    if float(np.percentile(np.hypot(probe[:, 0], probe[:, 1]), 75)) < SHAKES_FROM:
        return frames, 0.0
    moved, shifts = frames, np.zeros((len(frames), 2))
    for _ in range(2):
        reference = _median(moved)
        shifts = np.array([_shift(frame, reference, bars) for frame in frames])
        moved = np.stack([_translated(frame, -dx, -dy) for frame, (dx, dy) in zip(frames, shifts, strict=True)])
    worse = float(np.abs(moved - _median(moved)).mean()) > 0.9 * float(np.abs(frames - background).mean())
    if worse:
        return frames, 0.0
    return moved, float(np.median(np.hypot(shifts[:, 0], shifts[:, 1])))


def _shift(frame: Field, reference: Field, bars: Mask) -> tuple[float, float]:
    """How many pixels right and down the frame lies from the reference; 0, 0 when that is not clear."""
    import cv2

    height, width = frame.shape
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    level = float(reference.mean())
    before, after = np.where(bars, level, reference), np.where(bars, level, frame)
    (dx, dy), response = cv2.phaseCorrelate(before.astype(np.float32), after.astype(np.float32), window)
    if response < 0.05 or max(abs(dx) / width, abs(dy) / height) > LONGEST_SHIFT:
        return 0.0, 0.0
    return float(dx), float(dy)


def _translated(frame: Field, dx: float, dy: float) -> Field:
    import cv2

    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    size = (frame.shape[1], frame.shape[0])
    return np.asarray(cv2.warpAffine(frame, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _edges(picture: Field) -> Field:
    """Brightness per pixel of distance, the steepest of the neighbourhood."""
    import cv2

    dy, dx = np.gradient(picture)
    return np.asarray(cv2.dilate(np.hypot(dx, dy).astype(np.float32), np.ones((3, 3), np.uint8)), np.float32)


def _limit(frames: Field, background: Field, edges: Field) -> Field:
    """From which difference a pixel counts as moving: its own noise (median absolute deviation), edges, a floor."""
    noise = 1.4826 * np.median(np.abs(frames[_spread(len(frames))] - background), axis=0)
    typical = float(np.median(noise))
    noise = np.minimum(noise, 3.0 * typical + 6.0)
    return np.asarray(np.maximum(LEAST_CONTRAST, SIGMAS * noise) + edges, np.float32)


def _unrest(frames: Field, background: Field, bars: Mask) -> Field:
    """From which difference something moves in each frame, (n, 1, 1), while most of the picture differs a little.

    Exposure and colours that settle, and a knock, change texture everywhere: what stands out of that counts.
    """
    inside = ~bars
    off = np.array([np.median(np.abs(frame - background)[inside][::3]) for frame in frames])
    return np.asarray(SIGMAS * 1.4826 * off[:, None, None], np.float32)


def _grown(off: Field, limit: Field) -> Mask:
    """Pixels over the limit, and those over a part of it that hang together with them (hysteresis, Canny 1986)."""
    import cv2

    masks = off > limit
    for place, weak in enumerate(off > FAINT * limit):
        if not masks[place].any():
            continue
        count, labels = cv2.connectedComponents(weak.astype(np.uint8), connectivity=8)
        seeds = np.bincount(labels[masks[place]], minlength=count)
        seeds[0] = 0
        masks[place] = (seeds >= SEEDS)[labels]
    return masks


def _without_ghosts(frames: Field, background: Field, masks: Mask) -> Field:
    """The background with regions exchanged where the median shows something that stood there for long.

    What differs at the video's beginning and end alike is the true background: something came, stayed and left. What
    differs at one end only came and stayed, or left: then the value that fits the surroundings is the background.
    """
    few = max(2, min(8, len(masks) // 15))
    often = masks.mean(axis=0) > LONG_STANDING
    begins, ends = masks[:few].mean(axis=0) > 0.6, masks[-few:].mean(axis=0) > 0.6
    corrected = background
    kinds = ((begins & ends, True), (begins & ~ends, False), (ends & ~begins, False))
    for kind, certain in kinds:
        for inside in _regions(often & kind):
            other = _other_value(frames, masks, inside)
            if other is not None and (certain or _fits_better(background, inside, other)):
                corrected = corrected.copy() if corrected is background else corrected
                corrected[inside] = other
    return corrected


def _regions(pixels: Mask) -> list[Mask]:
    import cv2

    closed = cv2.morphologyEx(pixels.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    return [labels == label for label in range(1, count) if stats[label, cv2.CC_STAT_AREA] >= SMALLEST_REGION]


def _other_value(frames: Field, masks: Mask, inside: Mask) -> Field | None:
    """What a region shows when it differs from the background; None where a pixel of it never does."""
    values = np.where(masks[:, inside], frames[:, inside], np.nan)
    never = np.isnan(values).all(axis=0)
    if never.mean() > 0.5:
        return None
    values[:, never] = frames[:, inside][:, never]
    return np.asarray(np.nanmedian(values, axis=0), np.float32)


def _fits_better(background: Field, inside: Mask, other: Field) -> bool:
    """Whether another value of a region continues its surroundings better than the background does."""
    changed = background.copy()
    changed[inside] = other
    return _step_at_border(changed, background, inside) < _step_at_border(background, background, inside)


def _step_at_border(picture: Field, background: Field, inside: Mask) -> float:
    """Mean difference between a region's rim and what lies just outside it."""
    import cv2

    region = inside.astype(np.uint8)
    square = np.ones((3, 3), np.uint8)
    rim = inside & (cv2.erode(region, square) == 0)
    outside = ((cv2.dilate(region, square, iterations=2) > 0) & ~inside).astype(np.float32)
    weight = cv2.blur(outside, (7, 7))
    around = cv2.blur(background * outside, (7, 7)) / np.maximum(weight, 1e-6)
    rim &= weight > 0.01
    return float(np.abs(picture - around)[rim].mean()) if rim.any() else 0.0


def _restless(masks: Mask, seconds: NDArray[np.float64]) -> Mask:
    """Pixels that switch between moving and still in most seconds of the stretch, never quiet for long."""
    import cv2

    second = np.floor(seconds - seconds[0]).astype(np.intp)
    bins = int(second[-1]) + 1
    if bins < 6 or len(masks) < 2 * bins:
        return np.zeros(masks.shape[1:], np.bool_)
    switches = masks[1:] != masks[:-1]
    busy = np.zeros(masks.shape[1:], np.int32)
    quiet, longest = np.zeros_like(busy), np.zeros_like(busy)
    for number in range(bins):
        now = switches[second[1:] == number].any(axis=0)
        busy += now
        quiet = np.where(now, 0, quiet + 1)
        longest = np.maximum(longest, quiet)
    often = switches.sum(axis=0) >= bins
    restless = often & (busy >= RESTLESS_SHARE * bins) & (longest <= max(2, QUIET_SHARE * bins))
    return cv2.dilate(restless.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
