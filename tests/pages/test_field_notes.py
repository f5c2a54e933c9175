"""The Field notes page: empty, following a run, and with a finished one, without any model."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from app import files
from app.actions.notes import settings_of
from app.notes import result
from app.notes.clusters import OTHER, Cluster, clusters
from app.notes.example import COLUMNS, example_notes
from app.notes.sources import keep
from app.settings import load_settings
from app.survey.database import open_survey
from app.survey.decisions import identity
from app.survey.notes import notes as survey_notes
from app.survey.notes.views import NoteView
from app.survey.tables.individuals import Individual
from app.survey.tables.notes import NoteRun, RunState
from app.ui.notes.compare import moved, shared_keywords
from app.ui.notes.note_list import marked, note_html
from app.ui.notes.over_time import month_plot
from app.ui.notes.plots import between, cluster_heat, keyword_map
from app.ui.notes.runs import pace
from modal_backend.models.text.sentence_embedding import DEFAULT_MODEL
from tests.support import pages
from tests.support.commands import brought_in
from tests.support.pages import settings_of_pages
from tests.support.surveys import START, add_media, found


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with settings_of_pages(tmp_path / "data", monkeypatch) as folder:
        yield folder


@pytest.fixture
def finished(data_dir: Path) -> int:
    """A finished run over the example notes, with two keywords of two stations."""
    survey = open_survey(load_settings())
    add_media(survey, folder="Ford 2")
    with survey.write() as session:
        file = keep(session, "example", example_notes(), COLUMNS, "ana", synthetic=True)
        ids = {word: [row["row"] for row in survey_notes.note_rows(session, [file.id]) if word in row["text"].lower()]
               for word in ("river", "snare")}  # fmt: skip
        run = survey_notes.start_run(session, "by station", settings_of([file.id], "station"), "ana")
        run.state, run.started_at, run.finished_at, run.backend = RunState.DONE, 1.0, 5.0, "embedded"
        run.figures = {"notes": 319, "categories": 4, "keywords": 2, "clusters": 1}
        run.caveats = ["Of 2 keywords chosen on half of the notes 100% hold on the rest."]
    folder = files.notes_run_folder(survey.data_dir, run.id)
    folder.mkdir(parents=True)
    (folder / "keywords.csv").write_text("category,keyword\n")
    (folder / "result.json").write_text(json.dumps(small_result(ids)))
    survey.close()
    return run.id


def small_result(ids: dict[str, list[int]]) -> dict:
    words = {"river": "Ford 2", "snare": "Old road 4"}
    sizes = {"Ridge 1": 80, "Ford 2": 90, "Salt lick 3": 75, "Old road 4": 74}
    return {
        "keywords": {
            "category": list(words.values()), "keyword": list(words), "support_in": [39, 20], "support_out": [0, 0],
            "z": [5.6, 4.1], "q": [1e-9, 1e-5], "log_odds": [3.0, 2.0], "score": [0.4, 0.5], "lift": [3.4, None],
        },
        "clusters": {
            "keyword": list(words), "cluster": [0, -1], "probability": [1.0, 0.0], "label": ["river, ford", ""],
            "x": [0.1, -0.5], "y": [0.2, 0.9],
        },
        "stability": {"0": 0.9},
        "holders": {word: {words[word]: ids[word]} for word in words},
        "counts": {"categories": sizes},
        "supports": {"river": {"Ford 2": 39}, "snare": {"Old road 4": 20, "Ford 2": 1}},
        "graph": "digraph {}",
    }  # fmt: skip


def page(**params: str) -> AppTest:
    return pages.page("field_notes", **params)


def words(test: AppTest) -> str:
    elements = [*test.title, *test.markdown, *test.caption, *test.info, *test.error, *test.get("html")]
    return " ".join(
        str(getattr(element, "value", "") or getattr(element, "body", "") or element.proto) for element in elements
    )


def test_an_empty_survey_offers_the_example_which_becomes_a_run_in_the_queue(data_dir):
    test = page()
    assert not test.exception
    assert [button.label for button in test.button] == ["Try the example notes"]
    test.button[0].click().run()
    assert not test.exception
    survey = open_survey(load_settings())
    with survey.read() as session:
        run, file = survey_notes.runs(session)[0], survey_notes.files(session)[0]
    survey.close()
    assert (run.state, run.settings["grouping"], file.synthetic, file.rows) == ("queued", "station", True, 320)
    assert "waiting for the worker" in str(test.get("progress")[0].proto)


def test_a_file_is_mapped_and_kept_with_its_notes(data_dir):
    test = page()
    content = b"when;who;remark\n2024-03-01;Ana;pug marks\n2024-03-02;Gauri;\n"
    test.file_uploader[0].set_value([("notes.csv", content, "text/csv")]).run()
    assert not test.exception
    assert "2 rows · 1 without text" in words(test)
    choices = {box.label: box for box in test.selectbox}
    choices["Text of the note"].select("remark")
    choices["Date"].select("when")
    choices["Category"].select("who").run()
    next(button for button in test.button if button.label == "Keep these notes").click().run()
    survey = open_survey(load_settings())
    with survey.read() as session:
        rows = survey_notes.note_rows(session, [1])
    survey.close()
    assert [(row["text"], row["date"], row["category"]) for row in rows] == [
        ("pug marks", "2024-03-01", "Ana"), ("", "2024-03-02", "Gauri")
    ]  # fmt: skip


def test_a_file_that_was_read_wrongly_is_read_another_way(data_dir):
    test = page()
    content = "site;note\nRIVER;Höhe\nRiver ;x\nRiver;y\n".encode("cp1252")
    test.file_uploader[0].set_value([("notes.csv", content, "text/csv")]).run()
    shown = words(test)
    assert "Windows-1252 · cells split by semicolon · column names in line 1 · 4 lines: 3 notes" in shown
    assert "Category written in several ways: “River”" in shown
    choices = {box.label: box for box in test.selectbox}
    choices["Encoding"].select("cp850").run()
    test.number_input[0].set_value(0).run()
    assert not test.exception
    assert "DOS 850" in words(test)
    assert "no line of column names" in words(test)


def test_ten_files_of_a_kind_are_kept_at_once_and_the_one_that_cannot_be_read_is_named(data_dir):
    test = page()
    given = [
        (f"Ridge {at}.csv", f"date,note\n{at}/3/2024,tiger\n4/5/2024,none\n".encode(), "text/csv")
        for at in range(1, 10)
    ]
    test.file_uploader[0].set_value([*given, ("broken.csv", b'date,note\n1/3/2024,"open\n', "text/csv")]).run()
    assert not test.exception
    assert "on line 2 of broken.csv" in test.error[0].value
    button = next(button for button in test.button if button.label == "Keep these notes: 9 of 10 files, 18 notes")
    assert button.disabled
    next(box for box in test.selectbox if box.label == "Station").select("name of the file")
    test.radio[0].set_value(False).run()
    next(button for button in test.button if button.label.startswith("Keep these notes: 9")).click().run()
    assert not test.exception
    survey = open_survey(load_settings())
    with survey.read() as session:
        rows = survey_notes.note_rows(session, range(1, 10))
    survey.close()
    assert {(row["station"], row["day"]) for row in rows if row["text"] == "tiger"} == {
        (f"Ridge {at}", f"2024-03-0{at}") for at in range(1, 10)
    }
    assert len(test.multiselect[0].value) == 9


def test_an_embedding_model_whose_weights_are_missing_says_so(data_dir, monkeypatch):
    monkeypatch.setattr("app.ui.notes.runs.is_here", lambda name: name == DEFAULT_MODEL)
    test = page()
    test.file_uploader[0].set_value([("notes.csv", b"site,note\nRidge,tiger\n", "text/csv")]).run()
    next(button for button in test.button if button.label == "Keep these notes").click().run()
    models = next(box for box in test.selectbox if box.label == "Embedding model").options
    assert ["not on this computer" in label for label in models] == [False, True, True]


def test_a_quote_that_is_never_closed_stops_with_its_line(data_dir):
    test = page()
    content = b'site,note\nRidge,"Tiger, heard only\nRiver,nothing\n'
    test.file_uploader[0].set_value([("notes.csv", content, "text/csv")]).run()
    assert not test.exception
    assert "on line 2 of notes" in test.error[0].value
    assert "Keep these notes" not in [button.label for button in test.button]


def test_a_finished_run_shows_keywords_notes_and_where_they_lead(finished):
    test = page(run=str(finished))
    assert not test.exception
    shown = words(test)
    assert "2 discriminative keywords" in shown
    assert "<mark>" in unquote(shown) or "mark" in shown
    assert "Notes with “river”" in shown
    links = [str(element.proto) for element in test.get("page_link")]
    assert any("Ford 2: 1 image" in link and "deployment" in link for link in links)


def test_the_table_begins_with_what_a_person_reads_and_its_statistics_are_behind_a_switch(finished):
    test = page(run=str(finished))
    table = test.dataframe[0].value
    assert list(table.columns) == ["keyword", "example", "how often", "notes", "also"]
    assert set(table["how often"]) == {"only at Ford 2", "only at Old road 4"}
    assert all(word in note.lower() for word, note in zip(table["keyword"], table["example"], strict=True))
    test.toggle(key="keyword-statistics").set_value(True).run()
    assert list(test.dataframe[0].value.columns)[5:] == ["z", "q", "lift", "score"]


def test_words_that_rise_are_listed_beside_their_months_and_names_stand_apart_from_words(finished, data_dir):
    path = files.notes_run_folder(data_dir, finished) / "result.json"
    content = json.loads(path.read_text()) | {
        "names": {"river": "place"},
        "months": {"2024-01": 40, "2024-02": 50, "2024-04": 60},
        "by_month": {"river": {"2024-01": 4, "2024-04": 30}, "snare": {"2024-02": 9}},
        "trends": {"keyword": ["river"], "notes": [34], "z": [5.1], "q": [1e-6]},
    }
    path.write_text(json.dumps(content))
    result._read.cache_clear()
    test = page(run=str(finished))
    assert test.dataframe[0].value["keyword"].tolist() == ["snare"]
    test.segmented_control(key="words-or-names").set_value("names").run()
    assert test.dataframe[0].value[["keyword", "is"]].values.tolist() == [["river", "place"]]
    test = page(run=str(finished), **{"notes-view": "Over time"})
    assert not test.exception
    assert test.dataframe[0].value["from month to month"].tolist() == ["rises"]
    plot = month_plot(result.read_result(data_dir, finished, 1), "river").data[0]
    assert list(plot.x) == ["2024-01", "2024-02", "2024-03", "2024-04"]
    assert list(plot.y) == [0.1, 0, None, 0.5]


def test_a_run_without_dates_says_what_a_plot_by_month_needs(finished):
    test = page(run=str(finished), **{"notes-view": "Over time"})
    assert not test.exception
    assert "0 months; at least 3 are needed" in test.info[0].value


def test_what_moved_between_two_runs_is_named_whatever_the_numbers_of_their_clusters():
    def group(number, *words):
        return Cluster(number, f"{words[0]} etc", (number,), words, False, None)

    here = [group(0, "snare", "wire", "fence"), group(1, "river", "ford", "otter"), group(OTHER, "mist")]
    there = [group(1, "snare", "wire", "otter"), group(0, "river", "ford"), group(OTHER, "mist", "fence")]
    assert moved(here, there).values.tolist() == [
        ["fence", "snare etc", "mist etc"], ["otter", "river etc", "snare etc"]
    ]  # fmt: skip
    assert moved(here, here).empty
    assert moved(here, []).empty


def test_a_run_that_failed_says_why_and_offers_to_run_again(finished, data_dir):
    survey = open_survey(load_settings())
    with survey.write() as session:
        run = session.get_one(NoteRun, finished)
        run.state, run.error = RunState.FAILED, "There are no notes in what was chosen."
    test = page(run=str(finished))
    assert "are kept" in test.error[0].value
    next(button for button in test.button if button.label == "Run again").click().run()
    with survey.read() as session:
        assert survey_notes.unfinished(session) == [(finished, 2)]
    survey.close()


def test_a_run_that_does_not_exist_leads_to_the_list(finished):
    for number in ("999", "x", "-1"):
        test = page(run=number)
        assert not test.exception
        assert "The words that tell stations" in words(test)


def test_the_page_shows_keywords_marked_and_everything_escaped():
    text = marked("Wire  SNARE <b> near snares & snare", ["wire snare", "snare"])
    assert text == "<mark>Wire  SNARE</mark> &lt;b&gt; near snares &amp; <mark>snare</mark>"
    assert len(marked("x " * 5000 + "snare" + " y" * 5000, ["snare"])) < 1000
    assert "<mark>snare</mark>" in marked("x " * 5000 + "snare" + " y" * 5000, ["snare"])
    assert "<script>" not in note_html(NoteView(1, "<script>", "", "", "<script>", ""), ["a"])


def test_progress_names_the_step_the_rate_and_the_time_left():
    run = NoteRun(state=RunState.RUNNING, node="embeddings", done=500, total=2000, node_started_at=100.0)
    share, text = pace(run, 110.0)
    assert "500 of 2,000 · 50/s · about 30 s left · you can close this tab" in text
    assert 0 < share < pace(NoteRun(state=RunState.RUNNING, node="clusters", done=0, total=1), 110.0)[0] < 1


def test_two_categories_are_compared_by_their_rates(finished, data_dir):
    found = result.read_result(data_dir, finished, 1)
    table = between(found, "Ford 2", "Old road 4")
    assert table["keyword"].tolist() == ["river", "snare"]
    assert table["z"].iloc[0] > 0 > table["z"].iloc[1]
    assert (between(found, "Old road 4", "Ford 2")["z"] + table["z"]).abs().max() < 1e-9
    assert between(found, "Ridge 1", "Salt lick 3").empty


def test_the_map_keeps_keywords_of_no_cluster_and_the_heat_map_counts_the_others(finished, data_dir):
    found = result.read_result(data_dir, finished, 1)
    groups = clusters(found, {})
    figure = keyword_map(found, "cluster", {"river": "a note"}, groups)
    assert [trace.name for trace in figure.data] == ["river, ford", "Other"]
    assert [label.text for label in figure.layout.annotations] == ["<b>river, ford</b>", "river", "snare"]
    assert [str(trace.customdata[0]) for trace in figure.data] == ["river", "snare"]
    assert "a note" in figure.data[0].text[0]
    assert cluster_heat(found, groups).data[0].z.tolist() == [[1]]
    assert set(shared_keywords(found, found)["in"]) == {"both"}


def test_the_card_of_an_individual_shows_the_notes_near_its_sightings_and_about_it(data_dir):
    survey = open_survey(load_settings())
    _, boxes = add_media(survey, [found()], folder="Ford 2")
    with survey.write() as session:
        identity.new_individual(session, "ana", boxes[0])
        animal = session.scalars(sa.select(Individual)).one()
        table = pd.DataFrame(
            [["at the ford", "FORD 2", f"{START:%d.%m.%Y}", ""], ["elsewhere", "Ridge 1", f"{START:%d.%m.%Y}", ""],
             ["about it", "", "", animal.name.upper()]],
            columns=["text", "station", "date", "individual"],
        )  # fmt: skip
        keep(session, "notes.csv", table, {name: name for name in table.columns}, "ana")
    survey.close()
    test = pages.page("individuals", id=str(animal.id), section="Field notes")
    assert not test.exception
    shown = words(test)
    assert "2 notes" in shown
    assert "at the ford" in shown
    assert "about it" in shown
    assert "elsewhere" not in shown


def test_the_dashboard_loads_no_model_library_for_the_page():
    script = (
        "import app.actions.notes, app.notes.result, app.ui.notes.results, app.ui.notes.runs, app.ui.notes.compare\n"
        "import app.ui.notes.upload"
    )
    libraries = ("torch", "umap", "hdbscan", "sklearn", "transformers", "numba", "hamilton")
    assert brought_in(script, *libraries) == set()
