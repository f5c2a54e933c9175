"""Survey: what came in, what waits for a decision, what went wrong."""

from __future__ import annotations

import streamlit as st

from app import deps
from app.survey.calls.overview import WaitingFigures
from app.survey.individuals import catalogue
from app.survey.media.browse import Show
from app.survey.media.progress import labels, recent_imports
from app.ui.shared import counts
from app.ui.shared.address import Detections
from app.ui.shared.guide import sample_button
from app.ui.shared.header import page_header
from app.ui.shared.navigation import detections_page, identify_page, individuals_page, upload_page
from app.ui.shared.words import many
from app.ui.survey.charts import best_picture, charts, current_glance
from app.ui.survey.todo import ask_for_questions, to_do_list
from app.ui.upload.progress import import_list

ABOUT = "What came in, what waits for you, and what was seen where and when."
IMPORTS = 3
REDRAWN_SECONDS = 4.0  # while files come in


def first_visit() -> None:
    """Nothing is here yet: lead to Upload or the sample survey."""
    page_header("Welcome to Pugmark", "Bring in camera-trap images: see what is on them, and say who it is.")
    st.page_link(upload_page(), label="Bring in your images", icon=":material/upload:")
    st.caption(
        "No images at hand? The sample survey shows every page with drawn scenes of tigers that do not exist; "
        "their boxes are found on this computer while you look."
    )
    sample_button(type="primary")


def figure(column: object, label: str, value: int, page: object, link: str, show: Show | None = None) -> None:
    """One figure with the link to where it is dealt with."""
    with column:  # type: ignore[attr-defined]
        st.metric(label, f"{value:,}")
        st.page_link(page, label=link, query_params=Detections.FILTER.to(show) if show else None)  # type: ignore[arg-type]


def figure_row(figures: WaitingFigures) -> None:
    """What there is and what waits, in five figures."""
    individuals = deps.read(catalogue.count)
    columns = st.columns(5)
    figure(columns[0], "Images and videos", figures.media, detections_page(), "See them")
    figure(columns[1], "With an animal", figures.animals, detections_page(), "See them", Show.ANIMAL)
    figure(columns[2], "Not reviewed", figures.unreviewed, detections_page(), "Review", Show.UNCERTAIN)
    figure(columns[3], "To identify", figures.crops_to_identify, identify_page(), "Who is this?")
    figure(columns[4], "Individuals", individuals, individuals_page(), "Catalogue")


def overview() -> None:
    """The best picture beside what waits, what was seen, and the latest imports."""
    figures = counts.figures(counts.survey_state())
    crops = many(figures.crops_to_identify, "crop") + " to identify"
    page_header("Survey", ABOUT, f"{many(figures.unreviewed, 'media', 'media')} to look through · {crops}")
    ask_for_questions()  # before the figures: what is asked first is ready first
    seen = current_glance()
    with deps.survey().read() as session:
        coming_in = any(progress.running for progress in recent_imports(session, limit=IMPORTS))
    left, right = st.columns([3, 2], gap="large")
    with left:
        if coming_in:
            st.subheader("Coming in", anchor=False)
            import_list(limit=IMPORTS, page_every=REDRAWN_SECONDS)
        elif seen is None:
            counts.wait_for(current_glance, "Adding up what was seen …")
        else:
            best_picture(seen)
    with right:
        st.subheader("To do", anchor=False)
        to_do_list(figures, coming_in)
        if not coming_in:
            st.subheader("Imports", anchor=False)
            import_list(limit=IMPORTS)
    figure_row(figures)
    if seen is not None:
        charts(seen)


with deps.survey().read() as session:
    begun = bool(labels(session, limit=1))
if begun:
    overview()
else:
    first_visit()
