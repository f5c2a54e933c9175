"""Detections: see every media with its boxes, move the threshold, correct by keyboard."""

from __future__ import annotations

import streamlit as st

from app import deps
from app.review_actions import apply_review
from app.survey import browse, review
from app.survey.browse import MediaFilter, Show
from app.ui import counted
from app.ui.counted import survey_state
from app.ui.grid.grid import media_grid
from app.ui.header import page_header
from app.ui.media_items import grid_items, viewer_items
from app.ui.navigation import upload_page
from app.ui.viewer.viewer import media_viewer, review_state
from app.ui.words import many

A_PAGE = 60
IN_ONE_GO = 2000
DEFAULT_THRESHOLD = 0.5
KEYS = {
    "Enter": "accept the boxes shown, next",
    "B / U": "blank / unsure, next",
    "← →": "browse",
    "Tab": "choose a box",
    "X": "reject the box",
    "1 2 3": "animal, person, vehicle",
    "L": "species",
    "Shift + arrows": "move the box",
    "Alt + arrows": "resize the box",
    "D": "draw a box",
    "Z": "undo",
    "H (hold)": "hide the boxes",
}
WORDS = {
    Show.ALL: "All",
    Show.ANIMAL: "Animal",
    Show.PERSON: "Person",
    Show.VEHICLE: "Vehicle",
    Show.BLANK: "Blank",
    Show.UNCERTAIN: "Uncertain first",
    Show.UNREVIEWED: "Not reviewed",
    Show.FAILED: "Failed",
}


def chosen_filter() -> MediaFilter:
    """What to show, from the address."""
    asked = st.query_params.get("filter", Show.ALL)
    show = Show(asked) if asked in list(Show) else Show.ALL
    with deps.survey().read() as session:
        detector = browse.detector(session)
    usual = detector.threshold if detector and detector.threshold else DEFAULT_THRESHOLD
    deployment = st.query_params.get("deployment", "")
    return MediaFilter(
        show, _number(st.query_params.get("t"), usual), int(deployment) if deployment.isdigit() else None
    )


def _number(text: str | None, otherwise: float) -> float:
    try:
        return min(max(float(text), 0.0), 1.0) if text else otherwise
    except ValueError:
        return otherwise


def filter_bar(wanted: MediaFilter) -> None:
    """The kinds with their counts and the deployments; a choice goes to the address."""
    state = survey_state()
    counts, places = counted.kinds(state, wanted.threshold), counted.places(state)
    left, right = st.columns([4, 1], vertical_alignment="center")
    with left:
        show = st.segmented_control(
            "Show",
            list(Show),
            default=wanted.show,
            format_func=lambda one: f"{WORDS[one]} {counts[one]:,}",
            label_visibility="collapsed",
            key=f"show-{wanted.show}",
        )
    with right:
        names: dict[int | None, str] = {None: "All deployments"} | {number: name for number, name, _ in places}
        deployment = st.selectbox(
            "Deployment",
            list(names),
            index=list(names).index(wanted.deployment_id) if wanted.deployment_id in names else 0,
            format_func=lambda one: names[one],
            label_visibility="collapsed",
        )
    if show and show != wanted.show:
        go(filter=str(show), page=None, at=None)
    if deployment != wanted.deployment_id:
        go(deployment=str(deployment) if deployment else None, page=None, at=None)


def go(**params: str | None) -> None:
    """Change the address and draw again."""
    for name, value in params.items():
        if value is None:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = value
    st.rerun()


def grid(wanted: MediaFilter) -> None:
    """One page of thumbnails with their boxes."""
    with deps.survey().read() as session:
        total = browse.count(session, wanted)
        pages = max(-(-total // A_PAGE), 1)
        number = min(max(int(_number_of("page", 1)), 1), pages)
        views = browse.page(session, wanted, limit=A_PAGE, offset=(number - 1) * A_PAGE)
    if not views:
        st.info("Nothing of this kind at this threshold. Choose another kind above.")
        return
    key = f"grid-{wanted.show}-{number}"
    state = media_grid(grid_items(views), wanted.threshold, key=key)
    if state.opened_count != st.session_state.get(f"{key}-opened", 0):
        st.session_state[f"{key}-opened"] = state.opened_count
        if state.opened:
            start_review(wanted, (number - 1) * A_PAGE, state.opened)
    if abs(state.threshold - wanted.threshold) > 1e-6:
        go(t=f"{state.threshold:.2f}", page=None)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        bulk_buttons(state.selected, wanted.threshold)
        if pages > 1:
            turned = st.pagination(pages, default=number, key=f"pages-{wanted.show}-{number}")
            if turned != number:
                go(page=str(turned))


def _number_of(name: str, otherwise: int) -> int:
    text = st.query_params.get(name, "")
    return int(text) if text.isdigit() else otherwise


def bulk_buttons(selected: list[int], threshold: float) -> None:
    """The same decision for every selected media."""

    def decide(verdict: str) -> None:
        with deps.survey().write() as session:
            review.judge_many(session, deps.reviewer(), selected, verdict, threshold)

    st.caption(f"{many(len(selected), 'image')} selected (Space, Shift for a range)")
    none = not selected
    st.button("Accept", disabled=none, on_click=decide, args=("accepted",))
    st.button("Blank", disabled=none, on_click=decide, args=("blank",))
    st.button("Unsure", disabled=none, on_click=decide, args=("unsure",))


def start_review(wanted: MediaFilter, offset: int, media_id: int) -> None:
    """Open the viewer at a media; the order stays as it is now, whatever is decided."""
    with deps.survey().read() as session:
        st.session_state["review_order"] = browse.order(session, wanted, limit=IN_ONE_GO, offset=offset)
    go(media=str(media_id))


def viewer(media_id: int, wanted: MediaFilter) -> None:
    """One media large, reviewed by keyboard."""
    survey, state = deps.survey(), review_state("viewer")
    applied = apply_review(survey, deps.jobs(), deps.reviewer(), state.actions, st.session_state.get("viewer_ack", 0))
    st.session_state["viewer_ack"] = applied.ack
    for problem in applied.problems:
        st.toast(problem, icon=":material/error:")
    order = st.session_state.get("review_order") or [media_id]
    if media_id not in order:
        order = [media_id]
    at = order.index(media_id) if state.cursor is None else min(max(state.cursor, 0), len(order) - 1)
    start = max(at - A_PAGE // 3, 0)
    with survey.read() as session:
        views = browse.views(session, order[start : start + A_PAGE])
        keys = review.draw_keys(session, [box.id for view in views for box in view.boxes if box.drawn])
        species = browse.species_named(session)
    if st.button("All images", icon=":material/arrow_back:", type="tertiary"):
        go(media=None)
    media_viewer(
        viewer_items(views, keys),
        key="viewer",
        threshold=wanted.threshold,
        cursor=at,
        offset=start,
        total=len(order),
        ack=applied.ack,
        species_choices=species,
    )


wanted = chosen_filter()
opened = st.query_params.get("media", "")
counts = counted.kinds(survey_state(), wanted.threshold)
everything, unreviewed = counts[Show.ALL], counts[Show.UNREVIEWED]
page_header("See what was found", f"{many(unreviewed, 'image')} of {everything:,} not reviewed yet", KEYS)
if not everything:
    st.info("There are no images yet. Every image will be here with its boxes.")
    st.page_link(upload_page(), label="Bring in pictures", icon=":material/upload:")
elif opened.isdigit():
    viewer(int(opened), wanted)
else:
    filter_bar(wanted)
    grid(wanted)
