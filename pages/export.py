"""Export: the survey in the formats other programs read."""

from __future__ import annotations

from app.ui.exports.formats import export_view
from app.ui.shared.header import page_header

page_header("Export", "The survey in the formats other programs read. No image of a person leaves.")
export_view()
