"""A word that rises from month to month is found, a steady one is not, and notes without a date do no harm."""

from __future__ import annotations

import numpy as np
import pytest

from app.notes.months import by_month, trends
from modal_backend.models.text.discriminative import occurrences

MONTHS = [f"2024-{month:02}" for month in range(1, 13)]


def notes_of_a_year(seed, *, rising=(), words=150):
    """25 notes a month of words that differ nowhere, and words that rise from 4 to 48 % of the notes."""
    random = np.random.default_rng(seed)
    months, notes = [], []
    for number, month in enumerate(MONTHS):
        for _ in range(25):
            months.append(month)
            notes.append([f"word{word}" for word in range(words) if random.random() < 0.1])
            notes[-1] += [word for word in rising if random.random() < 0.04 * (number + 1)]
    return months, occurrences(notes)


def test_a_word_that_rises_is_first_and_one_that_falls_has_a_negative_z():
    months, held = notes_of_a_year(3, rising=["snare"])
    up, down = trends(months, held), trends([f"2024-{13 - int(month[5:]):02}" for month in months], held)
    assert up["keyword"][0] == down["keyword"][0] == "snare"
    assert up["z"][0] > 4
    assert down["z"][0] == pytest.approx(-up["z"][0])
    counts = by_month(months, held, {"snare"})["snare"]
    assert counts["2024-12"] > counts.get("2024-01", 0)


def test_hardly_any_steady_word_rises_or_falls():
    found = sum(len(trends(*notes_of_a_year(seed))) for seed in range(20, 30))
    assert found <= 3


def test_notes_without_a_date_are_left_out_and_two_months_tell_nothing():
    months, held = notes_of_a_year(3, rising=["snare"])
    undated = [month if number % 2 else "" for number, month in enumerate(months)]
    assert trends(undated, held)["keyword"][0] == "snare"
    assert trends(["2024-01", "2024-02"] * (len(months) // 2), held).empty
    assert trends([""] * len(months), held).empty
    assert by_month([""] * len(months), held, {"snare"}) == {"snare": {}}


def test_a_trend_across_the_turn_of_a_year_counts_months_in_order():
    months, held = notes_of_a_year(3, rising=["snare"])
    later = [f"{2024 + (int(month[5:]) > 6)}-{(int(month[5:]) + 5) % 12 + 1:02}" for month in months]
    assert trends(later, held)["z"][0] == pytest.approx(trends(months, held)["z"][0])
