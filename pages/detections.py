"""Look through what was found."""

from __future__ import annotations

from app.ui.header import page_header

page_header("Detections", "Look through what was found.")
