"""Words planted in notes: how many lead their category, how many others are called different, and what is possible."""

from __future__ import annotations

import os

import numpy as np
import pytest
from scipy.stats import binom

from modal_backend.models.text.discriminative import discriminative, occurrences
from modal_backend.models.text.note_text import note_phrases
from tests.support.planted_notes import Planted, planted_notes
from tests.support.two_languages import two_languages

SEED = int(os.environ.get("PUGMARK_PLANTED_SEED", "91000"))
SEEDS = range(SEED, SEED + 12)
SHARE_IN, TWELVE = 0.25, [20] * 12
LEAST_FOUND, MOST_FALSE = 0.95, 0.06
DESIGNS = {
    "balanced": ([120, 120], 0.01),
    "1:50": ([2000, 40], 0.01),
    "a dozen of twenty": (TWELVE, 0.0),
    "a dozen of twenty, 1 % elsewhere": (TWELVE, 0.01),
    "balanced, 3 % elsewhere": ([120, 120], 0.03),
    "a dozen of sixty, 3 % elsewhere": ([60] * 12, 0.03),
    "a dozen of twenty, 3 % elsewhere": (TWELVE, 0.03),
}
# Twenty notes hold too little for this: see the last test, and FIGURES.md. With 1 % elsewhere they would hold enough.
TOO_FEW = ("a dozen of twenty, 3 % elsewhere",)


def greatest_power(inside: int, outside: int, share_in: float, share_out: float, same: float, level: float) -> float:
    """The share of words that any test may find, by Neyman and Pearson: the best one knows all three shares.

    Args:
        inside, outside: notes of the category and of the others.
        share_in, share_out: of a planted word; same: of a word that differs nowhere, on both sides.
        level: the share of those that the test may take for planted.
    """
    x, y = np.arange(inside + 1)[:, None], np.arange(outside + 1)[None]
    planted = (binom.pmf(x, inside, share_in) * binom.pmf(y, outside, share_out)).ravel()
    neutral = (binom.pmf(x, inside, same) * binom.pmf(y, outside, same)).ravel()
    order = np.argsort(-planted / np.maximum(neutral, 1e-300))
    false = np.cumsum(neutral[order])
    last = int(np.searchsorted(false, level))
    share = 1 - (false[last] - level) / neutral[order[last]]
    return float(planted[order[:last]].sum() + share * planted[order[last]])


def found_and_false(corpora: list[Planted]) -> tuple[float, float]:
    """The share of planted words among the first ten of their category, and of neutral words called different."""
    in_top, false = [], []
    for corpus in corpora:
        held = occurrences(note_phrases(list(corpus.table["text"])))
        table = discriminative(held, list(corpus.table["category"]))
        top = table.groupby("category").head(10).groupby("category")["keyword"].agg(set)
        in_top += [len(words & top[name]) / len(words) for name, words in corpus.planted.items()]
        false.append((table.loc[table["keyword"].isin(corpus.neutral), "q"] < 0.05).mean())
    return float(np.mean(in_top)), float(np.mean(false))


@pytest.mark.benchmark
@pytest.mark.parametrize("name", DESIGNS)
def test_planted_words_lead_their_category(name: str, measured):
    sizes, elsewhere = DESIGNS[name]
    corpora = [
        planted_notes(seed, sizes, share_in=SHARE_IN, share_out=elsewhere, length=(6, 14)[seed % 2]) for seed in SEEDS
    ]
    found, false = found_and_false(corpora)
    measured(f"planted words in the first ten, {name}", found, at_least=LEAST_FOUND)
    measured(f"neutral words called different, {name}", false, at_most=MOST_FALSE)
    assert false <= MOST_FALSE
    if name not in TOO_FEW:
        assert found >= LEAST_FOUND


@pytest.mark.benchmark
@pytest.mark.parametrize("second", ["es", "hi"])
def test_planted_words_lead_their_category_in_two_languages(second: str, measured):
    found, false = found_and_false([two_languages(seed, [100, 100], ("en", second)) for seed in SEEDS])
    measured(f"planted words in the first ten, English and {second}", found, at_least=LEAST_FOUND)
    measured(f"neutral words called different, English and {second}", false, at_most=MOST_FALSE)
    assert found >= LEAST_FOUND
    assert false <= MOST_FALSE


@pytest.mark.benchmark
def test_twenty_notes_do_not_hold_what_any_test_would_need(measured):
    """Against the neutral words that are hardest to tell from the planted ones."""
    rates = np.arange(0.02, 0.12, 0.0025)
    power = {
        size: min(greatest_power(size, 11 * size, SHARE_IN, 0.03, rate, MOST_FALSE) for rate in rates)
        for size in (20, 25)
    }
    measured("greatest power of any test, twenty notes, 3 % elsewhere", power[20])
    measured("greatest power of any test, 25 notes, 3 % elsewhere", power[25])
    assert power[20] < LEAST_FOUND < power[25]
