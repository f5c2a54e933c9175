"""What a run over notes found: keywords by category, example notes, the map, the way to stations and animals."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

import pandas as pd
import streamlit as st

from app import deps
from app.files import notes_run_folder
from app.notes.families import Family, families
from app.notes.result import RunResult
from app.survey.notes import views
from app.survey.notes.views import NoteView
from app.survey.tables.notes import NoteRun
from app.ui.notes import plots
from app.ui.shared.address import Detections, FieldNotes, Individuals, Videos
from app.ui.shared.navigation import detections_page, individuals_page, videos_page
from app.ui.shared.words import duration, many, plain

EXAMPLES = 8
LISTED = 60
LONGEST_SHOWN = 600
AROUND = 160
LONGEST_EXAMPLE = 140
MARK = "<style>mark { background: #E9A23B59; color: inherit; font-weight: 600; padding: 0 1px; }</style>"


def summary(run: NoteRun, result: RunResult) -> None:
    """What came out, in sentences, and the files."""
    figures = run.figures
    seconds = (run.finished_at or 0) - (run.started_at or 0)
    st.caption(
        f"{many(figures['notes'], 'note')} in {many(figures['categories'], 'category', 'categories')} · "
        f"{many(figures['keywords'], 'discriminative keyword')} · {many(figures['clusters'], 'cluster')} · "
        f"{duration(seconds)} on the {run.backend} backend · {run.settings['graph'].get('model_name', '')}, "
        f"seed {run.settings['graph'].get('seed', 0)}"
    )
    for line in run.told:
        st.markdown(f":material/info: {plain(line)}")
    folder = notes_run_folder(deps.survey().data_dir, run.id)
    with st.container(horizontal=True):
        for name in ("keywords.csv", "clusters.csv"):
            if (folder / name).is_file():
                st.download_button(name, (folder / name).read_bytes(), name, "text/csv", icon=":material/download:")
        with st.popover("How it was made", icon=":material/account_tree:"):
            st.graphviz_chart(result.graph)
            st.json({"settings": run.settings, "seconds by step": run.seconds}, expanded=False)


def keywords_of(result: RunResult) -> str | None:
    """The table of one category's keywords; returns the keyword that is chosen."""
    names = sorted(result.counts["categories"])
    category = st.selectbox("Category", ["All", *names], **FieldNotes.CATEGORY.bound())
    found = [family for name in (names if category == "All" else [category]) for family in families(result, name)]
    if not found:
        st.info("No word sets this category apart from the others.")
        return None
    statistics = st.toggle("Statistics", key="keyword-statistics", help="z, q and the check on held-out notes.")
    shown = st.dataframe(
        _keyword_table(result, found, statistics),
        hide_index=True,
        height=420,
        on_select="rerun",
        selection_mode="single-row",
        key=f"keywords-{category}-{statistics}",
        column_config={
            "notes": st.column_config.NumberColumn("notes", help="Notes of this category with it."),
            "z": st.column_config.NumberColumn("z", format="%.1f", help="Log-odds over their standard error."),
            "q": st.column_config.NumberColumn("q", format="%.2g", help="Expected share of false finds up to here."),
            "lift": st.column_config.NumberColumn(
                "lift, held out", format="%.1f", help="On notes that had no part in choosing it; above 1 it holds."
            ),
            "score": st.column_config.NumberColumn("KeyBERT", format="%.2f", help="Mean similarity to its notes."),
        },
    )
    rows = shown.selection.rows
    return found[rows[0] if rows and rows[0] < len(found) else 0].keyword


def _keyword_table(result: RunResult, found: Sequence[Family], statistics: bool) -> pd.DataFrame:
    """A row a family: its keyword, an example, how much more often it is, what it stands for; with the figures."""
    first = [result.notes_with(family.keyword, family.category)[:1] for family in found]
    with deps.survey().read() as session:
        notes = views.notes_by_id(session, {number for ids in first for number in ids})
    rows = [
        {
            "keyword": family.keyword,
            "example": notes[ids[0]].text[:LONGEST_EXAMPLE] if ids and ids[0] in notes else "",
            "how often": how_often(family),
            "notes": int(family.figures["support_in"]),
            "also": ", ".join(family.others),
            **({name: family.figures[name] for name in ("z", "q", "lift", "score")} if statistics else {}),
        }
        for family, ids in zip(found, first, strict=True)
    ]
    return pd.DataFrame(rows)


def how_often(family: Family) -> str:
    """How much more often a keyword stands in notes of its category than in others, in words."""
    if family.times is None:
        return f"only at {family.category}"
    times = f"{family.times:.0f}" if family.times >= 10 else f"{family.times:.1f}"
    return f"{times} times as often at {family.category} as elsewhere"


def examples(result: RunResult, keyword: str) -> None:
    """Notes that hold a keyword, the keyword marked; then where they lead."""
    category = st.session_state.get(FieldNotes.CATEGORY.name, FieldNotes.CATEGORY.default)
    ids = result.notes_with(keyword, None if category in (None, "All") else category) or result.notes_with(keyword)
    with deps.survey().read() as session:
        found = views.notes_by_id(session, ids[:LISTED])
    notes = [found[one] for one in ids[:LISTED] if one in found]
    places = ", ".join(f"{name} {count}" for name, count in sorted(result.supports.get(keyword, {}).items()))
    st.markdown(f"**Notes with “{plain(keyword)}”** · {plain(places)}")
    if ids and not notes:
        st.caption("The notes with it were deleted.")
        return
    st.html(MARK + "".join(note_html(note, [keyword]) for note in notes[:EXAMPLES]))
    lead_on(notes)


