"""The choices over the match view: who ranks, who may be a candidate, how candidates and queries are ordered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from app import deps
from app.survey.decisions.identity import set_naming
from app.survey.detections import quality
from app.survey.individuals.rankings import Scope
from app.ui.shared import counts
from app.ui.shared.address import Identify
from app.ui.shared.decisions import decide
from app.ui.shared.words import plain
from modal_backend.models.probability.calibration import FUSED
from modal_backend.registry import EMBEDDING, LOCAL, LOCAL_FINE, MATCH_FEATURES, MODELS

WORDS = {
    FUSED: "all models",
    LOCAL: "RAPID",
    LOCAL_FINE: "RAPID 448",
    EMBEDDING: "pocket embedding",
    MATCH_FEATURES: "matcher",
}
PERIODS = {0: "at any time", 7: "within a week", 30: "within a month", 365: "within a year"}
ORDERS = ("unsure first", "best view first")


@dataclass(frozen=True, slots=True)
class Choices:
    """What the person chose. model: whose ranking; order: of the queries."""

    scope: Scope
    model: str
    by_image: bool
    show_rejected: bool
    order: str


def choices(first: Callable[[], None], state: str) -> Choices:
    """Draw the choices; each is kept in the address. first: draws what stands before them; state: of the survey."""
    with st.container(horizontal=True, vertical_alignment="center", key="identify-choices"):
        first()
        scope = Scope(
            station=st.toggle("this station only", **Identify.SAME_STATION.bound()),
            flank=st.toggle("not the other flank", Identify.ONE_FLANK.default, **Identify.ONE_FLANK.bound()),
            other_events=st.toggle(
                "other events",
                Identify.OTHER_EVENTS.default,
                help="Named crops of its own event stay.",
                **Identify.OTHER_EVENTS.bound(),
            ),
            catalogued=st.toggle("named only", **Identify.NAMED_ONLY.bound()),
            species=st.toggle("same species", Identify.SAME_SPECIES.default, **Identify.SAME_SPECIES.bound()),
            days=st.selectbox(
                "Taken",
                list(PERIODS),
                format_func=PERIODS.__getitem__,
                width=155,
                label_visibility="collapsed",
                **Identify.TAKEN.bound(),
            )
            or None,
        )
        with st.popover("More", icon=":material/tune:", width="content"):
            model, by_image, show_rejected, order = _more(state)
    return Choices(scope, model, by_image, show_rejected, order)


def _more(state: str) -> tuple[str, bool, bool, str]:
    model = st.segmented_control(
        "Ranked by",
        counts.rankers(state),
        format_func=lambda ranker: WORDS.get(ranker) or MODELS[ranker].title,
        default=FUSED,
        required=True,
        **Identify.MODEL.bound(),
    )
    by_image = st.toggle("every image on its own", **Identify.EVERY_IMAGE.bound())
    show_rejected = st.toggle("candidates said to be different too", **Identify.REJECTED.bound())
    order = st.radio("Crops to decide", ORDERS, **Identify.QUEUE.bound())
    _naming(state)
    return model, by_image, show_rejected, order


def _naming(state: str) -> None:
    prefix, digits, following = counts.name_scheme(state)
    with st.form("naming", border=False):
        wanted = st.text_input(
            "New individuals are named", prefix, max_chars=20, help=f"The next one is {plain(following)}."
        )
        asked = st.form_submit_button(f"Use from now on (next {plain(following)})")
        if asked and wanted != prefix and decide(set_naming, wanted, digits):
            st.rerun()


def in_chosen_order(order: Sequence[int], chosen: str) -> list[int]:
    """The queries in the chosen order; the one that was waiting longest first by itself."""
    if chosen == ORDERS[0]:
        return list(order)
    return deps.read(quality.by_quality, order)
