"""The Individuals and Export pages, drawn over a survey with individuals, conflicts and stations."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import deps
from app.exchange.formats import FORMATS
from app.jobs import exports as job
from app.settings import load_settings
from app.survey.decisions import boxes
from app.survey.decisions import catalogue as catalogue_decisions
from app.survey.detections.results import box_key
from app.survey.individuals import catalogue
from app.survey.media.stations import deployment_views
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import Feature
from app.ui.shared.words import plain
from modal_backend.contracts import Box
from tests.support import pages
from tests.support.asked import Asked
from tests.support.catalogued import DAY, place, seen
from tests.support.surveys import describe

SECTIONS = ["Crops", "Time and place", "Neighbours", "Describe", "Join flanks", "Merge", "Split", "History"]


@pytest.fixture
def survey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Two individuals at two stations; one of them travels too fast."""
    with pages.survey_of_pages(tmp_path / "data", monkeypatch) as opened:
        seen(opened, "A", "Ridge", 0)
        seen(opened, "A", "Valley", 30)
        seen(opened, "A", "Ridge", 3 * DAY)
        seen(opened, "B", "Ridge", 60, flank="right")
        place(opened, "Ridge", 10.0, 77.0)
        place(opened, "Valley", 10.5, 77.0)
        yield opened


class Queued(Asked):
    """Jobs that nobody does."""

    def write_export(self, export_id: int) -> None:
        """Left to the test."""


def page(name: str, **params: str) -> AppTest:
    return ready(pages.page(name, **params))


def test_a_moved_box_taken_back_on_the_card_is_described_again(survey, monkeypatch):
    asked = Asked()
    monkeypatch.setattr(deps, "jobs", lambda: asked)
    describe(survey, 1, seed=1)
    with survey.write() as session:
        boxes.correct_box(session, "ana", 1, box=Box(0.1, 0.1, 0.4, 0.4))
    test = page("individuals", id="1", section="History")
    chosen = next(element for element in test.selectbox if element.label == "Take back one decision")
    test = ready(chosen.select_index(0).run())
    with survey.write() as session:
        session.execute(sa.update(Feature).values(box=box_key(Box(0.1, 0.1, 0.4, 0.4))))
    next(element for element in test.button if element.label == "Take it back").click().run()
    assert not test.exception
    assert asked.described == [([1], False)]


def ready(test: AppTest) -> AppTest:
    """The page when what is computed beside it has arrived."""
    end = time.monotonic() + 90
    while " every sighting …" in words(test) and time.monotonic() < end:
        time.sleep(0.05)
        test.run()
    return test


def words(test: AppTest) -> str:
    shown = [*test.title, *test.markdown, *test.caption, *test.info, *test.warning, *test.success]
    return " ".join(str(element.value) for element in shown)


def button(test: AppTest, label: str):
    return next(element for element in test.button if element.label == label)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_of_a_card_is_drawn(survey, section):
    test = page("individuals", id="1", section=section)
    assert not test.exception
    assert test.title[0].value == "A"


@pytest.mark.parametrize("view", ["Catalogue", "Flanks", "Conflicts", "Capture history", "nonsense"])
def test_every_view_of_the_catalogue_is_drawn(survey, view):
    test = page("individuals", view=view)
    assert not test.exception
    assert test.title[0].value == "Individuals"


@pytest.mark.parametrize("name", [":material/home:", "![x](http://a)", "<b>", "*a*", "T:01:"])
def test_a_name_from_people_never_reaches_markdown_bare(survey, name):
    with survey.write() as session:
        catalogue_decisions.rename(session, "ana", 1, name)
    views = [{"view": view} for view in ("Flanks", "Conflicts", "Capture history")]
    for params in [{"id": "1", "section": section} for section in SECTIONS] + views:
        test = page("individuals", **params)
        assert not test.exception
        shown = [*test.title, *test.markdown, *test.caption, *test.info, *test.warning, *test.success]
        labels = [*test.button, *test.selectbox, *test.text_input]
        texts = [element.value for element in shown] + [element.label for element in labels]
        assert [text for text in texts if name in text.replace(plain(name), "")] == [], params


