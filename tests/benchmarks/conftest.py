"""The figures of one run: printed as they come and, where PUGMARK_FIGURES names a file, kept there line by line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest

from tests.browser.conftest import browser as browser

Measured = Callable[..., None]


@pytest.fixture
def measured(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Measured:
    """Takes a figure: measured(what, value, unit, baseline=, at_most=, at_least=).

    baseline: the same of a bare loop in this run, in the same unit. The bars hold for the value.
    """

    def take(what: str, value: float, unit: str = "", **more: float) -> None:
        name = request.node.path.stem.removeprefix("test_")
        figure = {"of": name, "what": what, "value": float(value), "unit": unit, **more}
        with capsys.disabled():
            print(f"\n{what}: {line(figure)}", end="", flush=True)
        if path := os.environ.get("PUGMARK_FIGURES"):
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps(figure) + "\n")

    return take


def line(figure: dict[str, float | str]) -> str:
    """A figure in words: the value, the baseline, the bar and whether it is met."""
    words = [shown(figure["value"]) + f" {figure['unit']}".rstrip()]
    if "baseline" in figure:
        words.append(f"bare {shown(figure['baseline'])}")
    for bar, sign in (("at_most", "<="), ("at_least", ">=")):
        if bar in figure:
            words.append(f"{'met' if is_met(figure) else 'MISSED'} ({sign} {shown(figure[bar])})")
    return ", ".join(words)


def is_met(figure: dict[str, float | str]) -> bool:
    """Whether a figure keeps to its bars."""
    value = float(figure["value"])
    return float(figure.get("at_least", value)) <= value <= float(figure.get("at_most", value))


def shown(value: float | str) -> str:
    """A number with three digits that count."""
    return f"{float(value):,.0f}" if abs(float(value)) >= 100 else f"{float(value):.3g}"
