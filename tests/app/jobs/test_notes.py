"""The whole way from a file to two tables: by command, as a job, in two processes, and with notes that are none."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.__main__ import main
from app.actions.notes import settings_of
from app.analysis.context import open_context
from app.jobs import notes as job
from app.notes.result import read_result
from app.notes.sources import keep
from app.settings import load_settings
from app.survey.notes import notes as survey_notes
from app.survey.notes import views
from modal_backend.models.text import keyword_clusters
from modal_backend.models.text.sentence_embedding import load_embedding
from modal_backend.notes import graph
from modal_backend.notes.pipeline import NoteSettings, NotesPipeline
from tests.support.planted_notes import planted_notes

KEYWORDS = ["category", "keyword", "support_in", "support_out", "z", "q", "discriminative"]
CLUSTERS = ["keyword", "cluster", "probability", "label", "x", "y"]


@pytest.fixture
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PUGMARK_DATA_DIR", str(tmp_path / "data"))
    load_settings.cache_clear()
    yield
    load_settings.cache_clear()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """Notes of three categories with words planted in each, as CSV; too few keywords for clusters, which take long."""
    path = tmp_path_factory.mktemp("corpus") / "notes.csv"
    planted_notes(0, [20, 20, 20], neutral=30, words=2, share_in=0.6, length=3).table.to_csv(path, index=False)
    return path


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def notes(corpus: Path, out: Path, *more: str) -> int:
    return main(["notes", str(corpus), "--text", "text", "--category", "category", "--out", str(out), *more])


@pytest.mark.parametrize(
    ("name", "content", "status", "message"),
    [
        ("empty.csv", "", 2, "is empty"),
        ("headings.csv", "text,category\n", 2, "holds no notes"),
        ("one.csv", "text,category\na tiger at the ford,x\n", 0, "one category only"),
        ("category.csv", "text,category\n" + "a tiger at the ford,x\nno sign,x\n" * 3, 0, "one category only"),
        ("same.csv", "text,category\n" + "a tiger,x\na tiger,y\n" * 30, 0, "No word differs between the categories"),
        ("columns.csv", "remark,category\na,b\n", 2, "no column named text"),
    ],
)
def test_notes_with_nothing_to_tell_say_so(tmp_path, own_settings, capsys, name, content, status, message):
    (tmp_path / name).write_text(content)
    assert notes(tmp_path / name, tmp_path / "out") == status
    answer = capsys.readouterr()
    assert message in answer.out + answer.err
    if status == 0:
        written = rows(tmp_path / "out" / "keywords.csv")
        assert written[0] == KEYWORDS
        assert all(row[6] == "False" for row in written[1:])
        assert rows(tmp_path / "out" / "clusters.csv") == [CLUSTERS]


def test_formulas_html_control_characters_and_a_book_in_one_note_do_no_harm(tmp_path, own_settings, capsys):
    odd = ["=cmd|'/C calc'!A0 snare", "<b>snare</b>\x07 <script>x</script>", "snare " + "pug marks " * 10_000]
    table = pd.DataFrame(
        [{"text": f"{number}x {text}", "category": "=HYPERLINK(1)"} for number, text in enumerate(odd * 4)]
        + [{"text": f"quiet night {number}x", "category": "@b"} for number in range(12)]
    )
    table.to_csv(tmp_path / "odd.csv", index=False)
    assert notes(tmp_path / "odd.csv", tmp_path / "out") == 0
    found = rows(tmp_path / "out" / "keywords.csv")
    assert {row[0] for row in found[1:]} == {"'=HYPERLINK(1)", "'@b"}
    assert ["'=HYPERLINK(1)", "snare", "12", "0"] in [row[:4] for row in found]
    assert "Longer than the model reads: 4 notes" in capsys.readouterr().out


def test_a_node_can_be_asked_for_alone_and_the_cache_answers_by_content(corpus, tmp_path, monkeypatch):
    embedded, original = [], graph.keywords.embed

    def embed(texts, *args, **options):
        embedded.append(len(texts))
        return original(texts, *args, **options)

    monkeypatch.setattr(graph.keywords, "embed", embed)
    ran: list[str] = []
    first = NotesPipeline(corpus, tmp_path, report=lambda node, *_: ran.append(node))
    table = first.dr.execute(["discriminative_keywords"])["discriminative_keywords"]
    assert "embeddings" in ran
    assert "clusters" not in ran
    again = NotesPipeline(corpus, tmp_path)
    assert again.run(["discriminative_keywords"])["discriminative_keywords"].equals(table)
    assert embedded == [60]
    other = NotesPipeline(corpus, tmp_path, settings=NoteSettings(seed_words=("river",)))
    other.run(["note_keywords"])
    assert embedded == [60, 60]
    NotesPipeline(corpus, tmp_path, disable_cache=True).run(["note_keywords"])
    assert embedded == [60, 60, 60]
    assert '"cleaned" -> "candidates"' in again.drawing()


def test_a_run_in_the_survey_is_done_as_a_job_and_keeps_what_the_page_needs(survey, corpus):
    table = pd.read_csv(corpus)
    table["date"] = [f"2024-0{1 + number % 4}-09" for number in range(len(table))]
    columns = {"text": "text", "station": "category", "date": "date"}
    with survey.write() as session:
        file = keep(session, "planted", table, columns, "ana")
        again = keep(session, "planted", table, columns, "ana")
        run = survey_notes.start_run(session, "by station", settings_of([file.id], "station"), "ana")
        assert again.id == file.id
    with open_context(survey, "test") as context:
        assert job.bring_to_end(context, run.id, "notes-1-1") == ""
    with survey.read() as session:
        done = survey_notes.run_of(session, run.id)
        found = read_result(survey.data_dir, run.id, done.attempt)
        word = found.keywords["keyword"][0]
        held = views.notes_by_id(session, found.notes_with(word))
    assert (done.state, done.figures["categories"]) == ("done", 3)
    assert done.seconds["embeddings"] > 0
    assert held
    assert all(word in note.text for note in held.values())
    assert set(found.supports[word]) <= set(found.counts["categories"])
    assert sum(found.months.values()) == done.figures["notes"]
    assert sum(found.by_month[word].values()) == sum(found.supports[word].values())


def test_a_run_without_notes_fails_with_a_sentence_and_can_be_run_again(survey):
    with survey.write() as session:
        run = survey_notes.start_run(session, "nothing", settings_of([], "station"), "ana")
    with open_context(survey, "test") as context:
        assert "no notes" in job.bring_to_end(context, run.id, "notes-1-1")
    with survey.write() as session:
        assert survey_notes.run_of(session, run.id).state == "failed"
        survey_notes.again(session, run.id)
        assert survey_notes.run_of(session, run.id).state == "queued"


def test_few_keywords_are_placed_on_the_map_but_not_grouped():
    vectors = load_embedding().encode(["snare", "river", "ford"])
    assert set(keyword_clusters.cluster(vectors).labels) == {-1}
    assert keyword_clusters.layout(vectors).shape == (3, 2)
    assert keyword_clusters.layout(vectors[:0]).shape == (0, 2)
    assert np.abs(keyword_clusters.layout(vectors)).max() == pytest.approx(1)
    clustering = keyword_clusters.run_keyword_clustering({"a": ["snare", "river"]})
    assert "too few" in clustering["reason"]
