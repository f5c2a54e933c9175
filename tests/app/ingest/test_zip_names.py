"""A name in an old code page is read right or asked about, whatever the script; never taken for another silently."""

from __future__ import annotations

import pytest

from app.ingest.zip_names import CODE_PAGES, NamesUnclear, code_page


def readings(raw: bytes) -> dict[str, str]:
    """The name as it is read, or the names that a person is asked to choose from, by code page."""
    try:
        page = code_page([raw])
    except NamesUnclear as error:
        return error.readings
    return {page: raw.decode(page)}


@pytest.mark.parametrize(
    ("page", "name"),
    [("cp857", "Göl şelale"), ("cp1254", "Dağ"), ("cp737", "Βουνό"), ("cp1253", "Βουνό"), ("cp1253", "Λίμνη"),
     ("koi8_r", "Кордон 3"), ("cp775", "Mežs"), ("cp1257", "Ežeras ąžuolų"), ("cp1256", "وادي"), ("cp862", "נחל"),
     ("cp1255", "נחל"), ("big5", "山脊"), ("cp852", "Őrség 3"), ("cp866", "Ёлка"), ("cp850", "Østre")],
)  # fmt: skip
def test_a_name_is_read_right_or_asked_about_with_the_right_one_among_the_choices(page: str, name: str) -> None:
    offered = readings(name.encode(page))
    assert name in offered.values()
    assert set(offered) <= set(CODE_PAGES)


@pytest.mark.parametrize(("page", "name"), [("gbk", "東北虎"), ("cp874", "ป่า"), ("cp874", "เขาใหญ่")])
def test_a_name_that_fits_nowhere_is_asked_about_with_the_pages_that_make_letters_of_it(page: str, name: str) -> None:
    assert readings(name.encode(page))[page] == name


@pytest.mark.parametrize("name", ["Кордон 3", "Заповедник", "Река", "Ручей 12"])
def test_a_russian_name_is_not_taken_for_a_greek_one(name: str) -> None:
    assert "cp737" not in readings(name.encode("cp866"))
