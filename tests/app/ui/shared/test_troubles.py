"""A part of a page that is drawn again by itself outlasts a restart of the database."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from app.ui.shared.troubles import AWAY


def script() -> None:
    import psycopg
    import streamlit as st
    from sqlalchemy.exc import OperationalError

    from app.ui.shared.troubles import drawn_again

    @drawn_again("5s")
    def figures(*, away: bool) -> None:
        if away:
            raise OperationalError("SELECT", {}, psycopg.OperationalError("server closed the connection"))
        st.write("figures")

    figures(away=True)
    figures(away=False)


def test_a_fragment_says_in_words_that_the_database_is_away_and_the_others_are_drawn() -> None:
    page = AppTest.from_function(script).run()
    assert not page.exception
    assert [element.value for element in page.warning] == [AWAY]
    assert [element.value for element in page.markdown] == ["figures"]


def test_whatever_is_drawn_again_by_itself_outlasts_a_database_that_is_away():
    root = Path(__file__).resolve().parents[4]
    sources = [*(root / "app").rglob("*.py"), *(root / "pages").glob("*.py")]
    drawn = [path.name for path in sources if "st.fragment(run_every=" in path.read_text("utf-8")]
    assert drawn == ["troubles.py"]
