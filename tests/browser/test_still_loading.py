"""A press on a picture that is still loading decides nothing about it: it is kept until that is drawn, or given up."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.test_components_browser import context as context
from tests.browser.test_components_browser import fresh as fresh
from tests.browser.test_components_browser import received, wait_for

pytestmark = pytest.mark.browser
PICTURES = re.compile("/(thumbs|views|crops)/")


class HeldBack:
    """The requests for pictures, which are answered when the test lets them go."""

    def __init__(self) -> None:
        self.routes: list[Any] | None = []

    def take(self, route: Any) -> None:
        if self.routes is None:
            route.continue_()
        else:
            self.routes.append(route)

    def let_go(self) -> None:
        routes, self.routes = self.routes or [], None
        for route in routes:
            route.continue_()


@pytest.fixture
def held_back(context: Any) -> Iterator[HeldBack]:
    """Every picture is held back until the test lets it go."""
    held = HeldBack()

    def take(route: Any) -> None:
        held.take(route)

    context.route(PICTURES, take)
    yield held
    context.unroute(PICTURES, take)


@pytest.mark.parametrize(("view", "key"), [("grid", "b"), ("viewer", "b"), ("match", "Enter"), ("video", "3")])
def test_a_press_is_kept_until_the_picture_is_drawn_and_given_up_in_words(
    held_back: HeldBack, fresh: Callable[..., Any], view: str, key: str
) -> None:
    page = fresh(view)
    page.keyboard.press(key)
    page.get_by_text("Still loading: press again").wait_for(timeout=30_000)
    held_back.let_go()
    for image in page.locator(".pm img").all()[:2]:
        image.evaluate("(image) => image.decode()")
    assert received(page)["applied"] == []
    page.keyboard.press(key)
    (applied,) = wait_for(page, lambda got: got["applied"])["applied"]
    assert applied["seen"] == 1.0


def test_keys_pressed_too_early_act_in_their_order_once_the_picture_is_there(
    held_back: HeldBack, fresh: Callable[..., Any]
) -> None:
    page = fresh("viewer")
    for key in ("b", "ArrowRight", "u"):
        page.keyboard.press(key)
    held_back.let_go()
    applied = wait_for(page, lambda got: len(got["applied"]) == 2)["applied"]
    assert [(action["kind"], action["media_id"]) for action in applied] == [("blank", 1), ("unsure", 3)]


def test_another_tile_chosen_by_hand_gives_up_what_was_pressed_for_the_first(
    held_back: HeldBack, fresh: Callable[..., Any]
) -> None:
    page = fresh("grid")
    page.keyboard.press("b")
    page.locator(".tile").nth(2).click()
    held_back.let_go()
    page.wait_for_timeout(700)
    assert received(page)["applied"] == []
