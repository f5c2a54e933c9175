"""The catalogue of named animals."""

from __future__ import annotations

from app.ui.header import page_header

page_header("Individuals", "The catalogue of named animals.")
