"""The pages, as objects that pages can link to. Made anew each time: one object must not serve two sessions at once."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

PAGES = Path(__file__).resolve().parents[3] / "pages"


def _page(name: str, title: str, icon: str, default: bool = False, address: str = "") -> StreamlitPage:
    path = address or name
    return st.Page(PAGES / f"{name}.py", title=title, icon=f":material/{icon}:", url_path=path, default=default)


def survey_page() -> StreamlitPage:
    """What came in, what waits, what went wrong; at /."""
    return _page("survey", "Survey", "dashboard", default=True)


def upload_page() -> StreamlitPage:
    """Where media come in."""
    return _page("upload", "Upload", "upload")


def detections_page() -> StreamlitPage:
    """The media and what was found on them."""
    return _page("detections", "Detections", "grid_view")


def identify_page() -> StreamlitPage:
    """Who is this?"""
    return _page("identify", "Identify", "compare")


def individuals_page() -> StreamlitPage:
    """The catalogue."""
    return _page("individuals", "Individuals", "pets")


def videos_page() -> StreamlitPage:
    """From a video to who was there, when."""
    return _page("videos", "Videos", "movie")


def stations_page() -> StreamlitPage:
    """Where and when cameras worked, and their clocks."""
    return _page("stations", "Stations", "location_on")


def history_page() -> StreamlitPage:
    """Everything people decided, and undo."""
    return _page("history", "History", "history")


def export_page() -> StreamlitPage:
    """The survey in the formats other programs read."""
    return _page("export", "Export", "download")


def field_notes_page() -> StreamlitPage:
    """Keywords and clusters of field notes."""
    return _page("field_notes", "Field notes", "notes", address="field-notes")


def operations_page() -> StreamlitPage:
    """What runs, what waits, how long things take."""
    return _page("operations", "Operations", "monitoring")


def all_pages() -> list[StreamlitPage]:
    """In the order of the work."""
    return [
        survey_page(),
        upload_page(),
        stations_page(),
        detections_page(),
        identify_page(),
        individuals_page(),
        videos_page(),
        field_notes_page(),
        export_page(),
        history_page(),
        operations_page(),
    ]
