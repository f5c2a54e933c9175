"""A page of the dashboard without a browser."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.support.commands import ROOT

# Pages whose address is not the name of their file: AppTest finds them only once the navigation has been drawn.
NAMED_OTHERWISE = ("survey", "field_notes")


def page(name: str, **params: str) -> AppTest:
    """A page as its address opens it. params: of the address."""
    test = AppTest.from_file(str(ROOT / "app" / "shell.py"), default_timeout=120)
    if name in NAMED_OTHERWISE:
        test.run()
    for key, value in params.items():
        test.query_params[key] = value
    return test.switch_page(str(ROOT / "pages" / f"{name}.py")).run()
