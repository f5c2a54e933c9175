"""What Detections shows: read from the address, chosen with the filter bar, written back to the address."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from app import deps
from app.survey.detections.results import threshold_of
from app.survey.media import browse
from app.survey.media.browse import MediaFilter, Show
from app.ui.detections.repeated import repeated_boxes
from app.ui.detections.species import species_form
from app.ui.shared import counts as counted
from app.ui.shared.address import FIRST_DAY, LAST_DAY, Detections, Parameter, go
from app.ui.shared.counts import survey_state
from app.ui.shared.pick import pick
from app.ui.shared.words import plain

NARROWER = (
    Detections.STATION,
    Detections.SPECIES,
    Detections.HINT,
    Detections.SINCE,
    Detections.UNTIL,
    Detections.REVIEWER,
    Detections.DEPLOYMENT,
    Detections.EVENT,
    Detections.IMPORT,
)
OPEN, UNSURE = "open", "unsure"
ORDERS = {"": "by time", UNSURE: "least sure first"}
KINDS = (Show.ALL, Show.ANIMAL, Show.PERSON, Show.VEHICLE, Show.BLANK, Show.FAILED)


def chosen_filter() -> MediaFilter:
    """What to show, from the address; whatever is not understood is left open."""
    with deps.survey().read() as session:
        usual = threshold_of(browse.detector(session))
    show = Detections.FILTER.read()
    older = show in (Show.UNCERTAIN, Show.UNREVIEWED)
    return MediaFilter(
        show=Show.ALL if older else show,
        unreviewed=older or Detections.REVIEW.read() == OPEN,
        unsure_first=show == Show.UNCERTAIN or Detections.FIRST.read() == UNSURE,
        threshold=usual if (threshold := Detections.THRESHOLD.read()) is None else threshold,
        deployment_id=Detections.DEPLOYMENT.read(),
        event_id=Detections.EVENT.read(),
        station=Detections.STATION.read(),
        species=Detections.SPECIES.read(),
        hint=Detections.HINT.read(),
        since=Detections.SINCE.read(),
        until=Detections.UNTIL.read(),
        reviewed_by=Detections.REVIEWER.read(),
        import_id=Detections.IMPORT.read(),
    )


def filter_bar(wanted: MediaFilter) -> None:
    """The kinds with their counts, the deployments and what narrows further; a choice goes to the address."""
    now = survey_state()
    counts = kind_counts(wanted, now)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        show = st.segmented_control(
            "Show",
            KINDS,
            default=wanted.show,
            format_func=lambda choice: f"{choice.capitalize()} {counts[choice]:,}",
            label_visibility="collapsed",
            key=f"show-{wanted.show}",
        )
        unreviewed = st.toggle(
            f"Not reviewed ({counts[Show.UNREVIEWED]:,})", wanted.unreviewed, key=f"open-{wanted.unreviewed}"
        )
        first = st.selectbox(
            "Order", list(ORDERS), index=int(wanted.unsure_first), format_func=ORDERS.__getitem__, width=155,
            label_visibility="collapsed", key=f"first-{wanted.unsure_first}",
        )  # fmt: skip
        active = _in_words(wanted, now)
        with st.popover(plain(", ".join(active)) or "Filter", icon=":material/filter_alt:", width="content"):
            _narrow(wanted, now)
        species_form()
        if waiting := counted.being_looked_at(now):
            st.badge(f"{waiting:,} still being looked at", icon=":material/hourglass_top:", color="gray")
        repeated_boxes()
        if active and st.button("Show all again", icon=":material/close:", type="tertiary"):
            go(dict.fromkeys((Detections.PAGE, *NARROWER)))
    kind = show or wanted.show
    if (kind, unreviewed, first == UNSURE) != (wanted.show, wanted.unreviewed, wanted.unsure_first):
        state = {Detections.REVIEW: OPEN if unreviewed else None, Detections.FIRST: first or None}
        go({Detections.FILTER: kind, Detections.PAGE: None, **state})


def kind_counts(wanted: MediaFilter, now: str) -> dict[str, int]:
    """How many media each kind has within the rest of the filter. now: the state of the survey."""
    return counted.kinds(now, replace(wanted, show=Show.ALL, unsure_first=False))


def is_narrowed(wanted: MediaFilter) -> bool:
    """Whether anything but kind and threshold is asked for."""
    return replace(wanted, show=Show.ALL, threshold=0.5, unsure_first=False) != MediaFilter()


def _narrow(wanted: MediaFilter, now: str) -> None:
    with deps.survey().read() as session:
        people, period = browse.reviewers(session), browse.period(session)
    stations, labels, _ = counted.subjects(now)
    hinted = {name: f"{name} ({count:,})" for name, count in counted.hinted()}
    imports = {str(number): label for number, label in counted.imports(now)}
    places = {str(number): name for number, name, _ in counted.places(now)}
    chosen: dict[Parameter[Any], str | None] = {
        Detections.SPECIES: pick("Species", labels, wanted.species),
        Detections.HINT: pick("Species hint, not labelled yet", list(hinted), wanted.hint, hinted),
        Detections.STATION: pick("Station", stations, wanted.station),
        Detections.DEPLOYMENT: pick("Deployment", list(places), _text(wanted.deployment_id), places),
        Detections.REVIEWER: pick("Reviewed by", people, wanted.reviewed_by),
        Detections.IMPORT: pick("Import", list(imports), _text(wanted.import_id), imports),
    }
    if period:
        first, last = st.columns(2)
        days: dict[str, Any] = {"format": "YYYY-MM-DD", "min_value": FIRST_DAY, "max_value": LAST_DAY}
        chosen[Detections.SINCE] = _text(first.date_input(f"From ({period[0]})", wanted.since, **days))
        chosen[Detections.UNTIL] = _text(last.date_input(f"To ({period[1]})", wanted.until, **days))
    if any(_text(parameter.read()) != value for parameter, value in chosen.items()):
        go({Detections.PAGE: None, **chosen})


def _in_words(wanted: MediaFilter, now: str) -> list[str]:
    """The narrower choices in words."""
    parts = [part for part in (wanted.species, f"maybe {wanted.hint}" if wanted.hint else None, wanted.station) if part]
    if wanted.deployment_id is not None:
        places = {number: name for number, name, _ in counted.places(now)}
        parts.append(places.get(wanted.deployment_id, f"deployment {wanted.deployment_id}"))
    if wanted.import_id is not None:
        parts.append(dict(counted.imports(now)).get(wanted.import_id, f"import {wanted.import_id}"))
    if wanted.event_id is not None:
        parts.append("one event")
    if wanted.since or wanted.until:
        parts.append(f"{wanted.since or 'first'} to {wanted.until or 'last'}")
    return parts + ([f"reviewed by {wanted.reviewed_by}"] if wanted.reviewed_by else [])


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
