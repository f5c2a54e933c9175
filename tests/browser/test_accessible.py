"""Every page in light and dark through axe-core, and by the keyboard alone.

Nothing serious, contrast of WCAG AA, every input with a label; Tab comes to all that can be clicked, and one sees
where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from app.settings import Settings
from app.survey.database import open_survey
from app.survey.decisions import identity
from app.survey.tables.media import ImportBatch
from tests.browser.conftest import _served, opened
from tests.browser.test_identify_browser import fill

pytestmark = pytest.mark.browser

ADDRESSES = (
    "/", "/upload", "/detections", "/detections?media=1", "/identify", "/individuals", "/individuals?id=1",
    "/individuals?view=Conflicts", "/individuals?view=Flanks", "/individuals?view=Capture+history", "/videos",
    "/stations", "/field-notes", "/export", "/history", "/operations",
)  # fmt: skip
GRAVE = ("serious", "critical")
VIOLATIONS = "async () => (await axe.run({ resultTypes: ['violations'] })).violations"
MOST_STOPS = 260
FROM_THE_TOP = """name => {
  window.walk = name;
  window.nameOf = (one) => [one.tagName, one.getAttribute('aria-label') || one.innerText || one.className].join(' ');
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute('tabindex');
}"""
# Marks where the focus stands, in whatever component: whether it was there before, and whether that can be seen.
STOP = """() => {
  const drawn = (node, part) => {
    const style = getComputedStyle(node, part);
    return style.outline + style.border + style.boxShadow + style.background;
  };
  const look = (one) => {
    const chosen = one.getRootNode().getElementById?.(one.getAttribute('aria-activedescendant'));
    const parts = [one, ...(one.closest('label')?.querySelectorAll('*') || [])];
    if (chosen) parts.push(chosen, ...chosen.querySelectorAll('*'));
    return parts.map((node) => drawn(node) + drawn(node, '::after')).join();
  };
  let one = document.activeElement;
  while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
  if (!one || one === document.body) return { end: true };
  const again = one.dataset.stopped === window.walk, canvas = one.tagName === 'CANVAS';
  one.dataset.stopped = window.walk;
  if (again || canvas) return { again, canvas, name: nameOf(one), seen: true };
  const here = look(one);
  one.blur();
  const seen = here !== look(one);
  one.focus({ preventScroll: true });
  return { again, name: nameOf(one), seen };
}"""
# What a mouse can press, but for what lies in a list or group that takes arrow keys.
MISSED = """() => {
  const groups = ['label', '[role=listbox]', '[role=radiogroup]', '[role=group]', '[data-testid^=stTopNav]'];
  const above = (one) => one.parentElement || one.getRootNode().host;
  const isCovered = (one) => {
    for (let node = one; node; node = above(node)) {
      if (node.dataset?.stopped === window.walk || node.matches?.(groups.join())) return true;
    }
    return false;
  };
  const missed = [];
  const walk = (root) => {
    for (const one of root.querySelectorAll('*')) {
      if (one.shadowRoot) walk(one.shadowRoot);
      const style = getComputedStyle(one);
      const isPressed = style.cursor === 'pointer' && style.visibility !== 'hidden' && one.getClientRects().length;
      if (isPressed && !one.closest('button[tabindex="-1"]') && !isCovered(one)) missed.push(nameOf(one));
    }
  };
  walk(document);
  return missed;
}"""


@pytest.fixture(scope="module")
def page(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A page of a dashboard over eight crops of a sample, two of them named; there is no worker."""
    data_dir = tmp_path_factory.mktemp("accessible")
    crops = list(fill(data_dir))
    survey = open_survey(Settings(PUGMARK_DATA_DIR=data_dir, _env_file=None))
    with survey.write() as session:
        session.add(ImportBatch(kind="path", root="sample", label="Sample", state="done", synthetic=True))
        for crop in crops[:2]:
            identity.new_individual(session, "ana", crop)
    survey.close()
    with _served("app/main.py", data_dir) as address:
        context = browser.new_context(viewport={"width": 1366, "height": 768}, base_url=address)
        yield context.new_page()
        context.close()


@pytest.fixture(scope="module", params=ADDRESSES)
def shown(page: Any, request: pytest.FixtureRequest) -> Any:
    """The page at one address, loaded once for all tests of it."""
    page.emulate_media(color_scheme="dark" if ADDRESSES.index(request.param) % 2 else "light")
    opened(page, request.param)
    return page


def test_axe_finds_nothing_serious_on_any_page_also_when_the_theme_changes_under_it(shown: Any) -> None:
    shown.evaluate(AXE_SCRIPT)
    themes, grave = ["light", "dark"], []
    if shown.evaluate("matchMedia('(prefers-color-scheme: dark)').matches"):
        themes.reverse()
    for theme in themes:
        shown.emulate_media(color_scheme=theme)
        shown.wait_for_function(
            "theme => getComputedStyle(document.querySelector('.stApp')).colorScheme === theme", arg=theme
        )
        shown.wait_for_timeout(300)
        grave += [
            f"{theme} {broken['id']}: {broken['nodes'][0]['html'][:160]}"
            for broken in shown.evaluate(VIOLATIONS)
            if broken["impact"] in GRAVE
        ]
    assert grave == []


def test_tab_reaches_whatever_can_be_clicked_and_shows_where_it_is(shown: Any) -> None:
    shown.evaluate(FROM_THE_TOP, shown.url)
    unseen = []
    for _ in range(MOST_STOPS):
        shown.keyboard.press("Tab")
        stop = shown.evaluate(STOP)
        if stop.get("end") or (stop["again"] and not stop.get("canvas")):
            break
        if not stop["seen"]:
            unseen.append(stop["name"])
    assert (shown.evaluate(MISSED), unseen) == ([], [])


def test_the_steps_of_the_guide_stay_in_sight_when_a_page_is_scrolled(page: Any) -> None:
    opened(page, "/export")
    page.locator("[data-testid=stMain]").evaluate("main => { main.scrollTop = 900; }")
    page.wait_for_timeout(300)
    assert page.locator(".pm-guide").bounding_box()["y"] == pytest.approx(56, abs=8)


def test_keys_of_a_view_work_after_tab_and_enter_stays_with_the_control_that_has_the_focus(page: Any) -> None:
    opened(page, "/detections")
    page.get_by_role("button", name="Filter").focus()
    page.keyboard.press("Shift+?")
    assert page.locator(".keypanel").is_visible()
    page.keyboard.press("Shift+?")
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)
    assert "media=" not in page.url
    assert page.get_by_text("Station").first.is_visible()