def test_the_conflict_is_listed_with_its_figures_and_accepted_with_a_reason(survey):
    test = page("individuals", view="Conflicts")
    assert "Too far for the time" in words(test)
    assert "55.6 km in 30 min: 111 km/h, where 10 km/h is the limit" in words(test)
    reason = next(element for element in test.text_input if element.label == "Why")
    reason.input("The clock of Valley is an hour off, checked").run()
    ready(button(test, "Accept").click().run())
    assert not test.exception
    assert "Every sighting fits" in words(test)
    assert "1 accepted before" in words(test)


def test_split_off_and_undo_from_the_conflicts(survey):
    test = page("individuals", view="Conflicts")
    ready(button(test, "Split off the second").click().run())
    assert "Every sighting fits" in words(test)
    ready(button(test, "Undo").click().run())
    assert "Too far for the time" in words(test)


def test_describe_saves_and_renames(survey):
    test = page("individuals", id="1", section="Describe")
    next(element for element in test.selectbox if element.label == "Sex").select("female")
    next(element for element in test.text_input if element.label == "Name").input("Machli")
    button(test, "Save").click().run()
    assert not test.exception
    with survey.read() as session:
        animal = catalogue.individual(session, 1)
    assert (animal.name, animal.sex) == ("Machli", "female")


def test_a_name_that_was_used_before_is_told_and_nothing_changes(survey):
    test = page("individuals", id="1", section="Describe")
    next(element for element in test.text_input if element.label == "Name").input("b")
    button(test, "Save").click().run()
    assert any("never used twice" in toast.value for toast in test.toast)
    with survey.read() as session:
        assert list(catalogue.names(session).values()) == ["A", "B"]


def test_merge_shows_what_moves_and_the_merged_one_leads_to_the_kept(survey):
    test = page("individuals", id="1", section="Merge")
    test.selectbox[0].select(2).run()
    assert "has 1 sighting at 1 station" in words(test)
    button(test, "Merge B into A").click().run()
    assert not test.exception
    led = page("individuals", id="2")
    assert led.title[0].value == "A"
    assert "merged into A" in words(led)


def test_a_proposed_pair_of_flanks_is_joined_shown_on_the_card_and_taken_back(survey):
    seen(survey, "B", "Ridge", 60.2, flank="right")
    seen(survey, "L", "Ridge", 60.4)
    test = page("individuals", view="Flanks")
    assert "**2 individuals** known by the left flank only · **1** by the right only" in words(test)
    assert "by one camera at Ridge" in words(test)
    ready(button(test, "One animal").click().run())
    assert not test.exception
    assert "No two of opposite flanks were seen" in words(test)
    card = page("individuals", id="2")
    assert "left flank joined from L by ana" in words(card)
    assert "12 s apart" in words(card)
    card = page("individuals", id="2", section="Join flanks")
    assert "Both its flanks are known" in words(card)
    button(card, "Take this join back").click().run()
    assert not card.exception
    with survey.read() as session:
        assert list(catalogue.names(session).values()) == ["A", "B", "L"]


def test_two_animals_said_on_a_proposal_is_not_proposed_again(survey):
    seen(survey, "L", "Ridge", 60.4)
    test = page("individuals", view="Flanks")
    ready(button(test, "Two animals").click().run())
    assert not test.exception
    assert "No two of opposite flanks were seen" in words(test)
    card = page("individuals", id="2", section="Join flanks")
    next(element for element in card.selectbox if element.label.startswith("Whose left flank")).select(3).run()
    assert "were said to be different animals" in words(card)


