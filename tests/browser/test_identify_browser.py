"""Identify in a browser: a catalogue by keys alone, evidence in three views, a contradiction and its way out."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.settings import Settings
from app.survey.database import open_survey
from app.survey.detections import results
from modal_backend.contracts import Box, Provenance
from modal_backend.models.rapid import features
from modal_backend.registry import EMBEDDING, LOCAL
from tests.app.analysis.test_evidence import cut
from tests.browser.conftest import _served
from tests.browser.stored import rows
from tests.support.striped import picture as striped
from tests.support.surveys import add_media, found
from tests.support.workers import worker

pytestmark = pytest.mark.browser

ANIMALS, SHOTS = 4, 2
BOX = Box(0.2, 0.3, 0.3, 0.4)
LOOK = """() => {
  const roots = [...document.querySelectorAll('*')].map((one) => one.shadowRoot);
  const match = roots.map((one) => one?.querySelector('.match')).find((one) => one);
  if (!match) return null;
  const id = (image) => Number(/crops\\/(\\d+)-/.exec(image.getAttribute('src'))?.[1]);
  const cards = [...match.querySelectorAll('.strip .card')];
  return {
    query: id(match.querySelector('.side img')), waiting: match.classList.contains('waiting'),
    cards: cards.map((one) => id(one.querySelector('img'))),
    chosen: cards.findIndex((one) => one.classList.contains('on')),
  };
}"""


def fill(data_dir: Path) -> dict[int, int]:
    """Eight described crops of four striped animals; returns the animal of each detection."""
    survey = open_survey(Settings(PUGMARK_DATA_DIR=data_dir, _env_file=None))
    animal_of = {}
    for shot in range(SHOTS):
        for animal in range(ANIMALS):
            _, (detection_id,) = add_media(survey, [found()], minutes=600.0 * len(animal_of))
            crop = striped(animal, shot)
            cut(survey, detection_id, crop)
            vector = np.random.default_rng(animal).normal(size=1280).astype(np.float32)
            with survey.write() as session:
                made_by = Provenance("embedded", LOCAL, features.VERSION, "", features.PREPROCESSING)
                version = results.model_version(session, "local features", made_by)
                results.store_feature(session, detection_id, version, BOX, features.extract(crop), None)
                embedded = results.model_version(session, "embed", Provenance("embedded", EMBEDDING, "1", "0", "test"))
                vector /= np.linalg.norm(vector)
                results.store_feature(session, detection_id, embedded, BOX, vector, None)
            animal_of[detection_id] = animal
    survey.close()
    return animal_of


@pytest.fixture(scope="module")
def identify(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path, dict[int, int]]]:
    """The Identify page over eight crops with a worker; fails when the page logs an error."""
    data_dir = tmp_path_factory.mktemp("identify")
    animal_of = fill(data_dir)
    errors: list[str] = []
    with worker(data_dir), _served("app/main.py", data_dir) as address:
        context = browser.new_context(viewport={"width": 1366, "height": 900})
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{address}/identify")
        page.wait_for_selector(".strip .card", timeout=120_000)
        yield page, data_dir, animal_of
        context.close()
    assert errors == []


def settled(page: Any, query: int | None = None) -> dict[str, Any]:
    """What is shown once the page rests; with `query`, once another one is shown."""
    for _ in range(1200):
        seen = page.evaluate(LOOK)
        if seen and not seen["waiting"] and seen["cards"] and seen["query"] != query:
            return seen
        page.wait_for_timeout(100)
    raise AssertionError(f"waited in vain: {page.evaluate(LOOK)}")


def choose(page: Any, wanted: int) -> None:
    """Arrow keys until the card of this crop is chosen, and its picture drawn: a press before that may be given up."""
    for _ in range(30):
        seen = page.evaluate(LOOK)
        place = seen["cards"].index(wanted)
        if seen["chosen"] == place:
            for image in page.locator(".side img:visible").all():
                image.evaluate("(image) => image.decode()")
            return
        page.keyboard.press("ArrowRight" if seen["chosen"] < place else "ArrowLeft")
        page.wait_for_timeout(50)
    raise AssertionError(f"crop {wanted} cannot be chosen")


def test_three_views_of_one_pair_by_key_with_the_background_masked(identify):
    page, _, animal_of = identify
    seen = settled(page)
    partner = next(crop for crop in seen["cards"] if animal_of[crop] == animal_of[seen["query"]])
    choose(page, partner)
    page.get_by_text("agree as one pattern").wait_for(timeout=120_000)
    agreeing = re.search(r"\d+", page.get_by_text("agree as one pattern").inner_text()).group()
    assert f"{agreeing} features agree" in page.locator(".strip .card.on").inner_text()
    assert page.locator(".lines .over").count() == 0
    page.keyboard.press("l")
    assert page.locator(".lines .over").count() > 8
    page.keyboard.press("h")
    assert page.locator(".lines .over").count() == 0
    assert page.locator("canvas.heat:visible").count() == 2
    page.keyboard.press("b")
    assert page.locator("canvas.mask:visible").count() == 2
    page.get_by_text("agree with the background masked,").wait_for()
    page.keyboard.press("o")
    turns = [page.locator(".content").nth(side).evaluate("one => one.style.transform") for side in (0, 1)]
    assert turns[0] == turns[1]
    assert "rotate(90deg)" in turns[0]
    for key in ("b", "p", "0"):
        page.keyboard.press(key)
    assert page.locator("canvas:visible").count() == 0


def test_a_script_that_loads_while_the_data_changes_draws_one_view_and_that_one_takes_keys(identify):
    page, _, _ = identify
    page.route("**/match.js*", lambda route: (page.wait_for_timeout(1500), route.continue_()))
    page.reload()
    page.get_by_text("this station only").wait_for()
    for _ in range(3):  # each asks for other data under the same view
        page.get_by_text("other events").click()
        page.wait_for_timeout(400)
    settled(page)
    page.unroute("**/match.js*")
    page.get_by_text("other events").click()
    page.wait_for_timeout(1000)
    assert page.locator(".match").count() == 1
    before = settled(page)["chosen"]
    page.locator(".strip").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate(LOOK)["chosen"] == before + 1


def test_all_is_in_view_at_768_px_and_a_phone_begins_at_the_top(identify):
    page, _, _ = identify
    for width, height in ((1366, 768), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        page.reload()
        settled(page)
        page.wait_for_timeout(300)
        assert page.get_by_test_id("stMain").evaluate("one => one.scrollTop") == 0
        strip = page.locator(".strip").bounding_box()
        assert width == 390 or strip["y"] + strip["height"] <= height
    page.set_viewport_size({"width": 1366, "height": 900})


def test_decisions_and_the_names_of_candidates_are_in_view_at_150_percent_and_in_a_large_window(identify):
    page, _, _ = identify
    for width, height in ((911, 512), (1366, 900), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        page.reload()
        settled(page)
        page.wait_for_timeout(500)
        name, decisions = page.locator(".card .line").first.bounding_box(), page.locator(".buttons").bounding_box()
        assert 56 < decisions["y"] < name["y"] + name["height"] <= height
    page.set_viewport_size({"width": 1366, "height": 900})


def test_a_crop_that_is_not_cut_yet_says_so_and_appears_by_itself(identify):
    page, _, _ = identify
    uncut = True

    def answer(route: Any) -> None:
        route.fulfill(status=404) if uncut else route.continue_()

    page.route("**/crops/*", answer)
    page.reload()
    card = page.locator(".strip .card img").first
    page.locator(".strip .card img.coming").first.wait_for(state="attached", timeout=120_000)
    says = "one => getComputedStyle(one.parentElement, '::after').content"
    page.wait_for_function(f"one => ({says})(one) === '\"being cut …\"'", arg=card.element_handle())
    uncut = False
    page.locator(".match img.coming").first.wait_for(state="detached", timeout=120_000)
    assert card.evaluate("one => one.naturalWidth") > 0
    page.unroute("**/crops/*")


def test_a_named_animal_is_compared_first_and_another_crop_is_not_made_a_second_one_without_a_question(identify):
    page, data_dir, animal_of = identify
    first = settled(page)["query"]
    page.keyboard.press("n")
    page.get_by_text("New individual T-001. Z takes it back.").wait_for(timeout=120_000)
    partner = next(crop for crop in animal_of if animal_of[crop] == animal_of[first] and crop != first)
    page.goto(f"{page.url.split('?')[0]}?q={partner}")
    page.locator(".strip .card.on").get_by_text("T-001").wait_for(timeout=120_000)
    seen = settled(page)
    assert seen["cards"][seen["chosen"]] == first
    choose(page, next(crop for crop in seen["cards"] if animal_of[crop] != animal_of[first]))
    page.keyboard.press("Enter")
    page.get_by_text("T-001 looks the same: Enter joins it.").wait_for()
    page.keyboard.press("Enter")
    page.get_by_text("The candidate has just changed: look at it, then decide.").wait_for()
    assert rows(data_dir, "select detection_id from sighting") == [(first,)]
    page.wait_for_timeout(800)
    page.keyboard.press("Enter")
    for _ in range(1200):
        if len(rows(data_dir, "select * from sighting")) == 2:
            break
        page.wait_for_timeout(100)
    named = rows(data_dir, "select individual_id, detection_id from sighting order by 2")
    assert named == [(1, crop) for crop in sorted((first, partner))]


def test_a_whole_catalogue_is_made_by_keys_alone_and_is_there_after_a_reload(identify):
    page, data_dir, animal_of = identify
    done: set[int] = set()
    while rows(data_dir, "select count(*) from sighting") != [(len(animal_of),)]:
        seen = settled(page)
        if seen["query"] in done:
            page.wait_for_timeout(100)
            continue
        partners = [crop for crop in seen["cards"] if animal_of[crop] == animal_of[seen["query"]]]
        if partners:
            choose(page, partners[0])
        page.keyboard.press("Enter" if partners else "n")
        done.add(seen["query"])
        assert len(done) <= len(animal_of)
    page.reload()
    page.get_by_text("Every crop has a decision").wait_for(timeout=120_000)
    named = rows(data_dir, "select individual_id, detection_id from sighting")
    groups = {individual: {animal_of[crop] for who, crop in named if who == individual} for individual, _ in named}
    assert len(groups) == ANIMALS
    assert all(len(animals) == 1 for animals in groups.values())


def test_all_crops_of_a_candidate_stand_beside_the_query_by_one_key_and_one_is_chosen(identify):
    page, _, animal_of = identify
    seen = settled(page)
    choose(page, next(crop for crop in seen["cards"] if animal_of[crop] != animal_of[seen["query"]]))
    page.keyboard.press("c")
    crops = page.locator(".sheet-crop")
    assert crops.count() == SHOTS
    wanted = crops.nth(1).locator("img").get_attribute("src")
    crops.nth(1).click()
    assert page.locator(".sheet").is_hidden()
    assert page.locator(".side img").nth(1).get_attribute("src") == wanted
    page.keyboard.press(",")


def test_a_contradiction_shows_its_chain_and_a_number_key_solves_it(identify):
    page, data_dir, animal_of = identify
    seen = settled(page)
    stranger = next(crop for crop in seen["cards"] if animal_of[crop] != animal_of[seen["query"]])
    before = rows(data_dir, "select * from sighting order by 1")
    choose(page, stranger)
    page.keyboard.press("Enter")
    panel = page.locator(".conflict")
    panel.wait_for(timeout=120_000)
    assert "Nothing was changed" in panel.inner_text()
    assert panel.locator("li").count() == 2
    assert rows(data_dir, "select * from sighting order by 1") == before
    page.keyboard.press("x")
    page.keyboard.press("1")
    count = "select count(distinct individual_id) from sighting"
    for _ in range(1200):
        if rows(data_dir, count) == [(ANIMALS - 1,)]:
            break
        page.wait_for_timeout(100)
    assert rows(data_dir, count) == [(ANIMALS - 1,)]
    page.keyboard.press("z")
    sightings = "select * from sighting order by 1"
    for _ in range(1200):
        if rows(data_dir, sightings) == before:
            break
        page.wait_for_timeout(100)
    assert rows(data_dir, sightings) == before
    assert rows(data_dir, "select count(*) from pair_verdict where verdict = 'different'") == [(0,)]


ORDER = Path(__file__).resolve().parents[2] / "app" / "ui" / "identify" / "match" / "order.js"


def held(browser: Any, given: list[dict[str, Any]], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What `heldOrders` makes of the pages of a script and those on the screen."""
    source = base64.b64encode(ORDER.read_bytes()).decode()
    page = browser.new_page()
    try:
        call = "([source, given, before]) => import(`data:text/javascript;base64,${source}`)"
        call += ".then((order) => order.heldOrders(given, before, true))"
        return page.evaluate(call, [source, given, before])
    finally:
        page.close()


