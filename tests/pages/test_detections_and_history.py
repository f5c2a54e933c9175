"""Detections and History as pages: filters in the address, decisions with a way back, what a person is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from app.jobs.queue import Jobs
from app.survey.database import Survey
from app.survey.decisions import boxes, identity, many_boxes
from tests.support import pages
from tests.support.surveys import add_media, everything, found


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A survey with six media at two stations, behind the dashboard's settings."""
    with pages.survey_of_pages(tmp_path / "data", monkeypatch) as survey:
        for number in range(6):
            add_media(survey, [found(0.9), found(0.2, x=0.6)], minutes=number * 30, folder=f"Ridge {number % 2}")
        yield survey


def page(name: str, **params: str) -> AppTest:
    test = pages.page(name, **params)
    assert not test.exception
    return test


def shown(test: AppTest) -> str:
    return " ".join(str(element.value) for element in [*test.markdown, *test.info])


def button(test: AppTest, key: str) -> None:
    next(element for element in test.button if element.key == key).click().run()
    assert not test.exception


def line(test: AppTest) -> str:
    return next(element.proto.body for element in test.get("html") if "pm-line" in element.proto.body)


def decide(survey: Survey) -> list[int]:
    """Ana says blank about one media and accepts three at once; Ben names an animal."""
    with survey.write() as session:
        made = [boxes.judge_media(session, "ana", 1, "blank")]
        made.append(many_boxes.judge_all(session, "ana", [2, 3, 4], "accepted", 0.5).decision)
        made.append(identity.new_individual(session, "ben", 9))
        return [decision.id for decision in made]


def test_the_filters_in_the_address_narrow_what_is_counted(opened):
    decide(opened)
    assert "2 media of 6 not reviewed" in line(page("detections"))
    assert "1 media of 3 not reviewed" in line(page("detections", station="Ridge 1"))
    assert "0 media of 4 not reviewed" in line(page("detections", by="ana"))
    assert "2 media of 6 not reviewed" in line(page("detections", since="2024-03-12", until="2024-03-12"))
    assert "0 media of 0 not reviewed" in line(page("detections", until="2024-03-11"))


def test_a_filter_that_leaves_nothing_still_shows_the_filter_and_a_way_back(opened):
    test = page("detections", species="Bubo bubo")
    assert "Nothing of this kind" in shown(test)
    assert any(element.label == "Show all again" for element in test.button)


def test_history_lists_who_decided_what_and_undoes_one_of_them(opened):
    blank, accepted, named = decide(opened)
    test = page("history")
    words = shown(test)
    assert all(word in words for word in ("ben", "new individual", "accepted the boxes"))
    button(test, f"undo-{accepted}")
    with opened.read() as session:
        from app.survey.decisions.history import HistoryFilter, entries

        assert [entry.id for entry in entries(session, HistoryFilter(standing=True))] == [named, blank]
    button(test, f"redo-{accepted}")
    with opened.read() as session:
        assert len(entries(session, HistoryFilter(standing=True))) == 3


def test_undo_back_to_here_undoes_ones_own_decisions_and_nothing_else(opened):
    before = everything(opened)
    blank, _, named = decide(opened)
    test = page("history")
    button(test, f"back-{blank}")
    assert everything(opened) != before, "it asks first"
    next(element for element in test.button if element.label == "Undo 2 decisions").click().run()
    button(test, f"undo-{named}")
    assert everything(opened) == before


def test_the_details_of_a_decision_are_in_words_and_name_no_column(opened):
    _, _, named = decide(opened)
    test = page("history")
    button(test, f"details-{named}")
    rows = test.dataframe[0].value
    assert {"individual", "animal on a crop"} <= set(rows["what"])
    assert not any("_" in word for word in [*rows["what"], *rows["which"]])


def test_history_can_be_narrowed_to_one_image(opened):
    decide(opened)
    words = shown(page("history", media="1"))
    assert "blank" in words
    assert "new individual" not in words


def test_an_undo_that_stands_in_the_way_of_another_decision_is_told(opened):
    with opened.write() as session:
        first = boxes.correct_box(session, "ana", 1, species="tiger")
        boxes.correct_box(session, "ben", 1, species="leopard")
    test = page("history")
    button(test, f"undo-{first.id}")
    assert "by ben" in test.toast[0].value


def listed(test: AppTest) -> Selectbox:
    return next(element for element in test.selectbox if element.label.startswith("On the list"))


def test_the_species_list_grows_and_shrinks_on_the_page(opened):
    test = page("detections")
    next(element for element in test.text_input if element.label == "Label").input("Bubo bubo")
    next(element for element in test.button if element.label == "Add to the list").click().run()
    assert "Bubo bubo" in listed(test).options
    listed(test).select("Bubo bubo").run()
    next(element for element in test.button if element.label == "Remove from the list").click().run()
    assert not test.exception
    assert "Bubo bubo" not in listed(test).options


def test_kind_review_and_order_are_chosen_apart_and_older_addresses_still_hold(survey):
    from app.survey.decisions.boxes import accept_media
    from app.survey.media.browse import MediaFilter, Show, count, order_with_events

    far, near, reviewed = (add_media(survey, [found(score)])[0] for score in (0.95, 0.55, 0.9))
    blank, _ = add_media(survey, [])
    with survey.write() as session:
        accept_media(session, "ana", reviewed, 0.5)
        wanted = MediaFilter(Show.ANIMAL, 0.5, unreviewed=True, unsure_first=True)
        assert [number for number, _ in order_with_events(session, wanted)] == [near, far]
        assert count(session, wanted) == 2
        assert count(session, MediaFilter(Show.BLANK, 0.5, unreviewed=True)) == 1
        older = [number for number, _ in order_with_events(session, MediaFilter(Show.UNCERTAIN, 0.5))]
        assert older == [near, far, blank]


def test_an_image_that_nobody_has_decided_about_can_be_looked_at_closer(opened, monkeypatch):
    asked = []
    monkeypatch.setattr(Jobs, "ready", lambda _jobs: True)
    monkeypatch.setattr(Jobs, "look_closer", lambda _jobs, media_id: asked.append(media_id))
    test = page("detections", media="2")
    next(element for element in test.button if element.label == "Look closer").click().run()
    assert not test.exception
    assert asked == [2]
    assert "Looking closer …" in [element.value for element in test.caption]
    with opened.write() as session:
        boxes.judge_media(session, "ana", 3, "blank")
    assert "Look closer" not in [element.label for element in page("detections", media="3").button]
