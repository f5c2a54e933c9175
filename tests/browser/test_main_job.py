"""The main job in a browser: upload, look, move the threshold, say who it is, reload, and it is all still there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.browser.stored import rows, wait_for_rows
from tests.support.scenes import sample_folder

pytestmark = pytest.mark.browser

SOURCES = ("hand_ena24", "hand_animl")
FILES = 12


def pictures(folder: Path) -> list[str]:
    """Twelve real pictures where there are some, else twelve of the sample survey under names of their own."""
    real = os.environ.get("PUGMARK_TEST_DATA")
    if real:
        found = [path for name in SOURCES for path in sorted(Path(real, "detection", name, "images").glob("*.jpg"))]
        return [str(path) for path in found[:FILES]]
    scenes = sorted(sample_folder().rglob("*.JPG"))[:FILES]
    return [shutil.copy(path, folder / f"{path.parent.name} {path.name}") for path in scenes]


@pytest.fixture(scope="module")
def page(browser: Any, working_dashboard: tuple[str, Path]) -> Any:
    """A page of the dashboard; the test fails when it asked another host or an exception was shown."""
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    outside: list[str] = []
    page = context.new_page()
    page.on(
        "request",
        lambda request: (
            outside.append(request.url) if "127.0.0.1" not in request.url and request.url[:4] == "http" else None
        ),
    )
    yield page
    context.close()
    assert outside == []


def test_twelve_uploaded_files_become_ready_and_progress_is_shown(page, working_dashboard, tmp_path):
    address, data_dir = working_dashboard
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden").write_text("no picture")
    empty = page.context.new_page()
    empty.goto(f"{address}/identify")
    empty.get_by_text("There are no crops yet").wait_for(timeout=120_000)
    page.goto(f"{address}/upload")
    page.wait_for_selector('input[aria-label="Files"]', state="attached", timeout=120_000)
    page.set_input_files(
        'input[aria-label="Files"]', [*pictures(tmp_path), str(tmp_path / "notes.txt"), str(tmp_path / ".hidden")]
    )
    page.get_by_text("you can close this tab").first.wait_for(timeout=120_000)
    page.get_by_text(f"{FILES} new").first.wait_for(timeout=120_000)
    assert rows(data_dir, "select stage, count(*) from media group by stage") == [("ready", FILES)]
    page.get_by_text("1 refused: which and why").wait_for()
    assert page.get_by_text(".hidden").is_visible(), "what the picker left out is named to the end"
    assert not list((data_dir / "uploads").iterdir())
    empty.get_by_text("to decide").first.wait_for(timeout=120_000)  # it was opened before, and is drawn by itself
    empty.close()


def test_every_picture_is_shown_and_the_threshold_moves_the_boxes_without_a_model(page, working_dashboard):
    address, data_dir = working_dashboard
    detected = "select count(*) from call where task = 'detect'"
    calls = rows(data_dir, detected)
    page.goto(f"{address}/detections")
    page.wait_for_selector('[aria-label="Confidence threshold"]', timeout=120_000)
    page.wait_for_function("() => document.querySelectorAll('*').length > 100")
    images = page.locator('[role="listbox"] img')
    assert images.count() == FILES
    assert all(
        images.nth(number).evaluate("one => one.decode().then(() => one.naturalWidth)") > 0 for number in range(3)
    )
    slider = page.get_by_label("Confidence threshold")
    few = boxes_over(page, slider, 1.0)
    many = boxes_over(page, slider, 0.06)
    assert many > few
    page.wait_for_url("**t=0.06**")
    assert rows(data_dir, detected) == calls


def boxes_over(page: Any, slider: Any, threshold: float) -> int:
    """Move the slider and count the boxes drawn as over it."""
    slider.evaluate(
        "(one, value) => { one.value = value; one.dispatchEvent(new Event('input', {bubbles: true}));"
        " one.dispatchEvent(new Event('change', {bubbles: true})); }",
        str(threshold),
    )
    page.wait_for_timeout(200)
    return page.locator('[role="listbox"] .box:not(.below)').count()


def test_a_review_by_keyboard_is_in_the_survey_and_survives_a_reload(page, working_dashboard):
    address, data_dir = working_dashboard
    page.goto(f"{address}/detections")
    page.locator('[role="option"]').first.wait_for(timeout=120_000)
    page.locator('[role="listbox"][aria-label="Media"]').focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**media=*")
    page.locator('.viewer [aria-label="Media"]:not(.loading)').wait_for(timeout=120_000)
    for key in ("Enter", "b", "Enter", "u"):
        page.keyboard.press(key)
    query = "select verdict, count(*) from media_review group by verdict order by verdict"
    expected = [("accepted", 2), ("blank", 1), ("unsure", 1)]
    wait_for_rows(page, data_dir, query, expected)
    page.keyboard.press("z")
    wait_for_rows(page, data_dir, query, [("accepted", 2), ("blank", 1)])
    page.reload()
    page.goto(f"{address}/detections?filter=unreviewed")
    page.get_by_text(f"{FILES - 3} media of {FILES} not reviewed yet").first.wait_for(timeout=120_000)


def test_escape_leads_back_to_the_list_though_a_box_is_chosen_already(page, working_dashboard):
    address, data_dir = working_dashboard
    ((media_id,),) = rows(data_dir, "select media_id from detection order by confidence desc limit 1")
    page.goto(f"{address}/detections?media={media_id}")
    page.locator(".viewer .box.selected").wait_for(timeout=120_000)
    page.keyboard.press("Escape")
    page.locator('[role="listbox"][aria-label="Media"]').wait_for(timeout=60_000)
    assert "media=" not in page.url


def test_an_identity_accepted_by_key_is_there_after_a_reload_and_in_the_catalogue(page, working_dashboard):
    address, data_dir = working_dashboard
    page.goto(f"{address}/identify")
    page.get_by_text("crops in scope").first.wait_for(timeout=120_000)
    page.wait_for_timeout(500)
    page.keyboard.press("n")
    wait_for_rows(page, data_dir, "select name from individual", [("T-001",)])
    decided_same = "select count(*) > 0 from pair_verdict where verdict = 'same'"
    for _ in range(60):  # the next crop's candidates may still be being ranked
        page.wait_for_timeout(1500)
        if rows(data_dir, decided_same) == [(1,)]:
            break
        page.keyboard.press("Enter")
    assert rows(data_dir, decided_same) == [(1,)]
    page.reload()
    page.goto(f"{address}/individuals")
    page.get_by_text("T-001").first.wait_for(timeout=120_000)
    assert rows(data_dir, "select count(*) >= 2 from sighting") == [(1,)]


def test_a_killed_worker_is_replaced_and_the_dashboard_stays_healthy(page, working_dashboard):
    import os
    import signal
    import urllib.request

    address, data_dir = working_dashboard
    ((pid,),) = rows(data_dir, "select pid from worker where recovered_by is null order by started_at desc limit 1")
    os.kill(pid, signal.SIGKILL)
    wait_for_rows(
        page, data_dir, f"select count(*) from worker where pid = {pid} and recovered_by is not null", [(1,)], 60
    )
    assert urllib.request.urlopen(f"{address}/healthz", timeout=20).status == 200
