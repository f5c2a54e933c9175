"""The encoding of a file is found out by its mark, its validity, or the words it makes."""

from __future__ import annotations

import time

import pytest

from modal_backend.notes.encoding import decode

TEXTS = {
    "cp1252": ["Frische Spur am Gebüsch, Wölfe gehört", "Tigre près du gué, à côté", "¿Quién movió la cámara?",
               "Não há água no córrego", "Perché la città è lontana", "Spår av lodjur på vägen", "Ræv set ved åen",
               "Seen near the café at Höhe, 25° warm"],
    "cp1250": ["Ślady rysia na ścieżce przy źródle", "Stopy rysa na cestě u řeky, čerstvé"],
    "cp1251": ["Следы тигра у реки, свежие"], "koi8_r": ["Следы тигра у реки, свежие"],
    "cp1253": ["Ίχνη αρκούδας στο ποτάμι"], "cp1254": ["Ayı izleri görüldü, dağ yolu kapalı"],
    "koi8_u": ["Сліди рисі біля річки, їжак"], "cp874": ["รอยเท้าเสือใหม่ใกล้แม่น้ำ กล้องทำงานปกติ ฝนตกเมื่อคืน"],
    "cp850": ["Frische Spur am Gebüsch, Wölfe gehört", "Não há água no córrego"],
}  # fmt: skip


@pytest.mark.parametrize(("encoding", "text"), [(name, text) for name, texts in TEXTS.items() for text in texts])
def test_the_encoding_is_that_which_makes_words_of_the_language(encoding, text):
    text = f"site;note\nRidge;{text}\nRiver;{text}, 2\nRidge;ok\n"
    assert decode(text.encode(encoding)).text == text
    assert decode(text.encode(encoding), encoding).text == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-32", "utf-8", "utf-8-sig"])
def test_unicode_is_known_with_and_without_its_mark(encoding):
    text = "site,note\nRidge,虎 в лесу, Höhe 3\nRiver,nothing new 12\n"
    assert decode(text.encode(encoding)).text == text


def test_a_broken_byte_in_unicode_is_named_with_its_line():
    decoded = decode("note\nHöhe Höhe Höhe Höhe Höhe\nGebüsch Gebüsch Gebüsch Gebüsch Gebüsch".encode() + b"\nx\xfcx")
    assert decoded.encoding == "utf-8"
    assert "Line 4" in decoded.doubts[0]


def test_a_code_page_of_dos_that_rests_on_a_few_signs_is_asked_about():
    text = "note\nŚlady rysia na ścieżce przy źródle, bardzo blisko\n"
    assert "a guess" in decode(text.encode("cp852")).doubts[0]
    assert decode(text.encode("cp1250")).doubts == ()
    assert decode((text * 20).encode("cp852")).doubts == ()


def test_a_text_without_a_space_is_decoded_in_a_time_that_grows_with_its_length():
    before = time.process_time()
    decode(b"x" * 60_000 + b" H\xf6he")
    assert time.process_time() - before < 5
