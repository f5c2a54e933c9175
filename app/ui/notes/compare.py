"""Two categories of a run side by side, and two runs side by side."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from scipy.optimize import linear_sum_assignment

from app import deps
from app.notes.clusters import OTHER, Cluster, clusters
from app.notes.result import RunResult, read_result
from app.notes.sources import name_of
from app.survey.notes import notes as survey_notes
from app.survey.tables.notes import NoteRun, RunState
from app.ui.notes import plots
from app.ui.shared.address import FieldNotes
from app.ui.shared.plots import draw_plot
from app.ui.shared.words import many, plain


def two_categories(result: RunResult) -> None:
    """What is written in one category and not in the other."""
    names = sorted(result.counts["categories"])
    if len(names) < 2:
        st.info("There is one category only.")
        return
    left, right = st.columns(2)
    this = left.selectbox("This category", names, **FieldNotes.THIS_CATEGORY.bound())
    other = right.selectbox(
        "and this one", [name for name in names if name != this], **FieldNotes.OTHER_CATEGORY.bound()
    )
    table = plots.between(result, this, other)
    if table.empty:
        st.info("Neither of the two has a keyword that sets it apart.")
        return
    draw_plot(plots.two_sides(table, this, other), key="two-sides")
    st.caption(
        f"{plain(this)}: {many(result.counts['categories'][this], 'note')}. {plain(other)}: "
        f"{many(result.counts['categories'][other], 'note')}. Only these two are compared, by their rates."
    )


def two_runs(run: NoteRun, result: RunResult, runs: Sequence[NoteRun]) -> None:
    """Which keywords two runs share, and which settings differ."""
    others = {finished.id: finished for finished in runs if finished.id != run.id and finished.state == RunState.DONE}
    if not others:
        st.info("There is no other finished run yet.")
        return
    number = st.selectbox(
        "Compare with", list(others), format_func=lambda choice: f"{others[choice].name} (run {choice})", key="with_run"
    )
    other = others[number]
    found = read_result(deps.survey().data_dir, other.id, other.attempt)
    if found is None:
        st.warning("The files of that run are gone. Run it again.")
        return
    changed = differing_settings(run, other)
    if changed.empty:
        st.caption("Both runs have the same settings.")
    else:
        st.dataframe(changed, hide_index=True)
    table = shared_keywords(result, found)
    counts = table["in"].value_counts()
    st.caption(
        f"{counts.get('both', 0):,} keywords in both · {counts.get('this run', 0):,} only in this run · "
        f"{counts.get('the other', 0):,} only in the other"
    )
    st.dataframe(table, hide_index=True, height=420)
    with deps.survey().read() as session:
        here = clusters(result, survey_notes.cluster_reviews(session, run.id))
        there = clusters(found, survey_notes.cluster_reviews(session, other.id))
    away = moved(here, there)
    st.markdown(f"**What moved to another cluster**: {many(len(away), 'keyword')}")
    if len(away):
        st.dataframe(away, hide_index=True)


def differing_settings(run: NoteRun, other: NoteRun) -> pd.DataFrame:
    """The settings that two runs do not share: setting, this run, the other."""
    here, there = _flat(run), _flat(other)
    rows = [
        {"setting": name, "this run": here.get(name, ""), "the other": there.get(name, "")}
        for name in sorted({*here, *there})
        if here.get(name) != there.get(name)
    ]
    return pd.DataFrame(rows)


def shared_keywords(result: RunResult, other: RunResult) -> pd.DataFrame:
    """All discriminative keywords of two runs: category, keyword, in (both, this run, the other), z and q of each."""
    columns = ["category", "keyword", "z", "q"]
    both = result.keywords[columns].merge(
        other.keywords[columns], how="outer", on=["category", "keyword"], suffixes=("", " (other)"), indicator="in"
    )
    names = {"both": "both", "left_only": "this run", "right_only": "the other"}
    both["in"] = both["in"].astype(str).map(names)
    ordered = both.sort_values(["category", "z", "z (other)"], ascending=[True, False, False], ignore_index=True)
    return ordered[["category", "keyword", "in", "z", "q", "z (other)", "q (other)"]]


def moved(here: Sequence[Cluster], there: Sequence[Cluster]) -> pd.DataFrame:
    """The keywords of two runs that changed their cluster: keyword, in this run, in the other.

    Clusters of two runs are the same where together they share the most keywords (Kuhn 1955); OTHER is OTHER.
    """
    ours = {word: cluster for cluster in here for word in cluster.keywords}
    theirs = {word: cluster for cluster in there for word in cluster.keywords}
    both = sorted(ours.keys() & theirs.keys())
    pairs = [(ours[word].number, theirs[word].number) for word in both]
    named = [pair for pair in pairs if OTHER not in pair]
    shared = pd.crosstab([first for first, _ in named], [second for _, second in named])
    rows, columns = linear_sum_assignment(-shared.to_numpy())
    same = {(OTHER, OTHER), *zip(shared.index[rows], shared.columns[columns], strict=True)}
    changed = [word for word, pair in zip(both, pairs, strict=True) if pair not in same]
    return pd.DataFrame(
        {
            "keyword": changed,
            "in this run": [ours[word].name for word in changed],
            "in the other": [theirs[word].name for word in changed],
        }
    )


def _flat(run: NoteRun) -> dict[str, str]:
    graph = {name: str(value) for name, value in run.settings["graph"].items()}
    source = run.settings["source"]
    return {
        **graph,
        "compared by": name_of(run.settings["grouping"]),
        "notes": ", ".join(map(str, source["files"])) + (" and individuals" if source.get("individuals") else ""),
        "backend": str(run.backend),
    }
