"""What the theme in .streamlit/config.toml cannot say."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

SHELL_CSS = (Path(__file__).parent / "shell.css").read_text(encoding="utf-8")
DARK_BUTTON = (
    '[data-testid^="stBaseButton-primary"], [data-testid="stMultiSelectTagsContainer"] [data-tag] * { color: #121713; }'
)


def page_style() -> None:
    """Add the shell's style; in the dark theme the primary colour is light and wants dark words on it."""
    dark = st.context.theme.type == "dark"
    st.html(f"<style>{SHELL_CSS}\n{DARK_BUTTON if dark else ''}</style>")
