"""The head of a page: what to do here, what is left, and the keys."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import streamlit as st


def page_header(title: str, line: str = "", keys: Mapping[str, str] | None = None) -> None:
    """Draw the title (what to do), the line under it (what is left) and a popover that lists the keys.

    keys: key or keys -> what they do, e.g. {"Enter": "accept, next"}.
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
        f"<tr><td style='padding:2px 14px 2px 0'><kbd>{escape(key)}</kbd></td><td>{escape(text)}</td></tr>"
        for key, text in keys.items()
    )
    return f"<table>{rows}</table>"
