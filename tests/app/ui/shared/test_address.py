"""Parameters of addresses: no two pages share the name of a choice, and nonsense is the default."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from streamlit.testing.v1 import AppTest

from app.ui.shared import address
from app.ui.shared.address import ADDRESSES, Choice, Parameter


def declared(kind: type) -> list[str]:
    return [value.name for page in ADDRESSES for value in vars(page).values() if isinstance(value, kind)]


def test_the_name_of_a_choice_belongs_to_one_page() -> None:
    names = Counter(declared(Choice)) + Counter(set(declared(Parameter)))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (address.number, "-1"),
        (address.number, "x"),
        (address.number, "²"),
        (address.number, "9" * 30),
        (address.share, "nan"),
        (address.share, "2"),
        (address.day, "12 March"),
        (address.day, "0001-01-01"),
        (address.words, " "),
        (address.words, "a" * 1000),
    ],
)
def test_nonsense_is_refused(parse, text) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse(text)


def test_values_are_read() -> None:
    assert address.number("12") == 12
    assert address.page_number("0") == 1
    assert address.share("0.25") == 0.25
    assert address.day("2024-03-12") == date(2024, 3, 12)


def test_a_page_reads_the_default_where_its_address_holds_nonsense() -> None:
    def script() -> None:
        import streamlit as st

        from app.ui.shared.address import Detections

        st.text(f"{Detections.MEDIA.read()} {Detections.FILTER.read()} {Detections.PAGE.read()}")

    test = AppTest.from_function(script)
    for name, text in {"media": "x", "filter": "nonsense", "page": "-3"}.items():
        test.query_params[name] = text
    assert test.run().text[0].value == "None all 1"
