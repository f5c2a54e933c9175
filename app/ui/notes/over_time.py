"""Words over time: those that rise or fall from month to month, and a plot of one of them."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app.notes.months import FEWEST_MONTHS
from app.notes.result import RunResult
from app.ui.notes.plots import COLOURS
from app.ui.shared.plots import calm, draw_plot
from app.ui.shared.words import many, plain

HEIGHT = 300
SMALL = 200


def over_time(result: RunResult) -> None:
    """The words that rise or fall, with the months of the chosen one beside them."""
    if len(result.months) < FEWEST_MONTHS:
        remedy = "Run again with notes of more months." if result.months else (
            "Choose the column with the date when you bring the notes, and run again."
        )  # fmt: skip
        st.info(
            f"The dates of these notes name {many(len(result.months), 'month')}; at least {FEWEST_MONTHS} are needed. "
            + remedy
        )
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        chosen = _trends(result)
    with right:
        word = (
            st.selectbox("Word", sorted(result.by_month), index=None, placeholder=chosen or "Choose a word") or chosen
        )
        if word:
            month_chart(result, word, HEIGHT)
    st.caption("All notes together, by month; months differ in who wrote and where, so a trend is a hint to look.")


def _trends(result: RunResult) -> str | None:
    """The table of words that rise or fall; returns the chosen one, or the first."""
    table = result.trends
    if table.empty:
        st.info("No word rises or falls from month to month more than chance explains.")
        return None
    shown = pd.DataFrame(
        {
            "word": table["keyword"],
            "from month to month": ["rises" if z > 0 else "falls" for z in table["z"]],
            "notes": table["notes"],
            "z": table["z"],
            "q": table["q"],
        }
    )
    event = st.dataframe(
        shown,
        hide_index=True,
        height=420,
        on_select="rerun",
        selection_mode="single-row",
        key="trends",
        column_config={
            "z": st.column_config.NumberColumn("z", format="%.1f", help="Cochran and Armitage's test for trend."),
            "q": st.column_config.NumberColumn("q", format="%.2g", help="Expected share of false finds up to here."),
        },
    )
    rows = event.selection.rows
    return str(shown["word"][rows[0] if rows and rows[0] < len(shown) else 0])


def month_chart(result: RunResult, word: str, height: int = SMALL) -> None:
    """The share of each month's notes that hold a word; nothing where the dates name one month or none."""
    if len(result.months) > 1 and word in result.by_month:
        st.markdown(f"**“{plain(word)}” by month**")
        key = f"months-{word}-{height}"
        draw_plot(month_plot(result, word, height), key=key)


def month_plot(result: RunResult, word: str, height: int = SMALL) -> go.Figure:
    """A bar a month: the share of its notes that hold the word; months between without notes stay empty."""
    names = [str(month) for month in pd.period_range(min(result.months), max(result.months), freq="M")]
    notes = [result.months.get(name, 0) for name in names]
    held = [result.by_month[word].get(name, 0) for name in names]
    figure = go.Figure(
        go.Bar(
            x=names,
            y=[count / total if total else None for count, total in zip(held, notes, strict=True)],
            customdata=list(zip(held, notes, strict=True)),
            hovertemplate="%{x}<br>%{customdata[0]} of %{customdata[1]} notes<extra></extra>",
            marker={"color": COLOURS[0]},
        )
    )
    figure.update_xaxes(type="category")
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    return calm(figure, height)
