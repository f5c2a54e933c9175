"""The status strip: one line that every page shows, refreshed every two seconds."""

from __future__ import annotations

import time
from html import escape
from urllib.parse import quote

import streamlit as st

from app import deps
from app.survey.calls.overview import StripSnapshot, snapshot
from app.ui.shared import counts
from app.ui.shared.time_left import seconds_left
from app.ui.shared.troubles import drawn_again, drawn_by_itself
from app.ui.shared.words import duration, many

WIDE, HIGH = 120, 18
MOST_LETTERS = 60  # of what calls wait for; the rest is in the title
GREY = "#7F8A83"  # at least 3:1 on both themes
DRAWN, HTML = "decisions-drawn", "strip-html"
EVERY = 2  # seconds
BACKEND_WORDS = {"embedded": "on this computer", "modal": "on Modal"}
BACKEND_COLOURS = {"embedded": "#6B8CAE", "modal": "#8E7CC3"}


def status_strip() -> None:
    """Draw the strip, and the page again when somebody else, or another tab, has decided something.

    Call it at top level, outside other fragments, before the page: this run draws the page as it is now, and to begin
    it again would lose the click that began it and what its callback had to say.
    """
    st.session_state[DRAWN] = counts.decisions_mark()
    _live()


@drawn_again(f"{EVERY}s")
def _live() -> None:
    alone = drawn_by_itself()
    html, drawn_at = st.session_state.get(HTML, ("", 0.0))
    if alone or time.monotonic() - drawn_at > EVERY:  # with the page it repeats what it has just drawn by itself
        figures = snapshot(deps.survey(), deps.settings().active_backend.value)
        html = strip_html(figures, _worker_note(), deps.models_in_use())
        st.session_state[HTML] = html, time.monotonic()
    st.html(html)
    if not alone:
        return
    mark = counts.decisions_mark()
    if st.session_state.get(DRAWN) not in (None, mark):
        st.session_state[DRAWN] = mark
        st.rerun()


def page_drawn() -> None:
    """Remember which decisions the page shows. Call it when the page has been drawn."""
    st.session_state[DRAWN] = counts.decisions_mark()


def _worker_note() -> str:
    worker = deps.here().worker
    return "worker not running" if worker is not None and not worker.alive() else ""


def strip_html(figures: StripSnapshot, note: str = "", models: str = "") -> str:
    """The strip as one line of HTML; every value is escaped. models: what finds and describes the animals."""
    colour = "#C98A1B" if note else BACKEND_COLOURS.get(figures.backend, "#6B8CAE")
    name = escape(BACKEND_WORDS.get(figures.backend, figures.backend)) + (f" · {escape(note)}" if note else "")
    title = escape(f"Models in use: {models}" if models else "Where the models run", quote=True)
    parts = [
        f'<span class="pm-backend" title="{title}"><i style="background:{colour}"></i>{name}</span>',
        _figure("waiting", figures.queued, "Images and videos that no model has looked at yet"),
        _figure("running", figures.running, "Calls of models under way"),
        _failed(figures.failed),
        _waits_for(figures.waits_for),
        _time_left(figures),
        _latency(figures),
    ]
    return f'<div class="pm-strip" role="status" aria-live="off">{"".join(parts)}</div>'


def _time_left(figures: StripSnapshot) -> str:
    measured = figures.seconds_left.items()
    left = [shown for number, known in measured if (shown := seconds_left(number, known)) is not None]
    return f"<span>about <b>{duration(max(left))}</b> left</span>" if left else ""


def _figure(word: str, number: int, about: str) -> str:
    return f'<span class="pm-figure" title="{about}"><b>{number:,}</b> {word}</span>'


def _failed(number: int) -> str:
    if not number:
        return _figure("failed", 0, "Images and videos whose analysis failed")
    return (
        f'<a class="pm-figure pm-failed" href="/detections?filter=failed" target="_self"><b>{number:,}</b> failed</a>'
    )


def _waits_for(note: str) -> str:
    if not note:
        return ""
    short = note if len(note) <= MOST_LETTERS else f"{note[:MOST_LETTERS].rstrip()}…"
    return f'<span class="pm-figure pm-note" title="{escape(note, quote=True)}">{escape(short)}</span>'


def _latency(figures: StripSnapshot) -> str:
    parts = [_longer(about, calls, median) for about, calls, median in figures.longer]
    if figures.p50 is not None and figures.p95 is not None:
        title = (
            "How long a model takes for a batch of images, last 5 minutes: the median, and what 95 of 100 stay under"
        )
        text = f"a batch takes <b>{seconds(figures.p50)}</b>, at most <b>{seconds(figures.p95)}</b>"
        parts.append(f'<span title="{title}">{text}</span>{sparkline(figures.sparkline)}')
    return f'<span class="pm-latency">{"".join(parts) or "no calls in the last 5 min"}</span>'


def _longer(about: str, calls: int, median: float) -> str:
    title = f"{many(calls, 'call')} over {about} in the last 5 minutes, each over all of them; median duration"
    return f'<span class="pm-longer" title="{escape(title)}">{escape(about)} <b>{seconds(median)}</b></span>'


def seconds(value: float) -> str:
    """A duration with its unit: 85 ms, 1.2 s, 12 s."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 10 else f"{value:,.0f} s"


def sparkline(values: list[float | None]) -> str:
    """60 points as an SVG in the address of an image (st.html drops inline SVG); breaks where nothing ended."""
    known = [value for value in values if value is not None]
    top = max(known, default=0.0) or 1.0
    step = WIDE / max(len(values) - 1, 1)
    path, lifted = [], True
    for place, value in enumerate(values):
        if value is None:
            lifted = True
            continue
        y = HIGH - 2 - (HIGH - 4) * value / top
        path.append(f"{'M' if lifted else 'L'}{place * step:.1f} {y:.1f}" + ("h0.01" if lifted else ""))
        lifted = False
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE}" height="{HIGH}" viewBox="0 0 {WIDE} {HIGH}">'
        f'<path d="{"".join(path)}" fill="none" stroke="{GREY}" stroke-width="1.5" stroke-linecap="round"/></svg>'
    )
    return f'<img class="pm-spark" alt="" width="{WIDE}" height="{HIGH}" src="data:image/svg+xml,{quote(drawing)}">'
