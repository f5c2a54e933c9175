"""The head of a page: what to do here, what is left, and the keys."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import streamlit as st


def page_header(title: str, line: str = "", keys: Mapping[str, str] | None = None) -> None:
    """Draw the title (what to do), the line under it (what is left) and a popover that lists the keys.

    Args:
        title: what the page is for.
        line: what is here or what is left to do.
        keys: what each key does, several keys with a space between them: {"Z Y": "undo, redo"}. Components hold theirs.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(title, anchor=False, width="content")
        st.html(f'<div class="pm-line">{escape(line)}</div>', width="stretch")
        if keys:
            with st.popover("Keys", icon=":material/keyboard:", width="content"):
                st.html(keys_html(keys))


def keys_html(keys: Mapping[str, str]) -> str:
    """The keys as a small table; every value is escaped."""
    rows = "".join(
        "<tr><td style='padding:2px 14px 2px 0'>"
        + " ".join(f"<kbd>{escape(key)}</kbd>" for key in pressed.split())
        + f"</td><td>{escape(text)}</td></tr>"
        for pressed, text in keys.items()
    )
    return f"<table>{rows}</table>"
