"""Every page in light and dark through axe-core: nothing serious, contrast of WCAG AA, every input with a label."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from app.settings import Settings
from app.survey.database import open_survey
from app.survey.decisions import identity
from tests.browser.conftest import _served, opened
from tests.browser.test_identify_browser import fill

pytestmark = pytest.mark.browser

ADDRESSES = (
    "/", "/upload", "/detections", "/detections?media=1", "/identify", "/individuals", "/individuals?id=1",
    "/individuals?view=Conflicts", "/individuals?view=Flanks", "/individuals?view=Capture+history", "/videos",
    "/stations", "/field-notes", "/export", "/history", "/operations",
)  # fmt: skip
GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def page(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A page of a dashboard over eight crops, two of them named; there is no worker."""
    data_dir = tmp_path_factory.mktemp("accessible")
    crops = list(fill(data_dir))
    survey = open_survey(Settings(PUGMARK_DATA_DIR=data_dir, _env_file=None))
    with survey.write() as session:
        for crop in crops[:2]:
            identity.new_individual(session, "ana", crop)
    survey.close()
    with _served("app/main.py", data_dir) as address:
        context = browser.new_context(viewport={"width": 1366, "height": 900}, base_url=address)
        yield context.new_page()
        context.close()


def test_axe_finds_nothing_serious_on_any_page_also_when_the_theme_changes_under_it(page: Any) -> None:
    axe, grave = Axe(), []
    for number, address in enumerate(ADDRESSES):
        themes = ["light", "dark"] if number % 2 else ["dark", "light"]
        page.emulate_media(color_scheme=themes[0])
        opened(page, address)
        for theme in themes:
            page.emulate_media(color_scheme=theme)
            page.wait_for_function(
                "theme => getComputedStyle(document.querySelector('.stApp')).colorScheme === theme", arg=theme
            )
            page.wait_for_timeout(300)
            found = axe.run(page, options={"resultTypes": ["violations"]}).response["violations"]
            grave += [
                f"{address} {theme} {broken['id']}: {broken['nodes'][0]['html'][:160]}"
                for broken in found
                if broken["impact"] in GRAVE
            ]
    assert grave == []
