"""Infrared is told from a grey day by the little colour that is left somewhere."""

from __future__ import annotations

import numpy as np

from app.video.summary.summarise import COLOURLESS, _colour


def test_a_tinted_picture_without_colour_is_infrared():
    grey = np.random.default_rng(1).integers(20, 200, (90, 160, 1)).repeat(3, 2)
    assert _colour((grey + np.array([6, 0, 8])).astype(np.uint8)) <= COLOURLESS


def test_a_grey_sky_over_a_strip_of_grass_is_daylight_and_coloured_signs_in_a_bar_are_not():
    sky = np.full((90, 160, 3), 180, np.uint8)
    sky[60:70] = (90, 110, 60)
    assert _colour(sky) > COLOURLESS
    night = np.full((90, 160, 3), 60, np.uint8)
    night[84:, :40] = (250, 120, 0)
    assert _colour(night) <= COLOURLESS
