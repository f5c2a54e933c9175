"""What came in, what waits for a decision, what went wrong."""

from __future__ import annotations

from app.ui.header import page_header

page_header("Survey", "What came in, what waits for a decision, what went wrong.")
