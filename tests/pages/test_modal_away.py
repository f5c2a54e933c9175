"""No page waits for Modal: each draws with ten thousand finished calls in the ledger and Modal in a black hole."""

# ruff: noqa: F811 (fixtures are imported by name)

from __future__ import annotations

import time

import pytest

from app.settings import load_settings
from app.survey.database import open_survey
from tests.pages.test_every_page import PAGES
from tests.pages.test_operations import add_calls, dashboard, page  # noqa: F401

# A page that asked Modal in its script would wait for the five seconds that a question about its queue may take.
NOT_WAITED = 2.0


@pytest.mark.parametrize("name", PAGES)
def test_a_page_does_not_wait_for_a_modal_in_a_black_hole(dashboard, plane, name):
    dashboard.setenv("PUGMARK_BACKEND", "modal")
    survey = open_survey(load_settings())
    add_calls(survey, 10_000)
    plane.blackhole()
    test = page(name)
    assert not test.exception
    fastest = 9.0
    for _ in range(3):
        start = time.perf_counter()
        test.run()
        fastest = min(fastest, time.perf_counter() - start)
    print(f"{name}: {fastest * 1000:.0f} ms")
    assert not test.exception
    assert fastest < NOT_WAITED
    survey.close()
