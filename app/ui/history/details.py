"""What stands behind one decision: its picture, what changed, the models' figures; the question before a long undo."""

from __future__ import annotations

from html import escape

import streamlit as st

from app import deps
from app.survey.decisions import history
from app.survey.decisions.history import HistoryEntry
from app.ui.history.words import field, thing
from app.ui.shared.decisions import callback, undo
from app.ui.shared.words import many

PICTURES = 12
FIGURES = {
    "probability": "probability that it is the same animal",
    "score": "raw score",
    "confidence": "confidence",
    "threshold": "threshold",
    "model": "model",
    "matches": "matched features",
    "rank": "place among the candidates",
}


def thumbnail(entry: HistoryEntry) -> None:
    """The picture a decision is about, small; nothing for one about many or none."""
    if entry.sha256 and deps.routes_served():
        st.html(_image(entry.sha256), width=64)


def details(entry: HistoryEntry) -> None:
    """What was before and after, and what the models had to say when it was decided."""
    rows = deps.read(history.changed_rows, entry.id)
    if rows:
        tables, columns, before, after = zip(*rows, strict=True)
        shown = {"what": map(thing, tables), "which": map(field, columns), "before": before, "after": after}
        st.dataframe({name: list(values) for name, values in shown.items()}, hide_index=True)
    figures = [f"{words}: {entry.view[name]}" for name, words in FIGURES.items() if entry.view.get(name) is not None]
    st.caption(" · ".join(figures) if figures else "No model's figures were on the screen for this one.")


@st.dialog("Undo back to here?")
def undo_back(entry: HistoryEntry) -> None:
    """Ask before several decisions are undone, with their number and pictures."""
    with deps.survey().read() as session:
        ids = history.standing_since(session, entry.id, entry.who)
        shown = history.pictures_of(session, ids, PICTURES)
    st.markdown(f"This undoes **{many(len(ids), 'decision')}** of yours, newest first. Each can be made again.")
    if shown and deps.routes_served():
        st.html(f'<div class="pm-shots small">{"".join(_image(sha256) for sha256 in shown)}</div>')
    take_back = callback(undo, decision_id=entry.id, and_since=True)
    if st.button(f"Undo {many(len(ids), 'decision')}", type="primary", icon=":material/undo:", on_click=take_back):
        st.rerun()


def _image(sha256: str) -> str:
    return f'<img class="pm-thumb" alt="" loading="lazy" src="{escape(deps.thumb_url(sha256), quote=True)}">'
