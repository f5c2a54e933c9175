"""What the theme in .streamlit/config.toml cannot say."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

SHELL_CSS = (Path(__file__).parent / "shell.css").read_text(encoding="utf-8")


def page_style() -> None:
    """Add the shell's style. It follows the theme by the colour of the words: a script sees the theme it began with."""
    st.html(f"<style>{SHELL_CSS}</style>")
