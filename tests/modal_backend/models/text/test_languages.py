"""The language of a note is found among those the notes are in, and its function words are no keywords."""

from __future__ import annotations

import time

import numpy as np
import pytest

from modal_backend.models.text.discriminative import discriminative, occurrences
from modal_backend.models.text.languages import note_languages
from modal_backend.models.text.note_text import clean, note_phrases, phrases
from modal_backend.models.text.stop_words import stop_words
from tests.support.two_languages import two_languages

ENGLISH = "Pug marks of an adult male in wet sand, below the ford, after rain. Camera {} moved by elephants."
SPANISH = "Huellas de un macho adulto en la arena mojada, debajo del vado, después de la lluvia. Cámara {} movida."
HINDI = "नदी के किनारे गीली रेत में बाघ के पंजों के निशान मिले, कैमरा {} को हाथियों ने हिला दिया था।"


@pytest.mark.parametrize(
    ("language", "note", "kept", "left_out"),
    [
        ("es", "las huellas de la hembra", {"huellas", "hembra"}, {"las", "de", "la"}),
        ("fr", "les traces dans le sable", {"traces", "sable"}, {"les", "dans", "le"}),
        ("pt", "as pegadas na areia não são da onça", {"pegadas", "areia", "onça"}, {"as", "na", "não", "são", "da"}),
        ("de", "die Spuren sind nicht von einem Tiger", {"spuren", "tiger"}, {"die", "sind", "nicht", "von", "einem"}),
        ("nl", "het spoor van een tijger", {"spoor", "tijger"}, {"het", "van", "een"}),
        ("id", "jejak yang ada di pasir itu", {"jejak", "pasir"}, {"yang", "ada", "di", "itu"}),
        ("hi", "बाघ के निशान नदी में थे", {"बाघ", "निशान", "नदी"}, {"के", "में", "थे"}),
        ("ne", "बाघ को पाइला पनि भेटियो", {"बाघ", "पाइला", "भेटियो"}, {"को", "पनि"}),
        ("zh", "我们在河边看到一只老虎", {"河边", "老虎"}, {"我们", "在"}),
        ("en", "the tracks of a tiger in the sand", {"tracks", "tiger", "sand"}, {"the", "of", "a", "in"}),
    ],
)
def test_function_words_of_a_language_are_no_keywords_and_words_of_the_field_are(language, note, kept, left_out):
    found = set(phrases(note, (1, 1), language))
    assert kept <= found
    assert not left_out & found


def test_words_of_the_field_are_on_no_list():
    field = {
        "es": "huella huellas tigre río agua trampa cámara puma venado lluvia camino cerro",
        "fr": "trace tigre rivière eau piège caméra cerf pluie chemin colline",
        "pt": "pegada onça rio água armadilha câmera veado chuva caminho",
        "de": "spur tiger fluss wasser falle kamera hirsch regen weg",
        "id": "jejak harimau sungai air jerat kamera rusa hujan bukit",
        "hi": "बाघ नदी पानी जाल कैमरा हिरण बारिश रास्ता",
        "ne": "बाघ नदी पानी पासो क्यामेरा मृग वर्षा बाटो",
    }
    lost = {language: set(words.split()) & stop_words(language) for language, words in field.items()}
    assert not any(lost.values()), lost


def test_a_short_note_is_taken_for_a_language_that_the_longer_ones_are_in():
    notes = [text.format(number) for number in range(10) for text in (ENGLISH, SPANISH, HINDI)]
    notes += ["no sign of cattle today", "sin señales del ganado hoy", "आज कोई निशान नहीं"]
    assert note_languages(notes) == ["en", "es", "hi"] * 11
    assert note_languages(["no sign", "sin señales"]) == ["en", "en"]


def test_vowel_signs_are_part_of_their_words():
    assert phrases("पंजों के निशान-स्थल", language="hi") == ["पंजों", "निशान-स्थल"]


def test_in_two_languages_each_note_loses_its_own_function_words():
    notes = [text.format(number) for number in range(10) for text in (ENGLISH, SPANISH)]
    words = {word for found in note_phrases(notes) for word in found if " " not in word}
    assert {"huellas", "arena", "pug", "marks", "elephants"} <= words
    assert not {"of", "the", "de", "la", "en", "del"} & words


@pytest.mark.parametrize("languages", [("en", "es"), ("en", "hi")])
def test_planted_words_of_both_languages_lead_their_category_and_no_function_word_does(languages):
    corpus = two_languages(11, [60, 60, 60], languages)
    table = discriminative(
        occurrences(note_phrases(list(corpus.table["text"]), (1, 1))), list(corpus.table["category"])
    )
    found = [
        len(words & set(table.loc[table["category"] == name, "keyword"].head(10))) / len(words)
        for name, words in corpus.planted.items()
    ]
    assert np.mean(found) >= 0.95
    chosen = set(table.loc[table["discriminative"], "keyword"])
    assert not chosen & (stop_words(languages[0]) | stop_words(languages[1]))


def test_a_note_loses_its_markup_with_what_stands_inside_scripts_and_comments():
    note = "a <!-- <b>x</b> --> b <SCRIPT a=1>var x</script > c <style>y</style>d <b>e</b> <!-- f"
    assert clean(note) == "a b c d e <!-- f"


@pytest.mark.parametrize("beginning", ["<!--", "<script>", "<style>", "<script></script"])
def test_markup_that_begins_thousands_of_times_and_never_ends_is_read_once(beginning):
    before = time.process_time()
    clean(beginning * 40_000)
    assert time.process_time() - before < 2
