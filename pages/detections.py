"""Detections: see every media with its boxes, move the threshold, correct by keyboard, one by one or many at once."""

from __future__ import annotations

import time
from dataclasses import replace

import streamlit as st

from app import deps
from app.actions.decide import Settled
from app.actions.review import apply_review
from app.survey.decisions import boxes
from app.survey.detections import hints
from app.survey.media import browse, species, unsorted
from app.survey.media.browse import MediaFilter, Show
from app.survey.trials.beside import boxes_beside
from app.ui.detections.closer import look_closer
from app.ui.detections.filters import chosen_filter, filter_bar, is_narrowed, kind_counts
from app.ui.detections.grid.grid import bulk_actions, media_grid
from app.ui.detections.items import choice_items, grid_items, viewer_items
from app.ui.detections.pending import drawn_when_looked_at
from app.ui.detections.viewer.viewer import media_viewer, review_state
from app.ui.shared.address import Detections, History, Identify, go
from app.ui.shared.component import is_new
from app.ui.shared.counts import survey_state
from app.ui.shared.decisions import show_notes
from app.ui.shared.empty import empty_page
from app.ui.shared.header import page_header
from app.ui.shared.navigation import history_page, identify_page, upload_page
from app.ui.shared.paging import page_in_address, turn_pages
from app.ui.shared.words import many

A_PAGE = 60
IN_ONE_GO = 2000


def applied_to_survey(actions: list[dict], store: str) -> Settled:
    """Apply what the browser sent and tell what should be known of it."""
    applied = apply_review(
        deps.survey(), deps.jobs(), deps.reviewer(), actions, st.session_state.get(f"{store}_ack", 0)
    )
    st.session_state[f"{store}_ack"] = applied.ack
    show_notes(applied)
    return applied


def grid_key(wanted: MediaFilter) -> str:
    """The name of the grid on the page in the address."""
    return f"grid-{wanted.show}-{wanted.is_open}-{wanted.is_by_doubt}-{Detections.PAGE.read()}"


def grid(wanted: MediaFilter, ack: int, read_at: float) -> None:
    """One page of thumbnails with their boxes."""
    key = grid_key(wanted)
    with deps.survey().read() as session:
        total = browse.count(session, wanted)
        start = page_in_address(Detections.PAGE, total, A_PAGE).start
        order = browse.order_with_events(session, wanted, limit=IN_ONE_GO, offset=start)
        views = browse.views(session, [media_id for media_id, _ in order[:A_PAGE]])
        hinted = hints.of_boxes(session, [box.id for view in views for box in view.boxes])
        brought = unsorted.imports_of(session, [view.id for view in views if view.deployment_id is None])
        labels = choice_items(species.choices(session))
    nothing = st.empty()  # always there, so that the grid keeps its place
    if not views:
        nothing.info("Nothing of this kind at this threshold. Choose another kind above.")
    state = media_grid(
        grid_items(views, order, hinted, brought, by_event=not wanted.is_by_doubt),
        wanted.threshold,
        key=key,
        order=order,
        ack=ack,
        species_choices=labels,
        as_of=read_at,
    )
    if state.identify:
        st.switch_page(identify_page(), query_params=Identify.MEDIA.to(",".join(map(str, state.identify))))
    if is_new(key, state.opened_count) and state.opened:
        start_review(order, state.opened)
    if abs(state.threshold - wanted.threshold) > 1e-6:
        go({Detections.THRESHOLD: f"{state.threshold:.2f}", Detections.PAGE: None})
    drawn_when_looked_at(views)
    turn_pages(Detections.PAGE, total, A_PAGE, f"pages-{wanted.show}")


def start_review(order: list[tuple[int, int]], media_id: int) -> None:
    """Open the viewer at a media; the order stays as it is now, whatever is decided."""
    st.session_state["review_order"] = [number for number, _ in order]
    go({Detections.MEDIA: media_id})


def review_order(media_id: int, wanted: MediaFilter) -> list[int]:
    """The list the viewer walks through: as it was when the viewer was opened; after a reload, that of the address."""
    order: list[int] = st.session_state.get("review_order") or []
    if media_id not in order:
        start = (Detections.PAGE.read() - 1) * A_PAGE
        with deps.survey().read() as session:
            order = [number for number, _ in browse.order_with_events(session, wanted, limit=IN_ONE_GO, offset=start)]
        order = order if media_id in order else [media_id, *order]
        st.session_state["review_order"] = order
    return order


def back_to_list(media_id: int, wanted: MediaFilter) -> None:
    """Close the viewer; the grid opens on the page of the media that was left, where the list has not changed."""
    order = st.session_state.get("review_order") or []
    ahead = order.index(media_id) // A_PAGE if media_id in order else 0
    fixed = not wanted.is_open
    page = Detections.PAGE.read() + (ahead if fixed else 0)
    go({Detections.MEDIA: None, Detections.PAGE: page if page > 1 else None})


def viewer(media_id: int, cursor: int | None, wanted: MediaFilter, ack: int, read_at: float) -> None:
    """One media large, reviewed by keyboard."""
    order = review_order(media_id, wanted)
    at = order.index(media_id) if cursor is None else min(max(cursor, 0), len(order) - 1)
    start = max(at - A_PAGE // 3, 0)
    with deps.survey().read() as session:
        views = browse.views(session, order[start : start + A_PAGE])
        hinted = hints.of_boxes(session, [box.id for view in views for box in view.boxes])
        keys = boxes.draw_keys(session, [box.id for view in views for box in view.boxes if box.drawn])
        labels = choice_items(species.choices(session))
        others = boxes_beside(session, [view.id for view in views])
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("All media", icon=":material/arrow_back:", type="tertiary"):
            back_to_list(order[at], wanted)
        st.page_link(
            identify_page(),
            label="Who is this?",
            icon=":material/compare:",
            query_params=Identify.MEDIA.to(order[at]),
        )
        st.page_link(
            history_page(),
            label="History of this media",
            icon=":material/history:",
            query_params=History.MEDIA.to(order[at]),
        )
        for view in views:
            if view.id == order[at]:
                look_closer(view)
    media_viewer(
        viewer_items(views, keys, hinted, others),
        key="viewer",
        threshold=wanted.threshold,
        cursor=at,
        offset=start,
        total=len(order),
        ack=ack,
        species_choices=labels,
        as_of=read_at,
        opened=media_id,
    )
    drawn_when_looked_at(views)


wanted, opened = chosen_filter(), Detections.MEDIA.read()
review = review_state("viewer")
actions, store = (bulk_actions(grid_key(wanted)), "grid") if opened is None else (review.actions, "viewer")
applied, read_at = applied_to_survey(actions, store), time.time()
if opened is not None and review.closed is not None:
    back_to_list(review.closed, wanted)
counts = kind_counts(replace(wanted, unreviewed=False), survey_state())
everything, unreviewed = counts[Show.ALL], counts[Show.UNREVIEWED]
page_header(
    "Detections",
    "Every image and video with what was found on it. Correct the boxes by mouse or keyboard.",
    f"{many(unreviewed, 'media', 'media')} of {everything:,} not reviewed yet",
)
if not everything and not is_narrowed(wanted):
    empty_page(
        "There are no images or videos yet. Each will be here with its boxes.",
        lambda: bool(kind_counts(replace(wanted, unreviewed=False), survey_state())[Show.ALL]),
        (upload_page(), "Bring in images", ":material/upload:"),
    )
elif opened is not None:
    viewer(opened, review.cursor, wanted, applied.ack, read_at)
else:
    filter_bar(wanted)
    grid(wanted, applied.ack, read_at)
