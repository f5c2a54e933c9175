"""Species are found by any of their names."""

from __future__ import annotations

import pytest

from app.survey.species_names.names import common_name, find, known


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("tiger", "Panthera tigris"),
        ("TIGRE", "Panthera tigris"),
        ("बाघ", "Panthera tigris"),
        ("leopardo de las nieves", "Panthera uncia"),
        ("rotfuchs", "Vulpes vulpes"),
        ("renard roux", "Vulpes vulpes"),
        ("harimau", "Panthera tigris"),
        ("虎", "Panthera tigris"),
        ("тигр", "Panthera tigris"),
        ("pecari a collier", "Pecari tajacu"),
        ("peafowl indian", "Pavo cristatus"),
        ("  wild   boar ", "Sus scrofa"),
        ("axis ax", "Axis axis"),
        ("野生火雞", "Meleagris gallopavo"),
    ],
)
def test_a_name_in_any_language_finds_the_species_first(words: str, name: str):
    assert find(words, 8)[0].species.name == name


def test_the_list_holds_thousands_of_mammals_and_birds_with_plain_names():
    assert len(known()) > 10_000
    assert sum(len(species.common) > 1 for species in known().values()) > 5_000
    assert not [name for name in known() if len(name.split()) != 2]


@pytest.mark.parametrize("words", ["", " ", "t", "zzzzqq", "%_", "[", "tiger zzzz"])
def test_words_that_no_name_holds_find_nothing(words: str):
    assert find(words, 8) == []


def test_no_more_than_asked_for_come_back_and_each_species_once():
    found = [match.species.name for match in find("cat", 8)]
    assert len(found) == len(set(found)) == 8


def test_a_species_has_its_usual_name():
    assert common_name("Panthera tigris") == "Tiger"
    assert common_name("Panthera tigris", "de") == "Tiger"
    assert common_name("Striped thing") == ""
