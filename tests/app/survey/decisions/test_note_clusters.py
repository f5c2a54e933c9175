"""Clusters of a run are named, merged and hidden as decisions; undo brings back what was there."""

from __future__ import annotations

import pandas as pd
import pytest

from app.notes.clusters import OTHER, Cluster, clusters
from app.notes.result import RunResult
from app.notes.sources import settings_of
from app.survey.database import Survey
from app.survey.decisions import note_clusters, undoing
from app.survey.decisions.refusals import BadDecision
from app.survey.notes import notes as survey_notes

TABLE = pd.DataFrame(
    {
        "keyword": ["river", "ford", "snare", "wire", "goat", "mist"],
        "cluster": [0, 0, 1, 1, 2, OTHER],
        "label": ["river, ford", "river, ford", "snare", "snare", "goat", ""],
    }
)
RESULT = RunResult(
    pd.DataFrame(), TABLE, {0: 0.9, 1: 0.8, 2: 0.7}, {"river": {"a": [1, 2]}, "ford": {"a": [2]}}, {},
    {"ford": {"a": 1}, "river": {"a": 2}}, "",
)  # fmt: skip


@pytest.fixture
def run_id(survey: Survey) -> int:
    with survey.write() as session:
        return survey_notes.start_run(session, "by station", settings_of([], "station"), "ana").id


def shown(survey: Survey, run_id: int) -> list[Cluster]:
    with survey.read() as session:
        return clusters(RESULT, survey_notes.cluster_reviews(session, run_id))


def test_clusters_are_named_merged_and_hidden_and_every_step_is_undone(survey, run_id):
    computed = shown(survey, run_id)
    assert [cluster.name for cluster in computed] == ["river, ford", "snare", "goat", "Other"]
    assert (computed[0].keywords, computed[0].notes(RESULT)) == (("river", "ford"), [2, 1])
    with survey.write() as session:
        made = [
            note_clusters.merge_clusters(session, "ana", run_id, 2, 1, "snare").id,
            note_clusters.merge_clusters(session, "ana", run_id, 1, 0, "river, ford").id,
            note_clusters.name_cluster(session, "ana", run_id, 0, "  At the   water ").id,
            note_clusters.hide_cluster(session, "ana", run_id, OTHER, "Other").id,
        ]
    merged, other = shown(survey, run_id)
    assert (merged.name, merged.numbers, len(merged.keywords)) == ("At the water", (0, 1, 2), 5)
    assert (other.hidden, other.stability) == (True, None)
    with survey.write() as session:
        for decision in reversed(made):
            undoing.undo_one(session, decision, "ana")
    assert shown(survey, run_id) == computed


def test_a_cluster_is_not_merged_with_itself_or_with_a_part_of_another(survey, run_id):
    with survey.write() as session:
        note_clusters.merge_clusters(session, "ana", run_id, 2, 1, "snare")
        for number, into in ((0, 0), (0, 2)):
            with pytest.raises(BadDecision):
                note_clusters.merge_clusters(session, "ana", run_id, number, into, "x")
        with pytest.raises(BadDecision):
            note_clusters.name_cluster(session, "ana", run_id, 0, "  ")
