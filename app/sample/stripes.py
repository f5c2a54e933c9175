"""Stripe patterns, one for each flank of each individual, in the coordinates of the body.

Noise is sharpened again and again by a difference of Gaussians, the short cut to the bands and forks of a
reaction-diffusion system (Turing 1952, "The chemical basis of morphogenesis"); the seed alone tells two
patterns apart.
"""

from __future__ import annotations

import numpy as np

from app.sample.noise import Field, blurred, fractal, sampled, smoothstep

ROUNDS = 9


def bands(rng: np.random.Generator, height: int, width: int, period: float, stretch: float) -> Field:
    """Upright bands about `period` pixels apart, (height, width), roughly -1 to 1; stripes are > 0."""
    field: Field = rng.standard_normal((height, width), dtype=np.float32)
    for _ in range(ROUNDS):
        narrow = blurred(field, period * 0.16, period * 0.16 * stretch)
        wide = blurred(field, period * 0.36, period * 0.36 * stretch)
        field = narrow - wide
        field = np.tanh(1.6 * field / (field.std() + 1e-6)).astype(np.float32)
    return field


def bent(rng: np.random.Generator, field: Field, period: float, slant: float) -> Field:
    """The field with its bands bent by slow noise and leaning by `slant` pixels per pixel of height."""
    height, width = field.shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    push = (fractal(rng, height, width, period * 3.5, octaves=2) - 0.5) * period * 1.9
    lift = (fractal(rng, height, width, period * 3.0, octaves=2) - 0.5) * period * 1.2
    return sampled(field, columns + push + slant * (rows - height / 2), rows + lift)


def flank_stripes(rng: np.random.Generator, height: int, width: int, period: float) -> Field:
    """Stripes of a flank, 0 (coat) to 1 (stripe): bands that taper, fork and break towards the belly.

    Row 0 is the back, the last row lies below the belly.
    """
    field = bent(rng, bands(rng, height, width, period, 3.2), period, rng.uniform(-0.22, 0.22))
    thin = fractal(rng, height, width, period * 2.2, octaves=2, stretch=1.3) - 0.5
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    threshold = 0.22 + 1.5 * thin + 0.35 * np.abs(down - 0.35)
    return smoothstep(-0.10, 0.22, field - threshold)


def limb_stripes(rng: np.random.Generator, height: int, width: int, period: float) -> Field:
    """Bars across a limb laid out from left (joint) to right (tip), 0 to 1; broken on one side."""
    field = bent(rng, bands(rng, height, width, period, 2.6), period, rng.uniform(-0.3, 0.3))
    gap = fractal(rng, height, width, period * 1.6, octaves=2) - 0.5
    return smoothstep(-0.1, 0.25, field - 0.32 - 1.3 * gap)
