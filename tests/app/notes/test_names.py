"""Names of places and individuals are told apart from words: known to the survey, or written with a capital."""

from __future__ import annotations

import pytest

from app.notes.names import INDIVIDUAL, NAME, PLACE, name_kinds


def kinds(notes, words, places=(), individuals=()):
    return name_kinds(notes, words, places, individuals)


def test_a_name_of_the_survey_is_a_place_or_an_individual_however_notes_spell_its_number():
    notes = ["We slept at Ridge camp", "the male Stripe-01 came back", "tracks below Ridge camp again"]
    found = kinds(notes, ["ridge camp", "stripe-01", "tracks"], ["Ridge Camp 2", ""], ["STRIPE-01"])
    assert found == {"ridge camp": PLACE, "stripe-01": INDIVIDUAL}


def test_a_station_named_by_a_word_that_notes_use_as_a_word_stays_a_word():
    notes = ["tracks along the river", "deep river after rain", "camera moved to River"]
    assert kinds(notes, ["river"], ["River"]) == {}


@pytest.mark.parametrize("where", ["at", "near", "towards"])
def test_what_is_written_with_a_capital_inside_sentences_is_a_name_and_after_where_words_a_place(where):
    notes = [
        f"pug marks {where} Bandara hill, old",
        f"nothing {where} Bandara hill",
        f"back {where} Bandara hill today",
    ]
    notes += ["talked with Gauri about it", "met Gauri there", "then Gauri left"]
    assert kinds(notes, ["bandara hill", "gauri", "pug", "nothing"]) == {"bandara hill": PLACE, "gauri": NAME}


def test_the_beginning_of_a_sentence_species_dates_short_forms_and_shouting_make_no_name():
    notes = ["Snare found. Snare removed - Snare burnt"] * 4
    notes += ["saw a Sambar there on Monday with the GPS", "old Spotted Deer tracks in March"] * 4
    notes += ["CAMERA STRAP LOOSE ON ARRIVAL TODAY", "Camera Strap Was Very Loose Today"] * 4
    assert kinds(notes, ["snare", "sambar", "monday", "gps", "deer", "march", "strap", "strap loose"]) == {}


def test_in_german_every_noun_has_a_capital_and_none_is_a_name_for_it():
    notes = ["wir haben heute eine frische Spur im Sand bei der Furt gefunden, danach kam der Regen"] * 8
    assert kinds(notes, ["spur", "sand", "furt", "regen"]) == {}
    assert kinds(notes, ["furt"], ["Furt"]) == {"furt": PLACE}
