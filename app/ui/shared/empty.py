"""What a page says while it has nothing to show: what will be there, and that it is on its way while files come in."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from app import deps
from app.survey.media.progress import Progress, recent_imports
from app.ui.shared.navigation import upload_page
from app.ui.shared.troubles import drawn_again, drawn_by_itself
from app.ui.shared.words import many

LATEST = 3
Link = tuple[StreamlitPage, str, str]


def empty_page(words: str, is_filled: Callable[[], bool], *links: Link) -> None:
    """Say what will be here, and draw the page again by itself as soon as there is something.

    Args:
        words: what the page will show.
        is_filled: whether there is something now.
        links: page, label and icon of what leads on; while files come in their progress does.
    """

    @drawn_again("2s")
    def live() -> None:
        if drawn_by_itself() and is_filled():
            st.rerun()
        with deps.survey().read() as session:
            coming = [each for each in recent_imports(session, limit=LATEST) if each.running]
        st.info(f"{words} {coming_words(coming)}".strip())
        for page, label, icon in [(upload_page(), "See how far it is", ":material/upload:")] if coming else links:
            st.page_link(page, label=label, icon=icon)

    live()


def coming_words(coming: list[Progress]) -> str:
    """How many of the files that are coming in have been looked at."""
    if not coming:
        return ""
    listed, done = sum(each.listed or 0 for each in coming), sum(each.done for each in coming)
    if not listed:
        return "Files are coming in."
    return f"Files are coming in: {done:,} of {many(listed, 'file')} looked at."
