"""Boxes that come again and again at one place of a deployment: looked for when asked, deleted as one decision."""

from __future__ import annotations

import streamlit as st

from app import deps
from app.survey.decisions.many_boxes import reject_repeated
from app.survey.detections.repeated import Repeated, repeated
from app.survey.detections.results import crop_name
from app.ui.shared.address import Detections
from app.ui.shared.decisions import decide
from app.ui.shared.navigation import detections_page
from app.ui.shared.words import many, plain

ASKED = "repeated-asked"


def repeated_boxes() -> None:
    """A button that looks for them, and what was found."""
    with st.popover("Same box again", icon=":material/repeat:", width="content"):
        st.caption("A stump or a leaf that the detector takes for an animal, at the same place in many events.")
        if st.button("Look for them", icon=":material/search:"):
            st.session_state[ASKED] = True
        if not st.session_state.get(ASKED):
            return
        places = deps.read(repeated)
        if not places:
            st.info("No box that nobody has looked at comes again at one place in four events or more.")
        for place in places:
            _place(place)


def _place(place: Repeated) -> None:
    boxes, first = many(len(place.detection_ids), "box", "boxes"), place.detection_ids[0]
    with st.container(horizontal=True, vertical_alignment="center"):
        if deps.routes_served():
            st.html(f'<img src="{deps.crop_url(crop_name(first, place.box))}" alt="" style="height:4rem">')
        st.markdown(plain(f"{place.deployment}: {boxes} in {many(place.events, 'event')}"))
        st.page_link(detections_page(), label="Look", query_params=Detections.MEDIA.to(place.media_id))
        if st.button(f"Delete {boxes}", key=f"repeated-{first}", icon=":material/delete:") and decide(
            reject_repeated, place.detection_ids, message="Deleted. History takes it back."
        ):
            st.rerun()