def note_html(note: NoteView, keywords: Sequence[str]) -> str:
    """One note with the keywords marked; every value is escaped."""
    computed = "computed from a video, not written by a person" if note.media_id else ""
    facts = " · ".join(escape(one) for one in (computed, note.date, note.station, note.individual) if one)
    return (
        f'<div style="border-left:2px solid #7F8A83;padding:2px 10px;margin:0 0 8px"><div>'
        f"{marked(note.text, keywords)}</div>"
        f'<div style="opacity:.75;font-size:.85em">{facts}</div></div>'
    )


def marked(text: str, keywords: Sequence[str]) -> str:
    """The text, escaped, around the first keyword when it is long, every keyword inside a mark."""
    words = [r"\s+".join(re.escape(part) for part in word.split()) for word in sorted(keywords, key=len, reverse=True)]
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE) if words else None
    if len(text) > LONGEST_SHOWN:
        first = pattern.search(text) if pattern else None
        start = max((first.start() if first else 0) - AROUND, 0)
        text = ("…" if start else "") + text[start : start + LONGEST_SHOWN] + "…"
    parts, end = [], 0
    for match in pattern.finditer(text) if pattern else ():
        parts.append(escape(text[end : match.start()]) + f"<mark>{escape(match.group())}</mark>")
        end = match.end()
    return "".join(parts) + escape(text[end:])


def lead_on(notes: Sequence[NoteView]) -> None:
    """Links to the media of the stations, the videos and the individuals of these notes."""
    with deps.survey().read() as session:
        found = views.links(session, notes)
    if not (found.deployments or found.individuals or found.unknown_stations or found.videos):
        return
    with st.container(horizontal=True):
        for number, name, media in found.deployments:
            st.page_link(
                detections_page(),
                label=f"{plain(name)}: {many(media, 'image')}",
                icon=":material/photo_camera:",
                query_params=Detections.DEPLOYMENT.to(number),
                width="content",
            )
        for number, name in found.videos:
            st.page_link(
                videos_page(),
                label=plain(name),
                icon=":material/movie:",
                query_params=Videos.MEDIA.to(number),
                width="content",
            )
        for number, name in found.individuals:
            st.page_link(
                individuals_page(),
                label=plain(name),
                icon=":material/pets:",
                query_params=Individuals.ID.to(number),
                width="content",
            )
    if found.unknown_stations:
        st.caption("Not in the survey under this name: " + plain(", ".join(found.unknown_stations)))


def cluster_map(result: RunResult) -> None:
    """The map with lasso, what it caught, and clusters by category."""
    colour = st.segmented_control("Colour by", ["cluster", "category"], default="cluster", key="colour") or "cluster"
    first = {word: result.notes_with(word)[:1] for word in result.clusters["keyword"]}
    with deps.survey().read() as session:
        notes = views.notes_by_id(session, {one for ids in first.values() for one in ids})
    excerpts = {word: notes[ids[0]].text for word, ids in first.items() if ids and ids[0] in notes}
    figure = plots.keyword_map(result, colour, excerpts)
    event = st.plotly_chart(
        figure, key=f"keyword-map-{colour}", on_select="rerun", selection_mode=("lasso", "box", "points")
    )
    caught = sorted({_keyword_of(point) for point in event.selection.points})
    if caught:
        _caught(result, caught)
    else:
        st.caption("Draw around points to list their notes. Size is the number of notes with the keyword.")
    stable = pd.DataFrame(
        [
            {"cluster": number + 1, "keywords": int((result.clusters["cluster"] == number).sum()),
             "about": _first(result.clusters, number), "stability": share}
            for number, share in result.stability.items()
        ]
    )  # fmt: skip
    if len(stable):
        meaning = "Share of its pairs of keywords that stay together when a fifth of the keywords is left out."
        st.dataframe(
            stable,
            hide_index=True,
            column_config={"stability": st.column_config.NumberColumn(format="percent", help=meaning)},
        )
    heat = plots.cluster_heat(result)
    if heat is not None:
        st.markdown("**Keywords of each category by cluster**")
        st.plotly_chart(heat, key="cluster-heat", config={"displayModeBar": False})


def _caught(result: RunResult, keywords: list[str]) -> None:
    ids = list(dict.fromkeys(one for word in keywords for one in result.notes_with(word)))
    with deps.survey().read() as session:
        found = views.notes_by_id(session, ids[:LISTED])
    notes = [found[one] for one in ids[:LISTED] if one in found]
    st.markdown(f"**{many(len(keywords), 'keyword')}**: {plain(', '.join(keywords))} · {many(len(ids), 'note')}")
    st.html(MARK + "".join(note_html(note, keywords) for note in notes[: 2 * EXAMPLES]))
    lead_on(notes)


def _keyword_of(point: object) -> str:
    value = point["customdata"]  # type: ignore[index]
    return str(value[0] if isinstance(value, list | tuple) else value)


def _first(clusters: pd.DataFrame, number: int) -> str:
    return str(clusters.loc[clusters["cluster"] == number, "label"].iloc[0])
