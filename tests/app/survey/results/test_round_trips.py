"""What Pugmark writes it reads again: boxes, individuals and species come back the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.exchange import megadetector_json
from app.exchange.incoming import bringing_in, identities
from app.exchange.incoming.recognise import recognise
from app.settings import Settings
from app.survey.database import Survey, open_survey
from app.survey.decisions import identities_file, results
from app.survey.decisions import identity as identify
from app.survey.detections.boxes import boxes_of
from app.survey.detections.results import box_key
from modal_backend.contracts import Category
from tests.support.surveys import add_media, found

BOXES = [[found(0.9), found(0.6, x=0.6)], [found(0.7, category=Category.PERSON)], []]


def as_seen(survey: Survey) -> list[list[tuple[object, ...]]]:
    """Category, confidence and place of the boxes of each image."""
    with survey.read() as session:
        views = boxes_of(session, [1, 2, 3])
    return [
        [(view.category, round(view.confidence, 4), box_key(view.box)) for view in views[media_id]]
        for media_id in (1, 2, 3)
    ]


@pytest.fixture
def other(tmp_path: Path):
    """A survey with the same images and nothing on them."""
    (tmp_path / "other").mkdir()
    survey = open_survey(Settings(PUGMARK_DATA_DIR=tmp_path / "other", PUGMARK_REVIEWER="ben", _env_file=None))
    for _ in BOXES:
        add_media(survey, [])
    yield survey
    survey.close()


def test_megadetector_json_comes_back_with_every_box_and_is_written_the_same_again(survey, other, tmp_path):
    for boxes in BOXES:
        add_media(survey, boxes)
    megadetector_json.export(survey, tmp_path / "first.json")
    results_id = bringing_in.register(other, tmp_path / "first.json", "first.json", "ben")
    bringing_in.read_in(other, results_id)
    with other.write() as session:
        results.bring_in(session, "ben", results_id)
    bringing_in.take_some(other, results_id, 0)
    assert as_seen(other) == as_seen(survey)
    megadetector_json.export(other, tmp_path / "second.json")
    first, second = (list(recognise(tmp_path / name).entries()) for name in ("first.json", "second.json"))
    assert first == second


def test_individuals_with_difficult_names_come_back_from_a_table(survey, other, tmp_path):
    names = ["NA", "TRUE", "007"]
    for name in names:
        _, (box, *_) = add_media(survey, [found()])
        with survey.write() as session:
            identify.new_individual(session, "ana", box, name=name)
    rows = [f"Ridge 1/IMG_000{number}.JPG,{name}" for number, name in enumerate(names, start=1)]
    table = tmp_path / "who.csv"
    table.write_text("file,individual\n" + "\n".join(rows) + "\n", encoding="utf-8")
    with other.write() as session:
        identities_file.take(session, "ben", identities.match(session, identities.read(table)).lines, table.name)
        views = boxes_of(session, [1, 2, 3])
    assert [view.individual for media_id in (1, 2, 3) for view in views[media_id]] == names
