"""Upload brings in another detector's results: what it would do first, one button, and Undo."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st

from app.exchange.incoming import bringing_in, taking_over
from app.survey.detections.boxes import boxes_of
from tests.support.pages import page, survey_of_pages
from tests.support.surveys import add_media, found

BOX = {"category": "1", "conf": 0.7, "bbox": [0.1, 0.1, 0.2, 0.2]}
IMAGES = [{"file": "Ridge 1/IMG_0001.JPG", "detections": [BOX]}, {"file": "Ridge 1/IMG_0009.JPG", "detections": []}]


@pytest.fixture
def survey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One image, and a file of results that names it and another."""
    monkeypatch.setenv("PUGMARK_START_WORKER", "false")
    with survey_of_pages(tmp_path / "data", monkeypatch) as survey:
        add_media(survey, [found(0.9)])
        place = tmp_path / "results.json"
        place.write_text(json.dumps({"images": IMAGES}), encoding="utf-8")
        bringing_in.read_in(survey, bringing_in.register(survey, place, place.name, "ana"))
        yield survey


def test_a_file_is_previewed_brought_in_and_taken_back(survey):
    test = page("upload")
    assert not test.exception
    reasons = [frame.value.to_dict("list") for frame in test.dataframe]
    assert {"file": ["Ridge 1/IMG_0009.JPG"], "reason": ["It is not in the survey."]} in reasons
    next(button for button in test.button if button.label == "Bring in the boxes of 1 image").click().run()
    bringing_in.take_some(survey, 1, 0)
    with survey.read() as session:
        assert [view.confidence for view in boxes_of(session, [1])[1]] == [0.7]
    next(button for button in test.run().button if button.label == "Undo").click().run()
    assert not test.exception
    with survey.read() as session:
        assert [view.confidence for view in boxes_of(session, [1])[1]] == [0.9]


def test_a_long_table_is_left_to_a_job_and_given_again_it_says_how_far_that_is(survey, monkeypatch):
    table = SimpleNamespace(name="animals.csv", getvalue=lambda: b"file,individual\nIMG_0001.JPG,T1\n")
    ask = st.file_uploader
    monkeypatch.setattr(
        st,
        "file_uploader",
        lambda *args, **about: table if about["key"] == "identities-upload" else ask(*args, **about),
    )
    monkeypatch.setattr(taking_over, "MOST_IN_ONE", 0)
    test = page("upload")
    for answer in ("is being taken over; the progress stands above", "is being taken over already: 0 of 1 line"):
        next(button for button in test.button if button.label == "Take it over").click().run()
        assert not test.exception
        assert any(answer in toast.value for toast in test.toast)
    assert "0 of 1 line stored · not known yet left" in [bar.proto.text for bar in test.get("progress")]
