"""A page of the dashboard without a browser, and the survey it shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.settings import load_settings
from app.survey.database import Survey, open_survey
from tests.support.commands import ROOT

# Pages whose address is not the name of their file: AppTest finds them only once the navigation has been drawn.
NAMED_OTHERWISE = ("survey", "field_notes")


@contextmanager
def settings_of_pages(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Pages that are opened in the block look in this directory; ana decides there."""
    monkeypatch.setenv("PUGMARK_DATA_DIR", str(data_dir))
    monkeypatch.setenv("PUGMARK_REVIEWER", "ana")
    load_settings.cache_clear()
    st.cache_resource.clear()
    st.cache_data.clear()
    yield data_dir
    st.cache_resource.clear()
    st.cache_data.clear()
    load_settings.cache_clear()


@contextmanager
def survey_of_pages(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Survey]:
    """The empty survey of a dashboard, which pages that are opened in the block show; ana decides there."""
    with settings_of_pages(data_dir, monkeypatch):
        opened = open_survey(load_settings())
        yield opened
        opened.close()


def page(name: str, **params: str) -> AppTest:
    """A page as its address opens it. params: of the address."""
    test = AppTest.from_file(str(ROOT / "app" / "shell.py"), default_timeout=120)
    if name in NAMED_OTHERWISE:
        test.run()
    for key, value in params.items():
        test.query_params[key] = value
    return test.switch_page(str(ROOT / "pages" / f"{name}.py")).run()