def order(query: int, candidates: list[int], *, settled: bool) -> dict[str, Any]:
    """A page of the match view."""
    return {"query": {"id": query, "settled": settled}, "candidates": [{"id": crop} for crop in candidates]}


def test_the_order_on_the_screen_stays_until_the_last_one_comes_and_then_changes_once(browser):
    first = order(1, [5, 6, 7], settled=False)
    (kept,) = held(browser, [order(1, [6, 5], settled=False)], [first])
    assert [candidate["id"] for candidate in kept["candidates"]] == [5, 6, 7]
    (last,) = held(browser, [order(1, [7, 5, 6], settled=True)], [first])
    assert [candidate["id"] for candidate in last["candidates"]] == [7, 5, 6]
    assert last["query"]["anew"]
    (again,) = held(browser, [order(1, [7, 5, 6], settled=True)], [last])
    assert not again["query"]["anew"]
    moved = order(1, [5, 7, 6], settled=True)
    moved["candidates"][0] |= {"verdict": "unsure"}
    (stays,) = held(browser, [moved], [last])
    assert [(candidate["id"], candidate.get("verdict")) for candidate in stays["candidates"]] == [
        (7, None),
        (5, "unsure"),
        (6, None),
    ]
    (decided,) = held(browser, [order(1, [5, 7], settled=True)], [last])
    assert [candidate["id"] for candidate in decided["candidates"]] == [5, 7]
    named = order(1, [6, 5], settled=False)
    named["candidates"][0] |= {"name": "T-001", "individual_id": 1}
    (kept,) = held(browser, [named], [first])
    assert [(candidate["id"], candidate.get("name")) for candidate in kept["candidates"]] == [
        (5, None),
        (6, "T-001"),
        (7, None),
    ]
    (other,) = held(browser, [order(2, [9], settled=False)], [first])
    assert [candidate["id"] for candidate in other["candidates"]] == [9]