def test_flanks_are_joined_on_the_card_only_with_a_reason(survey):
    card = page("individuals", id="1", section="Join flanks")
    next(element for element in card.selectbox if element.label.startswith("Whose right flank")).select(2).run()
    assert button(card, "Join the flanks of A and B").disabled
    next(element for element in card.selectbox if element.label == "How do you know?").select(
        "Known from the field"
    ).run()
    button(card, "Join the flanks of A and B").click().run()
    assert not card.exception
    assert "right flank joined from B by ana" in words(card)


def test_the_capture_history_counts_and_labels_its_estimates(survey):
    test = page("individuals", view="Capture history")
    assert {element.label: element.value for element in test.metric}["Individuals"] == "2"
    assert "Quick look, not an estimate to publish" in words(test)
    assert "nobody said when the camera worked" in words(test)


def test_the_export_page_names_every_format_and_what_is_missing(survey):
    seen(survey, "A", "Ford", 4 * DAY)
    test = page("export")
    assert not test.exception
    for title in ("secr", "camtrapR", "Program MARK", "Sightings", "MegaDetector 1.6", "Crops of one individual"):
        assert title in words(test)
    assert all(kind.title in words(test) for kind in FORMATS.values())
    assert "Under 1 MB." in words(test)
    assert "Stations without coordinates: Ford." in words(test)


def test_an_empty_survey_leads_on(tmp_path, monkeypatch):
    monkeypatch.setenv("PUGMARK_DATA_DIR", str(tmp_path / "empty"))
    load_settings.cache_clear()
    st.cache_resource.clear()
    assert not page("export").exception
    test = page("individuals")
    assert "Nobody is named yet" in words(test)


def test_a_file_is_written_followed_cancelled_and_downloaded_from_the_page(survey, monkeypatch):
    monkeypatch.setattr(deps, "jobs", lambda: Queued())
    test = page("export")
    test.button(key="write-mark").click().run()
    assert "Waiting for the worker" in " ".join(element.proto.text for element in test.get("progress"))
    again = page("export")  # another tab, or the same one after a reload
    again.button(key="cancel-card-1").click().run()
    assert not again.exception
    again.button(key="write-mark").click().run()
    job.bring_to_end(survey, 2)
    test = page("export")
    assert "2 individuals, 2 stations" in words(test)
    assert {element.proto.url.partition("?")[0] for element in test.get("link_button")} == {
        "/api/export/2/pugmark-mark.zip"
    }
    with survey.write() as session:
        catalogue_decisions.describe(session, "ana", 1, sex="female")
    test = page("export")
    assert "The survey has changed since." in words(test)
    test.button(key="remove-2").click().run()
    assert not test.exception
    assert "Your files" not in words(test)


def test_the_stations_table_saves_what_was_typed_as_one_decision_a_deployment(survey):
    test = page("individuals", view="Capture history")
    typed = {"latitude": 11.5, "first_day": "2024-03-01", "last_day": "2024-03-31", "hours to add": 1.5}
    test.session_state["stations-0"] = {"edited_rows": {1: typed}, "added_rows": [], "deleted_rows": []}
    test.run()
    ready(button(test, "Save the stations").click().run())
    assert not test.exception
    with survey.read() as session:
        ridge, valley = deployment_views(session)
        decisions = list(session.scalars(sa.select(Decision.kind).where(Decision.kind == "deployment")))
    assert (valley.latitude, valley.longitude, valley.clock_offset_seconds) == (11.5, 77.0, 5400)
    assert (valley.first_day, valley.last_day) == (date(2024, 3, 1), date(2024, 3, 31))
    assert ridge.first_day is None
    assert decisions == ["deployment"]


def test_days_that_cannot_be_are_told_and_nothing_is_saved(survey):
    test = page("individuals", view="Capture history")
    typed = {"first_day": "2024-03-31", "last_day": "2024-03-01"}
    test.session_state["stations-0"] = {"edited_rows": {0: typed}, "added_rows": [], "deleted_rows": []}
    test.run()
    button(test, "Save the stations").click().run()
    assert any("Ridge: The first day is after the last day" in toast.value for toast in test.toast)
    with survey.read() as session:
        assert all(view.first_day is None for view in deployment_views(session))
