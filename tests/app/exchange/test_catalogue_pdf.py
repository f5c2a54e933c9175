"""The printed catalogue writes names in the scripts of the field, and says what it cannot write."""

from __future__ import annotations

import pytest
from fpdf import FPDF
from pypdf import PdfReader

from app.exchange.formats import FORMATS
from app.exchange.wishes import Wish
from tests.support.catalogued import DAY, opened, seen

NAMES = (
    "राजा क्षत्रिय", "রাজা বাঘ", "نمر سومطرة", "东北虎", "臺灣", "เสือโคร่ง", "Тигр Амур", "புலி", "పులి", "ខ្លា",
    "호랑이", "T-12 राजा (虎)",
)  # fmt: skip


def printed(tmp_path_factory: pytest.TempPathFactory, names: tuple[str, ...]) -> tuple[str, str]:
    """What was said of the catalogue, and the text on its pages without blanks."""
    with opened(tmp_path_factory.mktemp("printed")) as survey:
        for number, name in enumerate(names):
            seen(survey, name, name, number * DAY)
        out = survey.data_dir / "catalogue.pdf"
        summary = FORMATS["catalogue"].write(survey, Wish(), out)
        text = "".join(page.extract_text() for page in PdfReader(out).pages)
        return summary, "".join(text.replace("\x00", "").split())  # pypdf reads a zero before signs of CFF fonts


def test_names_are_printed_in_every_script_and_shaped(tmp_path_factory, monkeypatch):
    shaped = []
    real = FPDF.set_text_shaping
    monkeypatch.setattr(FPDF, "set_text_shaping", lambda self, *args: shaped.append(args) or real(self, *args))
    summary, text = printed(tmp_path_factory, NAMES)
    assert summary == f"{len(NAMES)} individuals"
    assert shaped == [(True,)]
    assert "?" not in text
    missing = {sign for name in NAMES for sign in name if not sign.isspace() and sign not in text}
    assert missing == set()
    for name in ("东北虎", "臺灣", "เสือโคร่ง", "ТигрАмур", "호랑이"):
        assert name in text


def test_what_no_font_has_is_a_question_mark_and_named_on_the_first_page_and_beside_the_file(tmp_path_factory):
    summary, text = printed(tmp_path_factory, ("ಹುಲಿ 1", "Machli"))
    assert summary == "2 individuals. No font here has signs of Kannada: they are printed as ?."
    assert "signsofKannada" in text
    assert "????1" in text
