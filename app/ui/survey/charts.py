"""Where, when and which animals were seen: a map without tiles, and bars, which cost a browser nothing to draw."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from app import deps
from app.survey.detections.results import threshold_of
from app.survey.media import browse
from app.survey.media.overview import Glance, glance
from app.ui.individuals.plots import counts_map
from app.ui.shared import counts
from app.ui.shared.plots import draw_plot
from app.ui.shared.shots import shots_html
from app.ui.shared.words import many, plain, when_taken

WAIT_SECONDS = 0.05
MOST_SPECIES = 8
NAMED_HOURS = (0, 6, 12, 18, 23)
SEEN = "images and videos"


def current_glance() -> Glance | None:
    """The figures of the survey as it stands; None while they are being computed beside the page."""
    return counts.beside(
        ("glance", counts.survey_state()),
        lambda session: glance(session, threshold_of(browse.detector(session))),
        WAIT_SECONDS,
    )


def best_picture(seen: Glance) -> None:
    """The best picture of the last day, large, with its boxes."""
    if seen.best is None:
        return
    with deps.survey().read() as session:
        views = browse.views(session, [seen.best])
        threshold = threshold_of(browse.detector(session))
    if views:
        st.html(shots_html(views, threshold, large=True))
        view = views[0]
        best = "Best picture of the last day" if view.taken_at else "Best picture"
        time = when_taken(view.taken_at, view.clock_showed)
        st.caption(f"{best} · {plain(view.deployment or 'no deployment')} · {time}")


def charts(seen: Glance) -> None:
    """The map, the species and the hours side by side."""
    if not any(seen.hours) and not seen.stations:
        return
    where, which, at = st.columns(3, gap="medium")
    with where:
        st.subheader("Where", anchor=False)
        figure = counts_map(seen.places, seen.stations, "images and videos with an animal")
        if figure is None:
            st.caption("No station has coordinates yet.")
        else:
            draw_plot(figure, key="survey-map")
    with which:
        st.subheader("Which", anchor=False)
        st.html(species_html(seen.species))
    with at:
        st.subheader("When", anchor=False)
        if any(seen.hours):
            st.html(hours_html(seen.hours))
        else:
            st.caption("No image or video with an animal has a time yet.")


def species_html(species: Sequence[tuple[str, int]]) -> str:
    """Bars of the species, the most often seen first; every name is escaped."""
    rest = sum(count for _, count in species[MOST_SPECIES:])
    rows = [*species[:MOST_SPECIES], *([("others", rest)] if rest else [])]
    most = max((count for _, count in rows), default=1)
    bars = "".join(
        f'<div role="listitem"><span>{escape(name)}</span><i style="--share:{count / most:.3f}"></i><b>{count:,}</b>'
        "</div>"
        for name, count in rows
    )
    return f'<div class="pm-bars" role="list" aria-label="Images and videos by species">{bars}</div>'


def hours_html(hours: Sequence[int]) -> str:
    """A column for each hour of the day."""
    most = max(*hours, 1)
    columns = "".join(
        f'<div role="listitem" style="--share:{count / most:.3f}" title="{words}" aria-label="{words}">'
        f"<i></i><span>{hour if hour in NAMED_HOURS else ''}</span></div>"
        for hour, count in enumerate(hours)
        if (words := f"{hour}:00 to {hour}:59: {many(count, 'image or video', SEEN)}")
    )
    return f'<div class="pm-hours" role="list" aria-label="Images and videos by hour of the day">{columns}</div>'
