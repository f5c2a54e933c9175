"""Files of notes are deleted and come back as decisions; computed summaries of videos can be notes and say so."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd
import pytest
import sqlalchemy as sa

from app.actions.notes import settings_of
from app.notes.sources import keep, rows_of
from app.survey.decisions import boxes as review
from app.survey.decisions import history, notes, undoing
from app.survey.decisions.refusals import BadDecision
from app.survey.notes import notes as survey_notes
from app.survey.notes import views
from app.survey.tables.decisions import Decision
from app.survey.tables.media import Media
from app.survey.videos import runs, tracklets
from app.ui.history.words import what
from app.ui.notes.note_list import note_html
from tests.support.surveys import add_media, found

TABLE = pd.DataFrame({"text": ["snare at the ford", "quiet night"], "station": ["Ford 2", "Ridge 1"]})
COLUMNS: dict[str, str | None] = {"text": "text", "station": "station"}


@pytest.fixture
def file_id(survey) -> int:
    with survey.write() as session:
        return keep(session, "notes.csv", TABLE, COLUMNS, "ana").id


def texts(survey, file_id: int) -> list[str]:
    with survey.read() as session:
        return [row["text"] for row in rows_of(session, {"files": [file_id]})]


def test_a_deleted_file_is_gone_for_runs_and_screens_and_is_back_after_undo(survey, file_id):
    with survey.write() as session:
        ids = [row["row"] for row in survey_notes.note_rows(session, [file_id])]
        decision = notes.delete_file(session, "ana", file_id).id
    with survey.read() as session:
        assert survey_notes.files(session) == []
        assert views.notes_by_id(session, ids) == {}
        gone = survey_notes.deleted_files(session)[0]
        assert (gone.label, gone.rows, gone.who) == ("notes.csv", 2, "ana")
        entry = history.entries(session, history.HistoryFilter())[0]
    assert what(entry) == "deleted a file of notes: notes.csv"
    assert texts(survey, file_id) == []
    with survey.write() as session:
        undoing.undo_one(session, decision, "ana")
    assert texts(survey, file_id) == ["snare at the ford", "quiet night"]
    with survey.read() as session:
        assert len(views.notes_by_id(session, ids)) == 2
        assert survey_notes.deleted_files(session) == []


def test_the_same_file_brought_again_comes_back_and_that_is_in_history_too(survey, file_id):
    with survey.write() as session:
        notes.delete_file(session, "ana", file_id)
    with survey.write() as session:
        assert keep(session, "notes.csv", TABLE, COLUMNS, "gauri").id == file_id
        kinds = list(session.scalars(sa.select(Decision.kind).order_by(Decision.id)))
    assert kinds == ["delete notes", "restore notes"]
    assert len(texts(survey, file_id)) == 2


def test_what_is_not_there_can_be_neither_deleted_nor_brought_back(survey, file_id):
    with survey.write() as session:
        with pytest.raises(BadDecision):
            notes.restore_file(session, "ana", file_id)
        notes.delete_file(session, "ana", file_id)
        with pytest.raises(BadDecision):
            notes.delete_file(session, "ana", file_id)
        with pytest.raises(BadDecision):
            notes.delete_file(session, "ana", 99)


def test_a_run_knows_which_of_its_files_were_deleted(survey, file_id):
    with survey.write() as session:
        other = keep(session, "other.csv", TABLE, COLUMNS, "ana").id
        run = survey_notes.start_run(session, "by station", settings_of([file_id], "station"), "ana")
        notes.delete_file(session, "ana", file_id)
        notes.delete_file(session, "ana", other)
        gone = survey_notes.deleted_files(session, run.settings["source"]["files"])
        assert [file.label for file in gone] == ["notes.csv"]
        assert survey_notes.runs_with(session, file_id) == ["by station"]
        assert survey_notes.runs_with(session, other) == []


def test_summaries_of_videos_are_notes_with_station_date_and_species_and_say_that_they_are_computed(survey):
    media_id, boxes = add_media(survey, [found()], folder="Ford 2", name="clip.mp4")
    add_media(survey, [found()], folder="Ridge 1")
    with survey.write() as session:
        session.get_one(Media, media_id).kind = "video"
        sentences = [["One animal crosses.", 0.5, 3.0, [12]], ["It leaves <right>.", 3.0, 4.0, [90]]]
        run = runs.begin(session, media_id, None)
        run.summarised_at, run.animals, run.facts = 1.0, 1, asdict(runs.RunFacts(sentences=sentences))
        tracklets.put_video(session, media_id, duration=4.0, frame_rate=25.0, frames=100, codec="h264", container="mp4",
                            run_id=run.id)  # fmt: skip
        review.correct_box(session, "ana", boxes[0], species="Panthera tigris")
    with survey.read() as session:
        assert views.video_count(session) == 1
        assert rows_of(session, {"files": []}) == []
        row = rows_of(session, {"files": [], "clips": True})[0]
        view = views.notes_by_id(session, [row["row"]])[row["row"]]
        leads = views.links(session, [view])
    assert (row["text"], row["category"]) == ("One animal crosses. It leaves <right>.", "Panthera tigris")
    assert (row["station"], row["date"][:2]) == ("Ford 2", "20")
    assert view.media_id == media_id
    assert "computed from a video, not written by a person" in note_html(view, ["crosses"])
    assert "<right>" not in note_html(view, ["crosses"])
    assert leads.videos == [(media_id, "clip.mp4")]
    assert [name for _, name, _ in leads.deployments] == ["Ford 2"]
