"""Two categories side by side: each on the side where it was chosen."""

from __future__ import annotations

import pandas as pd

from app.ui.notes.plots import two_sides


def test_the_category_chosen_on_the_left_has_its_bars_on_the_left():
    table = pd.DataFrame(
        {
            "keyword": ["river", "dog"],
            "notes_one": [9, 0],
            "notes_other": [0, 7],
            "log_odds": [2.0, -1.0],
            "z": [4.0, -3.0],
        }
    )
    figure = two_sides(table, "Ford", "Road")
    (bars,) = figure.data
    assert dict(zip(bars.y, bars.x, strict=True)) == {"river": -4.0, "dog": 3.0}
    assert figure.layout.xaxis.title.text == "← Ford    z    Road →"
