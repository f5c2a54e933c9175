"""The map of keywords beside the list of clusters; a cluster with its notes, stations, individuals and decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import streamlit as st

from app import deps
from app.notes.clusters import OTHER, Cluster, clusters
from app.notes.result import RunResult
from app.survey.decisions import note_clusters
from app.survey.decisions.kinds import Undo
from app.survey.notes import notes as survey_notes
from app.survey.notes import views
from app.ui.notes import plots
from app.ui.notes.note_list import MARK, lead_on, note_html
from app.ui.shared.decisions import callback, decide, undo_button
from app.ui.shared.plots import draw_plot
from app.ui.shared.words import many, plain

EXAMPLES = 12
MOST_NOTES = 500
SHOWN_WORDS = 12
FIT = 8  # clusters beside the map without scrolling


def cluster_map(run_id: int, result: RunResult) -> None:
    """Map and list side by side, then what is chosen in either of them."""
    with deps.survey().read() as session:
        found = clusters(result, survey_notes.cluster_reviews(session, run_id))
    shown = [cluster for cluster in found if not cluster.hidden]
    hidden = [cluster for cluster in found if cluster.hidden]
    left, right = st.columns([3, 2], gap="medium")
    with right:
        chosen = _list(run_id, shown, hidden)
    with left:
        caught = _map(run_id, result, shown, chosen)
    if len(caught) > 1:
        _notes(f"**{many(len(caught), 'keyword')}**: {plain(', '.join(caught))}", result, caught)
    elif chosen is not None:
        _cluster(run_id, result, chosen, shown)
    heat = plots.cluster_heat(result, shown)
    if heat is not None:
        with st.expander("Keywords of each category by cluster"):
            draw_plot(heat, key="cluster-heat")


def _list(run_id: int, shown: Sequence[Cluster], hidden: Sequence[Cluster]) -> Cluster | None:
    """The clusters to choose from, and those that are hidden; returns the chosen one."""
    by_number = {cluster.number: cluster for cluster in shown}
    key = f"cluster-{run_id}"
    if st.session_state.get(key) not in by_number:
        st.session_state[key] = None
    with st.container(height=460 if len(shown) > FIT else "content", border=False):
        number = st.radio(
            "Clusters",
            list(by_number),
            index=None,
            key=key,
            format_func=lambda choice: plain(by_number[choice].name),
            captions=[_about(cluster) for cluster in shown],
        )
    with st.container(horizontal=True):
        undo_button(Undo.NOTE_CLUSTERS, key="undo-clusters", shortcut=None)
        if hidden:
            with st.popover(f"Hidden: {many(len(hidden), 'cluster')}"):
                for cluster in hidden:
                    st.button(
                        f"Show {plain(cluster.name)}",
                        key=f"show-{cluster.number}",
                        on_click=callback(
                            decide, note_clusters.show_cluster, run_id, cluster.number, cluster.name,
                            message=f"{cluster.name} is shown again.",
                        ),
                    )  # fmt: skip
    return by_number.get(number) if number is not None else None


def _about(cluster: Cluster) -> str:
    stable = "" if cluster.stability is None else f" · {cluster.stability:.0%} stable"
    return f"{many(len(cluster.keywords), 'keyword')}{stable}"


def _map(run_id: int, result: RunResult, shown: Sequence[Cluster], chosen: Cluster | None) -> list[str]:
    """The map; a click on a point chooses its cluster. Returns the keywords that were caught with the lasso."""
    colour = st.segmented_control("Colour by", ["cluster", "category"], default="cluster", key="colour") or "cluster"
    words = [word for cluster in shown for word in cluster.keywords]
    if not words:
        st.info("Every cluster is hidden.")
        return []
    first = {word: result.notes_with(word)[:1] for word in words}
    notes = deps.read(views.notes_by_id, {number for ids in first.values() for number in ids})
    excerpts = {word: notes[ids[0]].text for word, ids in first.items() if ids and ids[0] in notes}
    key = f"keyword-map-{run_id}-{colour}"
    cluster_of = {word: cluster.number for cluster in shown for word in cluster.keywords}

    def clicked() -> None:
        caught = _caught(st.session_state[key].selection.points)
        if len(caught) == 1:
            st.session_state[f"cluster-{run_id}"] = cluster_of.get(caught[0])

    event = draw_plot(
        plots.keyword_map(result, colour, excerpts, shown, chosen.number if chosen else None),
        key=key,
        on_select=clicked,
        selection_mode=("lasso", "box", "points"),
    )
    st.caption("Click a point for its cluster, or draw around points to list their notes. Size: notes with the word.")
    return _caught(event.selection.points)


def _caught(points: Iterable[Any]) -> list[str]:
    values = [point.get("customdata") for point in points]
    return sorted({str(value[0] if isinstance(value, list | tuple) else value) for value in values})


def _cluster(run_id: int, result: RunResult, cluster: Cluster, shown: Sequence[Cluster]) -> None:
    """A cluster: what can be decided about it, its keywords, its notes and where they lead."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(cluster.name), anchor=False, width="content")
        key = f"rename-{cluster.number}-{cluster.name}"  # another name closes it
        with st.popover("Rename", icon=":material/edit:", key=key), st.form(f"name-{cluster.number}", border=False):
            name = st.text_input("Name of this cluster", cluster.name, max_chars=note_clusters.LONGEST_NAME)
            if st.form_submit_button("Save") and decide(note_clusters.name_cluster, run_id, cluster.number, name):
                st.rerun()
        others = {other.number: other for other in shown if other.number not in (cluster.number, OTHER)}
        if others and cluster.number != OTHER:
            with st.popover("Merge", icon=":material/merge:"), st.form(f"merge-{cluster.number}", border=False):
                into = st.selectbox(
                    "Make it part of", list(others), format_func=lambda choice: plain(others[choice].name)
                )
                if st.form_submit_button("Merge") and decide(
                    note_clusters.merge_clusters, run_id, cluster.number, into, others[into].name,
                    message=f"{cluster.name} is part of {others[into].name}.",
                ):  # fmt: skip
                    st.rerun()
        st.button(
            "Hide",
            icon=":material/visibility_off:",
            on_click=callback(
                decide, note_clusters.hide_cluster, run_id, cluster.number, cluster.name,
                message=f"{cluster.name} is hidden. Undo brings it back.",
            ),
        )  # fmt: skip
    more = len(cluster.keywords) - SHOWN_WORDS
    words = ", ".join(cluster.keywords[:SHOWN_WORDS]) + (f" and {more:,} more" if more > 0 else "")
    _notes(f"**{many(len(cluster.keywords), 'keyword')}**: {plain(words)}", result, cluster.keywords, cluster)


def _notes(title: str, result: RunResult, keywords: Sequence[str], cluster: Cluster | None = None) -> None:
    """The notes that hold these keywords, their stations and individuals, and where they lead."""
    held = Counter(number for word in keywords for number in result.notes_with(word))
    ids = cluster.notes(result) if cluster else [number for number, _ in held.most_common()]
    found = deps.read(views.notes_by_id, ids[:MOST_NOTES])
    notes = [found[number] for number in ids if number in found]
    st.markdown(f"{title} · {many(len(ids), 'note')}")
    for label, names in (
        ("Stations", Counter(note.station for note in notes if note.station)),
        ("Individuals", Counter(note.individual for note in notes if note.individual)),
    ):
        if names:
            st.markdown(f"{label}: {plain(', '.join(f'{name} {count:,}' for name, count in names.most_common(20)))}")
    if ids and not notes:
        st.caption("The notes with these keywords were deleted.")
        return
    lead_on(notes)
    st.html(MARK + "".join(note_html(note, keywords) for note in notes[:EXAMPLES]))
    if len(notes) > EXAMPLES:
        st.caption(f"The {EXAMPLES} notes with most of its keywords, of {len(notes):,}.")
