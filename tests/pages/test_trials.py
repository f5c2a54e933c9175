"""Try another detector on Operations: begin, compare, let it stand, take it back, end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import streamlit as st

from app.analysis.model_choice import Chooser, of_survey, shown
from app.settings import load_settings
from app.survey.database import Survey
from app.survey.decisions import boxes
from app.survey.detections import results
from app.survey.detections.results import detector_of
from app.survey.tables.media import ImportBatch, ImportState
from app.survey.tables.trials import Trial
from app.survey.trials import trials
from modal_backend.contracts import Provenance
from modal_backend.registry import CLOSER, DETECTOR
from tests.support.pages import page, survey_of_pages
from tests.support.surveys import add_media, found

NEW = Provenance("embedded", CLOSER, "test", "1" * 64, "test")


@pytest.fixture
def survey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Survey]:
    """The survey of a dashboard, without an account; its images are in every share."""
    with survey_of_pages(tmp_path / "data", monkeypatch) as opened:
        for number in range(3):
            add_media(opened, [found()] if number else [])
        with opened.write() as session:
            session.execute(sa.update(ImportBatch).values(state=ImportState.DONE))
        yield opened


def words(test: Any) -> str:
    assert not test.exception
    return " ".join(element.value for kind in (test.caption, test.markdown, test.warning) for element in kind)


def tried(survey: Survey) -> int:
    """A trial that has looked at the three images: it agrees on none."""
    with survey.write() as session:
        trial = trials.start(session, "ana", CLOSER, 50, all_images=True)
        version = results.model_version(session, "detect", NEW, 0.5)
        trials.keep(session, trial.id, 1, version, None, [found()])
        trials.keep(session, trial.id, 2, version, None, [])
        trials.fail(session, trial.id, 3, "no memory")
        return trial.id


def test_without_an_account_a_detector_of_the_install_can_be_tried_and_the_page_says_which_others(survey):
    test = page("operations")
    assert "Pocket detector is in use" in words(test)
    assert "Without weights here: MegaDetector v5a.0.1" in words(test)
    assert test.selectbox(key="trial-model").options == ["pocket detector closer"]
    test.toggle(key="trial-all").set_value(True).run()
    test.button(key="trial-start").click().run()
    assert "Its boxes do not count" in words(test)
    with survey.read() as session:
        trial = trials.running(session)
        assert (trial.model, trial.share, trial.after_media, trial.state) == (CLOSER, 10, 0, "running")


def test_the_figures_say_how_far_both_agree_and_what_people_said(survey):
    tried(survey)
    with survey.write() as session:
        boxes.judge_media(session, "ben", 2, "blank")
    test = page("operations")
    assert "It failed on 1 image; what counts there is as before." in words(test)
    assert "**1 of 1 image** that they decided, of the 2 where the two differ" in words(test)
    assert "They saw the boxes of pocket detector, those of pocket detector closer only where they compared" in words(
        test
    )
    table = next(element.value for element in test.dataframe if "of 2 images by both" in element.value)
    assert dict(zip(table.iloc[:, 0], table["images"], strict=True)) == {
        "both found an animal": 0,
        "both found none": 0,
        "only pocket detector closer": 1,
        "only pocket detector": 1,
    }
    assert "Only pocket detector closer found an animal." in words(test)
    assert "Only pocket detector found an animal." in words(test)


def test_one_click_lets_it_stand_for_images_from_now_on_and_one_leads_back(survey):
    tried(survey)
    choose = Chooser(load_settings(), list, survey)
    assert choose().detector == DETECTOR
    test = page("operations")
    test.button(key="trial-stand").click().run()
    assert "**Pocket detector closer stands** after a trial" in words(test)
    assert choose().detector == CLOSER
    with survey.read() as session:
        assert [detector_of(session, number) for number in (1, 2, 3)] == [CLOSER, CLOSER, DETECTOR]
        assert of_survey(shown(load_settings()), session, load_settings()).detector == CLOSER
    test.button(key="trial-undo").click().run()
    assert "Its boxes do not count" in words(test)
    assert choose().detector == DETECTOR
    with survey.read() as session:
        assert [detector_of(session, number) for number in (1, 2, 3)] == [DETECTOR] * 3


def test_a_detector_that_the_settings_name_goes_before_one_that_was_tried(survey, monkeypatch):
    tried(survey)
    monkeypatch.setenv("PUGMARK_DETECTOR", "pocket")
    load_settings.cache_clear()
    st.cache_resource.clear()
    stand = page("operations").button(key="trial-stand")
    assert stand.disabled
    assert "PUGMARK_DETECTOR" in stand.help


@pytest.mark.parametrize(("remove", "state"), [(False, "ended"), (True, "removing")])
def test_a_trial_ends_with_its_results_kept_or_removed(survey, remove, state):
    trial = tried(survey)
    test = page("operations")
    test.button(key=f"trial-end-{remove}").click().run()
    assert not test.exception
    with survey.read() as session:
        row = session.get_one(Trial, trial)
        assert (row.state, row.ended_at is not None) == (state, True)
    assert test.button(key="trial-start")


def test_what_keeps_a_trial_from_going_on_is_said_and_tried_again_by_a_click(survey):
    trial = tried(survey)
    with survey.write() as session:
        session.get_one(Trial, trial).trouble = "The weights are missing."
    test = page("operations")
    assert "The trial does not go on. The weights are missing." in words(test)
    test.button(key="trial-again").click().run()
    with survey.read() as session:
        row = session.get_one(Trial, trial)
        assert row.trouble is None
        assert trials.waiting(session, row, 9) == [3]
