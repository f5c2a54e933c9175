"""The pages, as objects that pages can link to. Made anew each time: one object must not serve two sessions at once."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

FOLDER = Path(__file__).resolve().parents[3] / "pages"


def _page(name: str, title: str, icon: str, default: bool = False, address: str = "") -> StreamlitPage:
    path = address or name
    return st.Page(FOLDER / f"{name}.py", title=title, icon=f":material/{icon}:", url_path=path, default=default)


survey_page = partial(_page, "survey", "Survey", "dashboard", default=True)
upload_page = partial(_page, "upload", "Upload", "upload")
stations_page = partial(_page, "stations", "Stations", "location_on")
detections_page = partial(_page, "detections", "Detections", "grid_view")
identify_page = partial(_page, "identify", "Identify", "compare")
individuals_page = partial(_page, "individuals", "Individuals", "pets")
videos_page = partial(_page, "videos", "Videos", "movie")
field_notes_page = partial(_page, "field_notes", "Field notes", "notes", address="field-notes")
export_page = partial(_page, "export", "Export", "download")
history_page = partial(_page, "history", "History", "history")
operations_page = partial(_page, "operations", "Operations", "monitoring")
PAGES = (
    survey_page,
    upload_page,
    stations_page,
    detections_page,
    identify_page,
    individuals_page,
    videos_page,
    field_notes_page,
    export_page,
    history_page,
    operations_page,
)


def all_pages() -> list[StreamlitPage]:
    """In the order of the work."""
    return [page() for page in PAGES]
