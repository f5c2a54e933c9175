"""The components in a real browser: no key press is lost, the threshold needs no script, boxes are drawn and moved."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlparse

import pytest

pytestmark = pytest.mark.browser
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def context(browser: Any) -> Iterator[Any]:
    """One cache of scripts for all tabs; what a tab keeps for itself goes with it."""
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    yield context
    context.close()


class Tab:
    """A tab on the demo. outside: addresses of other hosts that it asked; errors: what its scripts logged."""

    def __init__(self, context: Any) -> None:
        self.outside: list[str] = []
        self.errors: list[str] = []
        self.page = context.new_page()
        self.page.on("request", lambda request: self.outside.append(request.url) if _is_outside(request.url) else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def rest(self, key: str) -> Any:
        """Wait until this component is there; returns the page."""
        self.page.wait_for_selector(".pm", timeout=120_000)
        self.page.wait_for_selector('[data-testid="stCode"]')
        wait_for(self.page, lambda got: got["key"] == key)
        self.page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        self.page.wait_for_timeout(300)
        return self.page

    def check(self) -> None:
        """Nothing was asked of another host, and no script failed."""
        assert self.outside == []
        assert self.errors == []


@pytest.fixture
def fresh(context: Any, demo: str) -> Iterator[Callable[..., Any]]:
    """Opens one component in a new tab; fails when the page asked another host or logged an error."""
    tabs: list[Tab] = []

    def open_page(name: str, **query: object) -> Any:
        tabs.append(Tab(context))
        tabs[-1].page.goto(f"{demo}/?show={name}" + "".join(f"&{key}={value}" for key, value in query.items()))
        return tabs[-1].rest(name)

    yield open_page
    for tab in tabs:
        tab.page.close()
        tab.check()


@pytest.fixture(scope="module")
def tab(context: Any, demo: str) -> Tab:
    """One tab for all tests that leave it as they found it: to open the page takes three seconds of a core."""
    tab = Tab(context)
    tab.page.goto(f"{demo}/?show=grid")
    tab.rest("grid")
    return tab


@pytest.fixture
def show(tab: Tab) -> Iterator[Callable[..., Any]]:
    """Shows one component from its start; fails when the page asked another host or logged an error."""

    def ask(name: str, **query: object) -> Any:
        asked = {"show": name, "number": next(NUMBERS), **query}
        tab.page.evaluate("sessionStorage.clear()")
        tab.page.locator(".pm").evaluate_all("views => views.forEach((view) => { view.dataset.before = true; })")
        field = tab.page.get_by_label("Show another")
        field.fill(urlencode(asked))
        field.press("Enter")
        page = tab.rest(f"{name}{asked['number']}")
        page.wait_for_selector(".pm:not([data-before])")  # a key that is pressed before the view is there is nobody's
        page.mouse.move(0, 0)
        page.evaluate("document.activeElement.blur(); document.querySelector('[data-testid=stMain]').scrollTop = 0")
        if name == "grid":  # a grid begins where the one before it was left
            page.keyboard.press("Home")
        return page

    yield ask
    tab.check()


def _is_outside(address: str) -> bool:
    return urlparse(address).scheme in ("http", "https", "ws", "wss") and urlparse(address).hostname != "127.0.0.1"


def received(page: Any) -> dict[str, Any]:
    return json.loads(page.locator('[data-testid="stCode"] code').inner_text())


def wait_for(page: Any, condition: Callable[[dict[str, Any]], bool], seconds: float = 90) -> dict[str, Any]:
    for _ in range(int(seconds * 10)):
        answer = received(page)
        if condition(answer):
            return answer
        page.wait_for_timeout(100)
    raise AssertionError(f"waited in vain, last: {received(page)}")


def burst(page: Any, key: str, presses: int) -> None:
    for _ in range(presses):
        page.keyboard.press(key)
        page.wait_for_timeout(30)


@pytest.mark.parametrize("slow", [0, 0.4])
def test_thirty_presses_thirty_milliseconds_apart_are_thirty_decisions(show: Callable[..., Any], slow: float) -> None:
    page = show("viewer", slow=slow)
    burst(page, "b", 30)
    answer = wait_for(page, lambda got: len(got["applied"]) >= 30)
    assert [action["kind"] for action in answer["applied"]] == ["blank"] * 30
    assert [action["media_id"] for action in answer["applied"]] == list(range(1, 31))


def test_decisions_survive_a_reload_before_the_script_answered(fresh: Callable[..., Any]) -> None:
    page = fresh("viewer", slow=2)
    burst(page, "b", 3)
    page.reload()
    page.wait_for_selector(".pm", timeout=120_000)
    answer = wait_for(page, lambda got: len(got["applied"]) >= 3)
    assert [action["media_id"] for action in answer["applied"]] == [1, 2, 3]


def test_undo_goes_back_to_the_media_it_undid(show: Callable[..., Any]) -> None:
    page = show("viewer")
    burst(page, "b", 2)
    page.keyboard.press("z")
    answer = wait_for(page, lambda got: len(got["applied"]) >= 3)
    assert answer["applied"][2]["undoes"] == answer["applied"][1]["uuid"]
    assert len({action["uuid"].partition(".")[0] for action in answer["applied"]}) == 1  # names the tab
    assert "IMG_0002.JPG" in page.locator(".viewer .title").inner_text()


def test_drawn_box_arrives_with_its_coordinates(show: Callable[..., Any]) -> None:
    page = show("viewer")
    frame = page.locator(".stage .frame").bounding_box()
    page.keyboard.press("d")
    page.mouse.move(frame["x"] + 0.1 * frame["width"], frame["y"] + 0.2 * frame["height"])
    page.mouse.down()
    page.mouse.move(frame["x"] + 0.3 * frame["width"], frame["y"] + 0.5 * frame["height"], steps=5)
    page.mouse.up()
    action = wait_for(page, lambda got: len(got["applied"]) >= 1)["applied"][0]
    assert (action["kind"], action["category"]) == ("draw", "animal")
    assert action["box"] == pytest.approx({"x": 0.1, "y": 0.2, "w": 0.2, "h": 0.3}, abs=0.005)


def test_box_moved_and_resized_by_arrows_is_one_action_with_its_last_place(show: Callable[..., Any]) -> None:
    page = show("viewer")
    burst(page, "ArrowRight", 2)
    page.locator(".boxlist .row").first.click()
    before = page.locator(".box.selected").bounding_box()
    page.keyboard.press("m")
    burst(page, "ArrowRight", 4)
    burst(page, "Shift+ArrowDown", 2)
    page.keyboard.press("Enter")
    action = wait_for(page, lambda got: len(got["applied"]) >= 1)["applied"][0]
    page.wait_for_timeout(600)
    assert len(received(page)["applied"]) == 1
    assert (action["kind"], action["media_id"]) == ("box", 3)
    frame = page.locator(".stage .frame").bounding_box()
    assert action["box"]["x"] == pytest.approx((before["x"] - frame["x"]) / frame["width"] + 0.04, abs=0.004)
    assert action["box"]["h"] == pytest.approx(before["height"] / frame["height"] + 0.02, abs=0.004)


def test_handle_dragged_by_mouse_resizes_the_box(show: Callable[..., Any]) -> None:
    page = show("viewer")
    burst(page, "ArrowRight", 2)
    handle = page.locator(".box.selected .handle.se").bounding_box()
    frame = page.locator(".stage .frame").bounding_box()
    page.mouse.move(handle["x"] + 6, handle["y"] + 6)
    page.mouse.down()
    page.mouse.move(handle["x"] + 6 - 0.05 * frame["width"], handle["y"] + 6, steps=4)
    page.mouse.up()
    action = wait_for(page, lambda got: len(got["applied"]) >= 1)["applied"][0]
    assert action["kind"] == "box"
    assert set(action["box"]) == {"x", "y", "w", "h"}


def test_species_is_typed_without_being_taken_for_keys(show: Callable[..., Any]) -> None:
    page = show("viewer")
    page.keyboard.press("l")
    page.keyboard.type("Bubo bubo")
    page.keyboard.press("Enter")
    answer = wait_for(page, lambda got: len(got["applied"]) >= 1)
    assert [(action["kind"], action.get("species")) for action in answer["applied"]] == [("species", "Bubo bubo")]


def test_people_are_hidden_under_a_mosaic_until_asked_for(show: Callable[..., Any]) -> None:
    page = show("viewer")
    assert page.locator(".stage .mosaic").count() == 1
    page.keyboard.press("p")
    page.locator(".stage .mosaic").wait_for(state="detached")


def test_threshold_redraws_without_a_script_run_and_is_told_on_release(show: Callable[..., Any]) -> None:
    page = show("grid")
    runs, thin = received(page)["runs"], page.locator(".tile .box.below").count()
    slider = page.locator(".slider").bounding_box()
    page.mouse.move(slider["x"] + 0.2 * slider["width"], slider["y"] + 8)
    page.mouse.down()
    page.mouse.move(slider["x"] + 0.7 * slider["width"], slider["y"] + 8, steps=8)
    page.wait_for_timeout(300)
    assert page.locator(".tile .box.below").count() > thin
    assert received(page)["runs"] == runs
    page.mouse.up()
    answer = wait_for(page, lambda got: got["runs"] > runs)
    assert "GridState(threshold=0.2," not in answer["result"]


def bulks(answer: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (action.get("what", action["kind"]), action.get("species") or action.get("category"), action.get("media_ids"))
        for action in answer["applied"]
    ]


def test_grid_selects_a_range_decides_about_it_at_once_and_opens_by_keys(show: Callable[..., Any]) -> None:
    page = show("grid")
    burst(page, "ArrowRight", 2)
    page.keyboard.press(" ")
    burst(page, "Shift+ArrowRight", 2)
    page.keyboard.press("b")
    answer = wait_for(page, lambda got: len(got["applied"]) >= 1)
    assert bulks(answer) == [("blank", None, [3, 4, 5])]
    page.keyboard.press("Enter")
    wait_for(page, lambda got: "opened=5" in got["result"])


def test_a_selection_is_clicked_together_with_ctrl_and_shift(show: Callable[..., Any]) -> None:
    page = show("grid")
    tiles = page.locator(".tile")
    tiles.nth(1).click(modifiers=["Control"])
    tiles.nth(6).click(modifiers=["Control"])
    tiles.nth(8).click(modifiers=["Shift"])
    page.get_by_role("button", name="Accept").click()
    answer = wait_for(page, lambda got: len(got["applied"]) >= 1)
    assert bulks(answer) == [("accepted", None, [2, 7, 8, 9])]


def test_an_event_and_everything_are_selected_also_beyond_the_page(show: Callable[..., Any]) -> None:
    page = show("grid")
    page.keyboard.press("End")
    page.keyboard.press("e")
    assert page.locator(".chosen").inner_text() == "9 selected (2 on other pages)"
    page.keyboard.press("3")
    answer = wait_for(page, lambda got: len(got["applied"]) >= 1)
    assert bulks(answer) == [("category", "vehicle", list(range(54, 63)))]
    burst(page, "Control+a", 2)
    page.keyboard.press("w")
    answer = wait_for(page, lambda got: len(got["applied"]) >= 2)
    assert bulks(answer)[1] == ("whole", None, list(range(1, 71)))


@pytest.mark.parametrize("slow", [0, 0.4])
def test_thirty_presses_in_the_grid_are_thirty_decisions_one_picture_after_the_other(
    show: Callable[..., Any], slow: float
) -> None:
    page = show("grid", slow=slow)
    burst(page, "b", 30)
    answer = wait_for(page, lambda got: len(got["applied"]) >= 30)
    assert bulks(answer) == [("blank", None, [number]) for number in range(1, 31)]


def test_species_of_a_selection_is_found_by_its_common_name(show: Callable[..., Any]) -> None:
    page = show("grid")
    page.keyboard.press(" ")
    page.keyboard.press("l")
    page.keyboard.type("leop")
    page.keyboard.press("Enter")
    answer = wait_for(page, lambda got: len(got["applied"]) >= 1)
    assert bulks(answer) == [("species", "Panthera pardus", [1])]


def test_a_species_of_no_list_is_found_by_its_name_in_another_language(show: Callable[..., Any]) -> None:
    page = show("grid")
    page.keyboard.press("l")
    page.keyboard.type("jabal")
    page.locator(".offer", has_text="Sus scrofa").wait_for()
    page.keyboard.press("Enter")
    answer = wait_for(page, lambda got: len(got["applied"]) >= 1)
    assert bulks(answer) == [("species", "Sus scrofa", [1])]


def test_undo_and_redo_name_what_they_undo_and_redo(show: Callable[..., Any]) -> None:
    page = show("grid")
    for key in ("b", "u", "z", "y", "Control+z"):
        page.keyboard.press(key)
        page.wait_for_timeout(60)
    answer = wait_for(page, lambda got: len(got["applied"]) >= 5)
    _, unsure, undo, redo, again = answer["applied"]
    assert (undo["undoes"], redo["redoes"], again["undoes"]) == (unsure["uuid"], unsure["uuid"], redo["uuid"])


def test_a_box_is_placed_without_a_mouse(show: Callable[..., Any]) -> None:
    page = show("viewer")
    for key in ("d", "2", "Enter", "ArrowRight", "Shift+ArrowDown", "Enter"):
        page.keyboard.press(key)
    action = wait_for(page, lambda got: len(got["applied"]) >= 1)["applied"][0]
    assert (action["kind"], action["category"]) == ("draw", "person")
    assert action["box"] == pytest.approx({"x": 0.36, "y": 0.35, "w": 0.3, "h": 0.31}, abs=1e-4)
    page.wait_for_timeout(600)
    assert len(received(page)["applied"]) == 1


def test_one_key_makes_the_whole_picture_the_animal_and_goes_on(show: Callable[..., Any]) -> None:
    page = show("viewer")
    page.keyboard.press("w")
    answer = wait_for(page, lambda got: len(got["applied"]) >= 1)
    assert [(action["kind"], action["media_id"]) for action in answer["applied"]] == [("whole", 1)]
    assert "IMG_0002.JPG" in page.locator(".viewer .title").inner_text()


def test_match_keys_decide_and_move_on(show: Callable[..., Any]) -> None:
    page = show("match")
    for key in ("x", "ArrowRight", "Enter", "n", "2"):
        page.keyboard.press(key)
        page.wait_for_timeout(60)
    answer = wait_for(page, lambda got: len(got["applied"]) >= 4)
    decisions = [(action["kind"], action["query_id"], action.get("candidate_id")) for action in answer["applied"]]
    assert decisions == [("different", 0, 1), ("same", 0, 3), ("new", 1, None), ("flank", 2, None)]
    assert {action["seen"] for action in answer["applied"]} == {1.0}


def test_a_decision_takes_the_crops_of_the_burst_along_and_one_key_leaves_them_out(show: Callable[..., Any]) -> None:
    page = show("match", burst=1)
    page.get_by_text("Together with 1 more crop of the burst").wait_for()
    page.keyboard.press("n")
    page.keyboard.press("s")
    page.get_by_text("Without 1 more crop of the burst").wait_for()
    page.keyboard.press("n")
    answer = wait_for(page, lambda got: len(got["applied"]) >= 2)
    assert [(action["query_id"], action.get("together")) for action in answer["applied"]] == [(0, [1]), (2, None)]


def test_undecided_crops_by_way_of_which_a_candidate_ranks_are_counted_and_each_is_a_link(
    show: Callable[..., Any],
) -> None:
    page = show("match", way=1)
    way = page.locator(".way")
    assert way.inner_text().strip() == "Also by way of 2 undecided crops that look alike"
    assert [link.get_attribute("href") for link in way.locator("a").all()] == ["?q=40", "?q=41"]
    page.keyboard.press("ArrowRight")
    way.wait_for(state="hidden")


def test_match_asks_for_queries_it_does_not_have(show: Callable[..., Any]) -> None:
    page = show("match")
    for expected in range(1, 7):
        wanted = (f"query={expected}", f"query={expected - 1}, step=1")
        page.keyboard.press("j")
        wait_for(page, lambda answer, wanted=wanted: any(text in answer["result"] for text in wanted))
        page.wait_for_timeout(300)
    assert page.locator(".match.waiting").count() == 0


def test_a_candidate_that_a_new_ranking_takes_away_is_not_replaced_under_the_hand(show: Callable[..., Any]) -> None:
    page = show("match", fewer=1)
    page.keyboard.press("1")
    page.get_by_text("choose one").wait_for()
    page.keyboard.press("Enter")
    page.keyboard.press("x")
    page.wait_for_timeout(600)
    assert [action["kind"] for action in received(page)["applied"]] == ["flank"]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    answer = wait_for(page, lambda got: len(got["applied"]) >= 2)
    assert (answer["applied"][1]["kind"], answer["applied"][1]["candidate_id"]) == ("same", 2)


def test_matched_features_are_drawn_as_lines_on_request(show: Callable[..., Any]) -> None:
    page = show("match")
    assert page.locator(".lines line").count() == 0
    page.keyboard.press("v")
    page.locator(".lines line.over").nth(9).wait_for(state="attached")
    assert page.locator(".lines line.over").count() == 10


def test_crop_opens_by_click_and_by_enter(show: Callable[..., Any]) -> None:
    page = show("crops")
    page.locator(".crops .card").nth(4).click()
    wait_for(page, lambda got: "Opened(id=5," in got["result"])
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    wait_for(page, lambda got: "Opened(id=6," in got["result"])


def test_upload_sends_every_file_and_tells_failures_in_words(show: Callable[..., Any]) -> None:
    page = show("uploader")
    files = [{"name": f"IMG_{n}.JPG", "mimeType": "image/jpeg", "buffer": b"x" * 20_000} for n in range(12)]
    too_long = {"name": "n" * 250 + ".jpg", "mimeType": "image/jpeg", "buffer": b"x"}
    note = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"x"}
    raw = [{"name": f"IMG_1{suffix}", "mimeType": "", "buffer": b"x"} for suffix in (".HEIC", ".tif", ".THM")]
    hidden = {"name": ".DS_Store", "mimeType": "", "buffer": b"x"}
    page.locator("input[type=file]").first.set_input_files([*files, too_long, note, *raw, hidden])
    answer = wait_for(page, lambda got: "'finished': True" in got["result"])
    assert "'total': 17, 'done': 16" in answer["result"]
    assert "'left_out': 1" in answer["result"]
    too_long_says, hidden_says = page.locator(".failure .path + span").all_inner_texts()
    assert "shorten it" in too_long_says
    assert hidden_says == "left out: hidden, or of the operating system"


def leave_and_come_back(page: Any, away_ms: int) -> None:
    toggle = page.get_by_text("Leave this page")
    toggle.click()
    page.wait_for_selector(".pm", state="detached")
    page.wait_for_timeout(away_ms)
    toggle.click()
    page.wait_for_selector(".pm")


def test_upload_goes_on_while_its_page_is_left(show: Callable[..., Any], tmp_path: Path) -> None:
    page = show("uploader")
    files = [tmp_path / f"LEFT_{n}.JPG" for n in range(80)]
    for file in files:
        file.write_bytes(b"x" * 300_000)
    page.locator("input[type=file]").first.set_input_files(files)
    leave_and_come_back(page, 1500)
    answer = wait_for(page, lambda got: "'finished': True" in got["result"])
    assert "'total': 80, 'done': 80" in answer["result"]


def test_decisions_survive_leaving_the_page_at_once(show: Callable[..., Any]) -> None:
    page = show("viewer", slow=0.5)
    burst(page, "b", 5)
    leave_and_come_back(page, 300)
    answer = wait_for(page, lambda got: len(got["applied"]) >= 5)
    assert [action["media_id"] for action in answer["applied"]] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", ["grid", "viewer", "match"])
def test_keys_typed_into_a_field_of_the_page_stay_there(show: Callable[..., Any], name: str) -> None:
    page = show(name)
    page.evaluate("document.body.append(Object.assign(document.createElement('input'), {id: 'elsewhere'}))")
    page.focus("#elsewhere")
    page.keyboard.type("bunx 1")
    assert page.input_value("#elsewhere") == "bunx 1"
    page.wait_for_timeout(300)
    assert received(page)["applied"] == []
    page.evaluate("document.getElementById('elsewhere').remove()")


@pytest.mark.parametrize("name", ["grid", "viewer", "match"])
def test_question_mark_lists_the_keys(show: Callable[..., Any], name: str) -> None:
    page = show(name)
    assert not page.locator(".keypanel").is_visible()
    page.keyboard.press("?")
    assert page.locator(".keypanel").is_visible()


def test_shell_asks_nothing_from_outside(context: Any, dashboard: str) -> None:
    page = context.new_page()
    outside: list[str] = []
    page.on("request", lambda request: outside.append(request.url) if _is_outside(request.url) else None)
    page.goto(dashboard)
    page.wait_for_selector(".pm-strip", timeout=120_000)
    page.wait_for_timeout(1500)
    page.close()
    assert outside == []


def test_a_label_that_is_longer_than_its_box_moves_along_it_and_stays_in_sight(show):
    page = show("grid")
    left, right, kinds = page.evaluate(
        """async () => {
          const scripts = performance.getEntriesByType('resource').map((one) => one.name);
          const { spreadChips } = await import(scripts.find((name) => name.includes('shared/chips.js')));
          const frame = document.createElement('div');
          frame.style.cssText = 'position: relative; width: 260px; height: 180px';
          const absolute = (style) => `style="position: absolute; ${style}"`;
          frame.innerHTML = `<div class="box" data-p=1 ${absolute('left: 60px; top: 20px; width: 130px; height: 99px')}>
            <span class="chip" ${absolute('left: 0; width: 205px; height: 17px')}></span></div>`;
          document.body.append(frame);
          spreadChips([frame]);
          const [chip, at] = [frame.querySelector('.chip'), frame.getBoundingClientRect()];
          const place = chip.getBoundingClientRect();
          const answer = [place.left - at.left, place.right - at.left, frame.querySelector('.box').className];
          frame.remove();
          return answer;
        }"""
    )
    assert -4 <= left < right <= 264
    assert "chipoff" not in kinds


def test_no_label_of_a_box_covers_another_or_is_cut_off(show):
    page = show("grid")
    page.wait_for_timeout(500)
    labels = page.locator(".tiles").evaluate(
        """list => [...list.querySelectorAll('.frame')].flatMap((frame, place) => {
          const at = frame.getBoundingClientRect(), chips = [...frame.querySelectorAll('.chip')];
          return chips.filter((chip) => chip.checkVisibility({ visibilityProperty: true })).map((chip) => {
            const { left, top, right, bottom } = chip.getBoundingClientRect();
            const sides = { left: left - at.left, right: right - at.left, top: top - at.top, bottom: bottom - at.top };
            return { place, ...sides, w: at.width, h: at.height };
          });
        })"""
    )
    cut_off = [
        label
        for label in labels
        if min(label["left"], label["top"], label["w"] - label["right"], label["h"] - label["bottom"]) < -4
    ]
    covered = [
        (label, other)
        for label, other in itertools.combinations(labels, 2)
        if label["place"] == other["place"]
        and max(label["left"], other["left"]) + 1.5 < min(label["right"], other["right"])
        and max(label["top"], other["top"]) + 1.5 < min(label["bottom"], other["bottom"])
    ]
    assert len(labels) > 30
    assert (cut_off, covered) == ([], [])


def test_a_gallery_shows_its_focus_on_one_crop_and_not_round_all(show):
    page = show("crops")
    page.keyboard.press("Tab")
    gallery = page.locator(".crops")
    gallery.focus()
    assert gallery.evaluate("one => getComputedStyle(one).outlineStyle") == "none"
    assert gallery.locator(".cursor .picture").evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
