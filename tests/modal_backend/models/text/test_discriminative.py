"""Words planted in a category are found, words that differ nowhere are not, whatever the sizes of the categories."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import fisher_exact

from modal_backend.models.text.discriminative import (
    Occurrences,
    discriminative,
    exact_p,
    held_out,
    occurrences,
    without_repetition,
)
from modal_backend.models.text.log_odds import log_odds
from modal_backend.models.text.note_text import phrases
from tests.support.planted_notes import Planted, planted_notes

DESIGNS = {
    "two alike": [120, 120],
    "one to fifty": [2000, 40],
    "twelve alike": [60] * 12,
    "five sizes": [1000, 400, 100, 50, 40],
    "twelve sizes": [1000, *[20] * 4, *[40] * 7],
}


def held_in(corpus: Planted) -> Occurrences:
    return occurrences([phrases(text) for text in corpus.table["text"]])


@pytest.mark.parametrize("sizes", DESIGNS.values(), ids=DESIGNS.keys())
def test_planted_words_lead_their_category_and_neutral_words_do_not_differ(sizes):
    in_top, neutral_found, neutral_tested, seeds = [], 0, 0, 4
    for seed in range(seeds):
        corpus = planted_notes(seed, sizes, share_in=0.25, share_out=0.01 * (seed % 2), length=(6, 14)[seed // 2])
        table = discriminative(held_in(corpus), list(corpus.table["category"]))
        for name, words in corpus.planted.items():
            top = set(table.loc[table["category"] == name, "keyword"].head(10))
            in_top.append(len(words & top) / len(words))
        neutral = table[table["keyword"].isin(corpus.neutral)]
        neutral_found += int((neutral["q"] < 0.05).sum())
        neutral_tested += len(neutral)
        assert not table.loc[table["keyword"] == corpus.once, "discriminative"].any()
    assert np.mean(in_top) >= 0.95
    assert neutral_found / neutral_tested <= 0.06


def test_without_planted_words_hardly_any_corpus_has_a_discriminative_word():
    found = 0
    for seed in range(20):
        corpus = planted_notes(seed, [80, 80], words=0, neutral=120)
        found += bool(discriminative(held_in(corpus), list(corpus.table["category"]))["discriminative"].any())
    assert found <= 4


def test_a_word_in_few_notes_is_never_discriminative_however_rare_it_is_elsewhere():
    notes = [["lynx"]] * 2 + [["deer"]] * 3 + [["mist"]] * 30 + [["grass"]] * 500
    table = discriminative(occurrences(notes, min_support=1), ["a"] * 35 + ["b"] * 500, min_support=3)
    assert set(table.loc[table["discriminative"].astype(bool), "keyword"]) == {"deer", "mist", "grass"}


def test_in_a_small_category_two_notes_are_enough_and_one_never_is():
    notes = [["lynx"]] * 2 + [["otter"]] + [["mist"]] * 17 + [["grass"]] * 1000
    table = discriminative(occurrences(notes, min_support=1), ["a"] * 20 + ["b"] * 1000)
    assert set(table.loc[table["discriminative"].astype(bool), "keyword"]) == {"lynx", "mist", "grass"}
    assert table.loc[table["keyword"] == "otter", "support_in"].tolist() == [1]
    alone = occurrences([["lynx"], ["wild cat"], ["wild cat"], ["mist"], ["mist"]])
    assert alone.terms == ["mist"]


def test_words_too_rare_to_differ_in_any_way_do_not_weaken_the_test_of_the_others():
    notes = [["snare"]] * 8 + [["gate"]] * 32 + [["snare"]] + [["gate"]] * 39
    rare = [[f"{where}{number // 2}"] for where in "ab" for number in range(200)]
    categories = ["a"] * 40 + ["b"] * 40
    few = discriminative(occurrences(notes), categories)
    many = discriminative(occurrences(notes + rare), categories + ["a"] * 200 + ["b"] * 200)
    assert (many["keyword"].str.startswith("a") & (many["q"] < 1)).sum() == 0
    assert many.loc[many["keyword"] == "snare", "q"].min() < 0.05
    assert len(few) < len(many)


def test_p_is_fishers_between_its_two_neighbours():
    ours = exact_p(np.array([7.0]), np.array([4.0]), 20, 100)[0]
    full = fisher_exact([[7, 13], [4, 96]], alternative="greater").pvalue
    without = fisher_exact([[8, 12], [3, 97]], alternative="greater").pvalue
    assert ours == pytest.approx((full + without) / 2, rel=1e-9)


def test_q_is_benjamini_and_hochbergs_over_the_words_tested_in_a_category():
    notes = [["snare", "ford"]] * 12 + [["snare"]] * 3 + [["ford"]] * 10 + [["ridge"]] * 15
    table = discriminative(occurrences(notes), ["a"] * 15 + ["b"] * 25)
    words = 3  # each is tested in both categories, and listed where it occurs
    for _, rows in table[table["q"] < 1].groupby("category"):
        tested = rows.sort_values("p")
        scaled = tested["p"] * words / np.arange(1, len(tested) + 1)
        assert tested["q"].to_numpy() == pytest.approx(scaled[::-1].cummin()[::-1].clip(upper=1).to_numpy())


def test_the_sign_of_z_says_on_which_side_a_word_is_more_frequent_by_rate_not_by_count():
    _, z = log_odds(np.array([10.0, 10.0]), np.array([100.0, 10.0]), 50, 1000)
    assert z[0] > 0
    assert z[1] > z[0]
    _, none = log_odds(np.array([5.0]), np.array([50.0]), 100, 1000)
    assert abs(none[0]) < 0.3


def test_one_category_gives_an_empty_table_with_its_columns():
    table = discriminative(occurrences([["a1", "b1"]] * 5), ["x"] * 5)
    assert table.empty
    assert list(table.columns[:7]) == [
        "category", "keyword", "support_in", "support_out", "z", "q", "discriminative"
    ]  # fmt: skip


def test_planted_words_hold_on_notes_that_had_no_part_in_choosing_them_and_the_seed_decides_which():
    corpus = planted_notes(1, [150, 150, 150])
    held, categories = held_in(corpus), list(corpus.table["category"])
    check = held_out(held, categories, seed=5)
    planted = check[
        [word in corpus.planted[name] for name, word in zip(check["category"], check["keyword"], strict=True)]
    ]
    assert len(planted) >= 10
    assert planted["holds"].mean() > 0.9
    assert planted["lift"].median() > 2
    assert check.equals(held_out(held, categories, seed=5))
    assert not check.equals(held_out(held, categories, seed=6))


def test_a_phrase_that_says_no_more_than_one_of_its_words_is_left_out_and_what_only_occurs_together_stays():
    notes = ["saw snare there", "saw snare below", "saw snare", "saw deer", "salt lick mud", "salt lick mud"]
    notes += ["salt lick mud", "old road", "old road", "old road", "old tree", "road gate"]
    kept = without_repetition(occurrences([phrases(text) for text in notes], min_support=2)).terms
    assert "saw snare" not in kept
    assert {"snare", "saw", "salt", "lick", "mud", "salt lick mud", "old road"} <= set(kept)
    assert not {"salt lick", "lick mud"} & set(kept)
