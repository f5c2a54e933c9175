"""What keeps a page from being drawn and passes by or is another's to mend, in words instead of an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st
from sqlalchemy.exc import DBAPIError
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.survey.database import is_away
from app.survey.roles import NotAllowed
from app.ui.shared.words import plain

AWAY = "The survey's database does not answer. This page comes back by itself; nothing that was saved is lost."


@contextmanager
def in_words(*, is_live: bool = False) -> Iterator[None]:
    """A missing role, or a database that is away, ends what is drawn inside with a sentence.

    is_live: it is drawn again by itself.
    """
    try:
        yield
    except NotAllowed as refused:
        st.error(plain(str(refused)), icon=":material/lock:")
    except DBAPIError as error:
        if not is_away(error):
            raise
        st.warning(AWAY, icon=":material/cloud_off:")
        if not is_live:
            _draw_again_soon()


def drawn_again(every: str | None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A fragment that is drawn again by itself, and says in words what keeps it from being drawn.

    every: how often, as "2s"; None for one that has no reason to be.
    """

    def fragment(draw: Callable[..., None]) -> Callable[..., None]:
        return st.fragment(run_every=every)(in_words(is_live=every is not None)(draw))

    return fragment


def drawn_by_itself() -> bool:
    """Whether a part of the page is drawn again by itself, and not with the whole page, which has just read it all."""
    context = get_script_run_ctx()
    return context is not None and bool(context.fragment_ids_this_run)


def _draw_again_soon() -> None:
    first = True

    @st.fragment(run_every="3s")
    def wait() -> None:
        nonlocal first
        if not first:
            st.rerun()
        first = False

    wait()
