"""Decide which individual each crop shows."""

from __future__ import annotations

from app.ui.header import page_header

page_header("Who is this?", "Decide which individual each crop shows.")
