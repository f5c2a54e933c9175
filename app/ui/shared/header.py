"""The head of a page: its name, what it is for, what is left, and the keys."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import streamlit as st

from app.ui.shared.words import plain


def page_header(title: str, about: str, line: str = "", keys: Mapping[str, str] | None = None) -> None:
    """Draw the title, what is left beside it, the keys, and under it what the page is for.

    Args:
        title: the page's name, as in the navigation, or that of the thing it shows.
        about: one sentence a newcomer understands.
        line: what is here or what is left to do.
        keys: what each key does, several keys with a space between them: {"Z Y": "undo, redo"}. Components hold theirs.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(plain(title), anchor=False, width="content")
        st.html(f'<div class="pm-line">{escape(line)}</div>', width="stretch")
        if keys:
            with st.popover("Keys", icon=":material/keyboard:", width="content"):
                st.html(keys_html(keys))
    st.html(f'<div class="pm-about">{escape(about)}</div>')


def keys_html(keys: Mapping[str, str]) -> str:
    """The keys as a small table; every value is escaped."""
    rows = "".join(
        "<tr><td style='padding:2px 14px 2px 0'>"
        + " ".join(f"<kbd>{escape(key)}</kbd>" for key in pressed.split())
        + f"</td><td>{escape(text)}</td></tr>"
        for pressed, text in keys.items()
    )
    return f"<table>{rows}</table>"
