"""Keywords that repeat each other are shown as one, and others stay apart."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from app.notes.families import families, stems
from app.notes.result import RunResult


def result(words, *, elsewhere=None, other_notes=100):
    """A run over one category; words: by keyword, the notes that hold it. The first is the most telling."""
    table = pd.DataFrame(
        [
            {"category": "Ridge", "keyword": word, "support_in": len(notes), "z": 9.0 - place / 10,
             "support_out": (elsewhere or {}).get(word, 0)}
            for place, (word, notes) in enumerate(words.items())
        ]
    )  # fmt: skip
    holders = {word: {"Ridge": list(notes)} for word, notes in words.items()}
    return RunResult(table, table, {}, holders, {"categories": {"Ridge": 50, "River": other_notes}}, {}, "")


def shown(words, **more):
    return {family.keyword: set(family.others) for family in families(result(words, **more), "Ridge")}


def test_the_longest_phrase_stands_for_the_words_and_phrases_it_explains():
    notes = range(20)
    words = ["strap", "camera", "loose", "camera strap", "strap loose", "camera strap loose"]
    assert shown(dict.fromkeys(words, notes)) == {"camera strap loose": set(words) - {"camera strap loose"}}


def test_overlapping_phrases_of_the_same_notes_are_one():
    notes = range(20)
    words = ["camera strap loose", "strap loose tightened", "tightened"]
    assert shown(dict.fromkeys(words, notes)) == {"camera strap loose": {"strap loose tightened", "tightened"}}


def test_a_word_that_also_stands_alone_stays_a_keyword_of_its_own():
    assert shown({"camera": range(40), "camera strap": range(10)}) == {"camera": set(), "camera strap": set()}


def test_inflections_are_one_keyword_named_by_the_commoner():
    assert shown({"tigers": range(5), "tiger": range(30, 60)}) == {"tiger": {"tigers"}}
    assert shown({"tiger's track": range(5), "tiger tracks": range(5, 20)}) == {"tiger tracks": {"tiger's track"}}


def test_a_name_is_not_hidden_under_what_is_written_about_it_and_takes_in_its_own_words():
    found = result(dict.fromkeys(["met gauri", "gauri", "met", "bandara hill", "bandara", "hill"], range(20)))
    found = replace(found, names={"gauri": "name", "bandara hill": "place", "bandara": "place"})
    shown = {family.keyword: set(family.others) for family in families(found, "Ridge")}
    assert shown == {"gauri": set(), "met gauri": {"met"}, "bandara hill": {"bandara", "hill"}}


def test_words_of_the_same_notes_that_share_no_word_stay_apart():
    assert shown(dict.fromkeys(["snare", "wire found"], range(20))) == {"snare": set(), "wire found": set()}


def test_how_much_more_often_is_by_notes_of_each_side_and_nothing_where_it_is_only_here():
    found = families(result({"snare": range(10), "wire": range(20, 40)}, elsewhere={"snare": 5}), "Ridge")
    assert {family.keyword: family.times for family in found} == {"snare": pytest.approx(4.0), "wire": None}


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("tigers", "tiger"),
        ("cubs' tracks", "cubs' track"),
        ("berries", "berry"),
        ("branches", "branch"),
        ("boxes", "box"),
        ("pass", "pass"),
        ("bus", "bus"),
        ("gas", "gas"),
    ],
)
def test_plurals_are_reduced_and_words_that_only_look_like_them_are_not(phrase, expected):
    assert " ".join(stems(phrase)) == expected
