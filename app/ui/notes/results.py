"""What a run over notes found: keywords by category, example notes, the map, the way to stations and animals."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app import deps
from app.files import notes_run_folder
from app.notes.families import Family, families
from app.notes.result import RunResult
from app.survey.notes import views
from app.survey.tables.notes import NoteRun
from app.ui.notes.note_list import MARK, lead_on, note_html
from app.ui.shared.address import FieldNotes
from app.ui.shared.status_strip import BACKEND_WORDS
from app.ui.shared.words import duration, many, plain

EXAMPLES = 8
LISTED = 60
LONGEST_EXAMPLE = 140


def summary(run: NoteRun, result: RunResult) -> None:
    """What came out, in sentences, and the files."""
    figures = run.figures
    where = BACKEND_WORDS.get(run.backend or "", run.backend)
    took = f"{duration((run.finished_at or 0) - (run.started_at or 0))} {where or ''}".strip()
    st.caption(
        f"{many(figures['notes'], 'note')} in {many(figures['categories'], 'category', 'categories')} · "
        f"{many(figures['keywords'], 'discriminative keyword')} · {many(figures['clusters'], 'cluster')} · "
        f"{took} · {run.settings['graph'].get('model_name', '')}, "
        f"seed {run.settings['graph'].get('seed', 0)}"
    )
    st.markdown("  \n".join(f":material/info: {plain(line)}" for line in run.caveats))
    folder = notes_run_folder(deps.survey().data_dir, run.id)
    with st.popover("Files, and how it was made", icon=":material/account_tree:"):
        for name in ("keywords.csv", "clusters.csv"):
            if (folder / name).is_file():
                st.download_button(name, (folder / name).read_bytes(), name, "text/csv", icon=":material/download:")
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
    with st.container(horizontal=True, vertical_alignment="center"):
        found = _words_or_names(result, found)
        statistics = st.toggle("Statistics", key="keyword-statistics", help="z, q and the check on held-out notes.")
    shown = st.dataframe(
        _keyword_table(result, found, statistics),
        hide_index=True,
        height=420,
        on_select="rerun",
        selection_mode="single-row",
        key=f"keywords-{category}-{statistics}-{len(found)}",
        column_config={
            "keyword": st.column_config.TextColumn("keyword", width="small"),
            "example": st.column_config.TextColumn("example", width="medium"),
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


def _words_or_names(result: RunResult, found: list[Family]) -> list[Family]:
    """Names of places and individuals apart from what is written about them; what is chosen of the two."""
    names = [family for family in found if family.keyword in result.names]
    words = [family for family in found if family.keyword not in result.names]
    if not names or not words:
        return found
    labels = {"words": f"Words {len(words):,}", "names": f"Names {len(names):,}"}
    chosen = st.segmented_control(
        "Show", list(labels), default="words", format_func=labels.__getitem__, key="words-or-names",
        label_visibility="collapsed", help="Names of places and individuals: of the survey, or written with a capital.",
    )  # fmt: skip
    return names if chosen == "names" else words


def _keyword_table(result: RunResult, found: Sequence[Family], statistics: bool) -> pd.DataFrame:
    """A row a family: its keyword, an example, how much more often it is, what it stands for; with the figures."""
    first = [result.notes_with(family.keyword, family.category)[:1] for family in found]
    notes = deps.read(views.notes_by_id, {number for ids in first for number in ids})
    rows = [
        {
            "keyword": family.keyword,
            "example": notes[ids[0]].text[:LONGEST_EXAMPLE] if ids and ids[0] in notes else "",
            "how often": how_often(family),
            **({"is": result.names[family.keyword]} if family.keyword in result.names else {}),
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
    found = deps.read(views.notes_by_id, ids[:LISTED])
    notes = [found[number] for number in ids[:LISTED] if number in found]
    places = ", ".join(f"{name} {count}" for name, count in sorted(result.supports.get(keyword, {}).items()))
    st.markdown(f"**Notes with “{plain(keyword)}”** · {plain(places)}")
    if ids and not notes:
        st.caption("The notes with it were deleted.")
        return
    st.html(MARK + "".join(note_html(note, [keyword]) for note in notes[:EXAMPLES]))
    lead_on(notes)
