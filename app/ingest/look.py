"""What a picture looks like as a whole: by its thumbnail, for the checks of clocks and cameras."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

SCENE_WIDTH, SCENE_HEIGHT = 16, 12
# Without the bars that cameras burn in: a tenth at the top, an eighth at the bottom.
TOP, BOTTOM = 0.1, 0.88
SAMPLE = (64, 48)


@dataclass(frozen=True, slots=True)
class Look:
    """A picture as a whole.

    Attributes:
        brightness, contrast: mean and standard deviation of the grey values, 0 to 1.
        colour: sum of the standard deviations of Cb and Cr, in steps of 255; infrared pictures have none.
        scene: grey values of a picture of 16 x 12, row by row.
    """

    brightness: float
    contrast: float
    colour: float
    scene: bytes


def look_of(thumb: bytes) -> Look:
    """The look of a picture by its thumbnail (a JPEG)."""
    with Image.open(io.BytesIO(thumb)) as image:
        image.draft("YCbCr", SAMPLE)
        width, height = image.size
        middle = (0, round(height * TOP), width, max(round(height * BOTTOM), round(height * TOP) + 1))
        sample = image.convert("YCbCr").resize(SAMPLE, Image.Resampling.BOX, box=middle)
    values = np.asarray(sample, np.float32)
    grey = values[..., 0]
    scene = sample.getchannel("Y").resize((SCENE_WIDTH, SCENE_HEIGHT), Image.Resampling.BOX).tobytes()
    colour = float(values[..., 1].std() + values[..., 2].std())
    return Look(float(grey.mean()) / 255, float(grey.std()) / 255, colour, scene)
