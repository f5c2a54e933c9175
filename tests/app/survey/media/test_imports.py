"""An import is what is on a card, not where the card was read; its sum says what became of every file."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.survey.database import Survey
from app.survey.media import imports, places, remarks
from app.survey.media.progress import import_progress
from app.survey.tables.deployments import Deployment
from app.survey.tables.media import ImportState, ListedFile, Media, Outcome
from tests.support.surveys import add_media


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """Where cards are read: two files below DCIM."""
    for number in (1, 2):
        path = tmp_path / f"reader/DCIM/100EK113/IMG_{number}.JPG"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"first card" * number)
    return tmp_path / "reader"


def read_card(survey: Survey, card: Path) -> int:
    """Lists the card's files as an import does, each as a media of its own content; returns the import's id."""
    with survey.write() as session:
        batch = imports.import_of_path(session, card)
        for path in sorted(inside for inside in card.rglob("*") if inside.is_file()):
            status, content = path.stat(), path.read_bytes().hex()[:64]
            media = session.scalar(sa.select(Media).where(Media.sha256 == content))
            outcome = Outcome.DUPLICATE if media else Outcome.NEW
            if media is None:
                media = Media(sha256=content, format="jpeg", bytes=1, width=1, height=1)
                session.add(media)
                session.flush()
            shown = path.relative_to(card).as_posix()
            imports.list_file(
                session, batch.id, shown, media_id=media.id, outcome=outcome,
                bytes=status.st_size, modified=status.st_mtime_ns,
            )  # fmt: skip
        batch.state = ImportState.DONE
        return batch.id


def test_the_same_card_is_the_same_import_and_files_added_to_it_join_it(survey: Survey, card: Path) -> None:
    first = read_card(survey, card)
    (card / "DCIM/100EK113/IMG_3.JPG").write_bytes(b"later")
    assert read_card(survey, card) == first


@pytest.mark.parametrize("change", ["content", "time", "gone"])
def test_another_card_at_the_same_path_is_another_import(survey: Survey, card: Path, change: str) -> None:
    first = read_card(survey, card)
    path = card / "DCIM/100EK113/IMG_2.JPG"
    if change == "content":
        path.write_bytes(b"second card, same name")
    elif change == "time":
        os.utime(path, (1, 1))
    else:
        path.unlink()
    assert read_card(survey, card) != first


def test_a_path_is_settled_only_with_the_size_and_time_it_had(survey: Survey, card: Path) -> None:
    number = read_card(survey, card)
    path = "DCIM/100EK113/IMG_1.JPG"
    status = (card / path).stat()
    size, modified = status.st_size, status.st_mtime_ns
    with survey.read() as session:
        assert imports.known_paths(session, number, {path: (size, modified)}) == {path}
        for other in ((size + 1, modified), (size, modified + 1), (size, None)):
            assert imports.known_paths(session, number, {path: other}) == set()


def test_what_a_replaced_file_held_keeps_a_path(survey: Survey, card: Path) -> None:
    number = read_card(survey, card)
    path = "DCIM/100EK113/IMG_1.JPG"
    with survey.write() as session:
        old = session.scalars(sa.select(ListedFile.media_id).where(ListedFile.path == path)).one()
        new = Media(sha256="f" * 64, format="jpeg", bytes=1, width=1, height=1)
        session.add(new)
        session.flush()
        imports.list_file(session, number, path, media_id=new.id, outcome=Outcome.NEW, bytes=1, modified=2)
        rows = dict(session.execute(sa.select(ListedFile.media_id, ListedFile.path)).all())  # type: ignore[arg-type]
    assert rows[new.id] == path
    assert rows[old].startswith(f"{path} (before ")


def test_the_sum_of_an_import_counts_every_file_once_and_what_is_to_be_said_about_media(survey: Survey) -> None:
    for minutes in (0, 5, None):
        media_id, _ = add_media(survey, minutes=minutes)
    with survey.write() as session:
        number = session.scalars(sa.select(ListedFile.import_id)).first()
        assert number is not None
        session.get_one(Media, media_id).damage = "no end marker"
        session.get_one(Media, 1).taken_at = datetime(2000, 1, 1, 0, 1)
        session.get_one(Media, 2).latitude = session.get_one(Media, 2).longitude = 1.0
        imports.list_file(session, number, "a.THM", outcome=Outcome.LEFT_OUT, refusal="thumbnail", message="No.")
        imports.list_file(session, number, "a.txt", outcome=Outcome.REFUSED, refusal="empty", message="No.")
        session.flush()
        imports.finish(session, number)
    with survey.read() as session:
        found = import_progress(session, number)
        assert (found.new, found.duplicate, found.refused, found.left_out, found.done) == (3, 0, 1, 1, 5)
        assert (found.damaged, found.untimed, found.unplaced, found.clock) == (1, 1, 2, 1)
        assert remarks.paths(session, number, remarks.Remark.CLOCK) == ["Ridge 1/IMG_0001.JPG"]
        assert len(remarks.paths(session, number, remarks.Remark.UNPLACED)) == 2


IN_ONE_SQUARE = [(51.5, 7.0), (-23.5417, 30.1667), (-23.5417, 30.1668), (-23.5418, 30.1667), (-23.54, 30.16),
                 (None, None)]  # fmt: skip
ON_AN_EDGE = [(51.5, 7.0), (51.5, 7.0), (-23.54495, 30.16495), (-23.54505, 30.16495), (-23.54495, 30.16505)]


@pytest.mark.parametrize("found", [IN_ONE_SQUARE, ON_AN_EDGE])
def test_a_deployment_lies_where_most_of_its_media_do_and_the_odd_one_is_flagged(survey: Survey, found: list) -> None:
    for latitude, longitude in found:
        media_id, _ = add_media(survey)
        with survey.write() as session:
            media = session.get_one(Media, media_id)
            media.latitude, media.longitude = latitude, longitude
            places.give_place(session, media.deployment_id, latitude, longitude)
    with survey.write() as session:
        places.settle_places(session, {media.deployment_id})
        session.flush()
        deployment = session.get_one(Deployment, media.deployment_id)
        assert deployment.latitude == pytest.approx(found[2][0], abs=1e-3)
        assert deployment.longitude == pytest.approx(found[2][1], abs=1e-3)
        assert len(remarks.paths(session, 1, remarks.Remark.DISPLACED)) == found.count((51.5, 7.0))
