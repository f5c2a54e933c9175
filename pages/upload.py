"""Bring media into the survey."""

from __future__ import annotations

from app.ui.header import page_header

page_header("Upload", "Bring media into the survey.")
