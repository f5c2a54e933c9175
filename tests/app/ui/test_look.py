"""Every pair of text and ground that the theme and the components use has a contrast of at least 4.5 to 1 (WCAG AA)."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
THEME = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
CSS = (ROOT / "app" / "ui" / "shared" / "shared.css").read_text(encoding="utf-8")


def rgb(colour: str) -> tuple[float, float, float]:
    number = int(colour.removeprefix("#"), 16)
    return (number >> 16 & 255, number >> 8 & 255, number & 255)


def luminance(colour: tuple[float, float, float]) -> float:
    def linear(channel: float) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(channel) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(colour: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    light, dark = sorted((luminance(colour), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mixed(share: float, colour: str, other: str) -> tuple[float, float, float]:
    red, green, blue = (share * a + (1 - share) * b for a, b in zip(rgb(colour), rgb(other), strict=True))
    return red, green, blue


@pytest.mark.parametrize("name", ["light", "dark"])
def test_words_on_the_page_can_be_read(name: str) -> None:
    theme = THEME[name]
    paper, side, ink = theme["backgroundColor"], theme["secondaryBackgroundColor"], theme["textColor"]
    share = int(re.search(r"--faint: color-mix\(in srgb, var\(--ink\) (\d+)%", CSS)[1]) / 100
    for ground in (paper, side):
        assert contrast(rgb(ink), rgb(ground)) >= 7
        assert contrast(mixed(share, ink, paper), rgb(ground)) >= 4.5
    assert contrast(rgb(theme["linkColor"]), rgb(paper)) >= 4.5


def test_words_on_primary_buttons_can_be_read() -> None:
    assert contrast(rgb(THEME["light"]["primaryColor"]), rgb("#FFFFFF")) >= 4.5
    assert contrast(rgb(THEME["light"]["primaryColor"]), rgb(THEME["light"]["backgroundColor"])) >= 4.5
    assert contrast(rgb(THEME["dark"]["primaryColor"]), rgb(THEME["dark"]["backgroundColor"])) >= 4.5


@pytest.mark.parametrize("name", ["animal", "person", "vehicle", "same", "different", "unsure"])
def test_black_words_on_category_and_decision_colours_can_be_read(name: str) -> None:
    colour = re.search(rf"--{name}: (#[0-9A-F]{{6}})", CSS)[1]
    assert contrast(rgb(colour), rgb("#000000")) >= 4.5
