"""Survey: what came in, what waits for a decision, what went wrong."""

from __future__ import annotations

import streamlit as st

from app import deps
from app.sample.demo_survey import sample_import
from app.survey.calls.overview import WaitingFigures
from app.survey.individuals import catalogue
from app.survey.media.browse import Show
from app.survey.media.progress import recent_imports
from app.ui.shared import counts
from app.ui.shared.address import Detections
from app.ui.shared.header import page_header
from app.ui.shared.navigation import detections_page, identify_page, individuals_page, upload_page
from app.ui.shared.words import many, moment

ABOUT = "What came in, what waits for a decision, and what went wrong."


def first_visit() -> None:
    """Nothing is here yet: lead to Upload or the sample survey."""
    page_header("Welcome to Pugmark", "Bring in camera-trap images: see what is on them, and say who it is.")
    st.page_link(upload_page(), label="Bring in your images", icon=":material/upload:")
    st.caption("No images at hand? The sample survey shows every screen with drawn, clearly synthetic scenes.")
    if st.button("Load the sample survey", icon=":material/draw:", type="primary"):
        deps.jobs().run_import(sample_import(deps.survey()))
        st.switch_page(upload_page())


def figure(column: object, label: str, value: int, page: object, link: str, show: Show | None = None) -> None:
    """One figure with the link to where it is dealt with."""
    with column:  # type: ignore[attr-defined]
        st.metric(label, f"{value:,}")
        st.page_link(page, label=link, query_params=Detections.FILTER.to(show) if show else None)  # type: ignore[arg-type]


def went_wrong(figures: WaitingFigures) -> None:
    """What could not be taken in or analysed, and what to do about it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if figures.failed:
            st.markdown(
                f":material/error: {many(figures.failed, 'media', 'media')} could not be analysed.", width="content"
            )
            st.page_link(
                detections_page(), label="See them", query_params=Detections.FILTER.to(Show.FAILED), width="content"
            )
            if st.button("Analyse them again"):
                deps.jobs().retry_failed()
        if figures.refused:
            st.markdown(f":material/block: {many(figures.refused, 'file')} refused.", width="content")
            st.page_link(upload_page(), label="See which and why", width="content")


def overview() -> None:
    """The figures, each with its link, and the latest imports."""
    state = counts.survey_state()
    figures, places = counts.figures(state), counts.places(state)
    with deps.survey().read() as session:
        individuals = catalogue.count(session)
        imports = recent_imports(session, limit=5)
    left = many(figures.crops_to_identify, "crop") + " to identify"
    page_header("Survey", ABOUT, f"{many(figures.unreviewed, 'media', 'media')} to look through · {left}")
    columns = st.columns(5)
    figure(columns[0], "Images and videos", figures.media, detections_page(), "See them")
    figure(columns[1], "With an animal", figures.animals, detections_page(), "See them", Show.ANIMAL)
    figure(columns[2], "Not reviewed", figures.unreviewed, detections_page(), "Review", Show.UNCERTAIN)
    figure(columns[3], "To identify", figures.crops_to_identify, identify_page(), "Who is this?")
    figure(columns[4], "Individuals", individuals, individuals_page(), "Catalogue")
    if figures.failed or figures.refused:
        went_wrong(figures)
    st.subheader("Imports", anchor=False)
    st.dataframe(
        {
            "import": [one.label for one in imports],
            "when": [moment(one.created_at) for one in imports],
            "files": [one.done for one in imports],
            "new": [one.new for one in imports],
            "already here": [one.duplicate for one in imports],
            "refused": [one.refused for one in imports],
            "state": [one.state for one in imports],
        },
        hide_index=True,
    )
    st.subheader("Deployments", anchor=False)
    table = {"deployment": [name for _, name, _ in places], "images and videos": [count for _, _, count in places]}
    st.dataframe(table, hide_index=True)


with deps.survey().read() as session:
    begun = bool(recent_imports(session, limit=1))
if begun:
    overview()
else:
    first_visit()
