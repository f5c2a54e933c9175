"""A map has lines of latitude and longitude, and the coast where it is wide enough to show it truly."""

from __future__ import annotations

import pytest

from app.ui.individuals.plots import counts_map

SUNDARBANS = {"North": (22.4, 88.6), "South": (21.6, 89.4)}
INLAND = {"North": (22.4, 79.9), "South": (21.6, 80.7)}
ONE_CREEK = {"North": (21.65, 89.2), "South": (21.6, 89.25)}


def lines(figure) -> list[str]:
    return [note.text for note in figure.layout.annotations if "°" in note.text]


@pytest.mark.parametrize(("places", "has_coast"), [(SUNDARBANS, True), (INLAND, False), (ONE_CREEK, False)])
def test_the_coast_is_drawn_where_a_wide_map_meets_it(places, has_coast):
    figure = counts_map(places, {"North": 3}, "animals")
    assert ("coast" in [trace.name for trace in figure.data]) == has_coast


@pytest.mark.parametrize(
    ("places", "expected"),
    [(SUNDARBANS, {"89° E", "22° N"}), ({"A": (-0.01, -0.02), "B": (0.01, 0.02)}, {"0°", "0.02° S", "0.02° W"})],
)
def test_lines_bear_their_degrees(places, expected):
    assert expected <= set(lines(counts_map(places, {}, "animals")))


def test_a_line_of_longitude_stands_where_its_degree_is():
    figure = counts_map({"A": (10.0, 20.0), "B": (10.0, 21.0)}, {}, "animals")
    at = {note.text: note.x for note in figure.layout.annotations if note.text.endswith("E")}
    assert at["20° E"] == pytest.approx(figure.data[0].x[0])
    assert at["21° E"] == pytest.approx(figure.data[0].x[1])
