"""A part of a page that is drawn again by itself outlasts a restart of the database."""

from __future__ import annotations

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
    assert [one.value for one in page.warning] == [AWAY]
    assert [one.value for one in page.markdown] == ["figures"]
