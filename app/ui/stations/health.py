"""Camera health: a time line over all deployments, and one camera's strip of a picture a day with what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import plotly.graph_objects as go
import streamlit as st

from app import deps
from app.survey.media.health import Health, healths
from app.ui.shared import counts
from app.ui.shared.crops.crops import crop_gallery
from app.ui.shared.paging import page_of
from app.ui.shared.plots import GREY, MARK, draw_plot
from app.ui.shared.words import day as in_words
from app.ui.shared.words import many, plain

WAIT_SECONDS = 0.05
FAULT = "#C8553D"
A_PAGE, MOST_DAYS = 30, 60


def health_view() -> None:
    """The whole section."""
    found = _current()
    if found is None:
        counts.wait_for(_current, "Looking at every camera …")
        return
    if not any(health.days for health in found):
        st.info("No deployment has media with a time yet. Clocks, or what is read from pictures, gives them theirs.")
        return
    nights, faulty = sum(health.nights for health in found), [health for health in found if health.faults]
    columns = st.columns(3)
    columns[0].metric("Trap nights", f"{nights:,}")
    columns[1].metric("Days without pictures", f"{sum(health.empty_days for health in found):,}")
    columns[2].metric("Cameras to look at", f"{len(faulty):,}")
    shown = found[page_of(len(found), A_PAGE, key="health-page")]
    draw_plot(time_line(shown), key="time-line")
    st.caption("Grey: taken to have worked. Green: days with media. Red: something went wrong from that day on.")
    ordered = sorted(range(len(found)), key=lambda place: not found[place].faults)
    at = st.selectbox("Camera", ordered, format_func=lambda place: _title(found[place]), key="health-camera")
    _camera(found[at])


def time_line(found: Sequence[Health]) -> go.Figure:
    """Every deployment as a bar of the days it worked, with its days of media and its faults."""
    figure = go.Figure()
    names = [health.deployment.name for health in found]
    spans = [(health.deployment.name, health.first, health.last) for health in found if health.first and health.last]
    figure.add_bar(
        y=[name for name, _, _ in spans], base=[str(first) for _, first, _ in spans], orientation="h",
        x=[((last - first).days + 1) * 86_400_000 for _, first, last in spans], marker={"color": GREY, "opacity": 0.3},
        hovertemplate="%{y}<br>from %{base}<extra></extra>", name="worked", width=0.7,
    )  # fmt: skip
    days = [(health.deployment.name, day, count) for health in found for day, _, count in health.days]
    figure.add_scatter(
        y=[name for name, _, _ in days], x=[f"{day}T12:00" for _, day, _ in days], mode="markers", name="days",
        marker={"symbol": "square", "size": 7, "color": MARK}, customdata=[count for _, _, count in days],
        hovertemplate="%{y}<br>%{x|%-d %b %Y}: %{customdata} media<extra></extra>",
    )  # fmt: skip
    faults = [
        (health.deployment.name, day, f"{fault}: {text}") for health in found for fault, text, day in health.faults
    ]
    figure.add_scatter(
        y=[name for name, _, _ in faults], x=[f"{day}T12:00" for _, day, _ in faults], mode="markers", name="faults",
        marker={"symbol": "x", "size": 11, "color": FAULT}, text=[text for _, _, text in faults],
        hovertemplate="%{y}<br>%{text}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(type="date")
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], automargin=True, type="category")
    height, margin = max(180, 26 * len(names) + 90), {"l": 0, "r": 8, "t": 8, "b": 0}
    figure.update_layout(height=height, margin=margin, showlegend=False)
    return figure


def _camera(health: Health) -> None:
    """Effort, faults and the strip of one camera."""
    if health.first and health.last:
        who = "as stated" if health.stated else "by its media; state the days under Stations if it stood longer"
        st.markdown(
            f"{many(health.nights, 'trap night')} from {health.first} to {health.last} ({who}) · "
            f"{many(health.empty_days, 'day')} without pictures"
        )
    for fault, text, _ in health.faults:
        st.markdown(f":material/warning: **{fault.capitalize()}** · {plain(text)}")
    step = max(-(-len(health.days) // MOST_DAYS), 1)
    if step > 1:
        st.caption(f"Every {step}. day with media is shown.")
    crop_gallery(
        [
            {
                "id": shot.media_id,
                "src": deps.thumb_url(shot.sha256),
                "label": in_words(day),
                "sub": many(count, "media", "media"),
                "badge": _badge(health, place),
            }
            for place, (day, shot, count) in list(enumerate(health.days))[::step]
        ],
        key=f"strip-{health.deployment.id}",
        size=120,
    )


def _badge(health: Health, place: int) -> str:
    """What to say on a day: a fault that began, or how many days before it had no picture."""
    day = health.days[place][0]
    begun = [str(fault) for fault, _, since in health.faults if since == day]
    gap = (day - health.days[place - 1][0] - timedelta(days=1)).days if place else 0
    return ", ".join(begun) or (f"{gap} d without" if gap else "")


def _title(health: Health) -> str:
    return (
        f"{health.deployment.name} · {', '.join(dict.fromkeys(fault for fault, _, _ in health.faults)) or 'no fault'}"
    )


def _current() -> list[Health] | None:
    """How every camera worked, as the survey stands; None while it is computed beside the page."""
    return counts.beside(("health", counts.stations_state()), healths, WAIT_SECONDS)
