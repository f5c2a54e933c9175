"""Conflicts: what cannot be if every identity and every clock is right, each with the ways to solve it."""

from __future__ import annotations

import streamlit as st

from app import deps
from app.survey.decisions import catalogue, stations
from app.survey.decisions.kinds import Undo
from app.survey.decisions.plausibility import accept_conflict, drop_second_box, set_speed_limit
from app.survey.detections.boxes import boxes
from app.survey.individuals import plausibility
from app.survey.individuals.catalogue import names
from app.survey.individuals.plausibility import Conflict, Report
from app.survey.individuals.sightings import SightingView, sightings
from app.survey.individuals.travel_speeds import CLOCK_SLACK_SECONDS, DEFAULTS, GENERAL, speeds
from app.survey.media.stations import DeploymentView, deployment_views
from app.ui.shared import counts
from app.ui.shared.address import Identify, Individuals
from app.ui.shared.crops.crops import crop_gallery
from app.ui.shared.decisions import decide, undo_button
from app.ui.shared.navigation import identify_page
from app.ui.shared.paging import page_of
from app.ui.shared.words import duration, many, plain, when

A_PAGE = 10
WAIT_SECONDS = 0.12
TITLES = {
    plausibility.ONE_PICTURE: "Twice on one image",
    plausibility.AT_ONCE: "At two stations at once",
    plausibility.TOO_FAST: "Too far for the time",
    plausibility.DIFFERENT_JOINED: "Said to be different, yet one individual",
    plausibility.SAME_APART: "Said to be the same, yet two individuals",
    plausibility.FIGURES: "The pattern matches somebody else better",
}


def current_report(wait_seconds: float = WAIT_SECONDS) -> Report | None:
    """The conflicts of the survey as it stands; None while they are being computed beside the page."""
    return counts.beside(("conflicts", counts.survey_state()), plausibility.report, wait_seconds)


def conflicts_view() -> None:
    """The list, ten at a time, worst kinds first."""
    report = current_report()
    if report is None:
        counts.wait_for(current_report, "Looking through every sighting …")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        conflicts = many(len(report.conflicts), "conflict")
        st.markdown(f"**{conflicts} open** · {report.accepted:,} accepted before", width="content")
        undo_button(Undo.INDIVIDUALS)
        _speed_limits()
    _unchecked(report)
    if not report.conflicts:
        st.success("Every sighting fits: no journey is too fast and no decision contradicts another.")
        return
    shown = report.conflicts[page_of(len(report.conflicts), A_PAGE, **Individuals.CONFLICTS_PAGE.bound())]
    with deps.survey().read() as session:
        called = names(session)
        deployments = {view.id: view for view in deployment_views(session)}
    for conflict in shown:
        _conflict(conflict, called, deployments)


def _conflict(conflict: Conflict, called: dict[int, str], deployments: dict[int, DeploymentView]) -> None:
    key = f"{conflict.kind}-{conflict.pair[0]}-{conflict.pair[1]}".replace(" ", "-")
    name = called.get(conflict.individual_id, "?")
    with st.container(border=True, key=f"conflict-{key}"):
        st.markdown(f"**{plain(name)}** · {TITLES[conflict.kind]} · {plain(sentence(conflict, called))}")
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(width=420):
                crop_gallery(_pair(conflict), key=f"pair-{key}", size=190)
            with st.container(width="stretch", gap="small"):
                _solutions(conflict, called, deployments, key)


def sentence(conflict: Conflict, called: dict[int, str]) -> str:
    """What speaks against it, with figures and units."""
    if conflict.kind == plausibility.TOO_FAST and conflict.kilometres is not None and conflict.limit is not None:
        return (
            f"{conflict.kilometres:.1f} km in {duration((conflict.hours or 0) * 3600)}: {conflict.kmh or 0:.0f} km/h, "
            f"where {conflict.limit.kmh:g} km/h is the limit"
        )
    if conflict.kind == plausibility.AT_ONCE:
        apart = f", {conflict.kilometres:.1f} km apart" if conflict.kilometres is not None else ", of unknown distance"
        return f"within {duration((conflict.hours or 0) * 3600)}{apart}"
    if conflict.kind == plausibility.SAME_APART:
        return f"the other belongs to {called.get(conflict.second.individual_id, '?')}"
    if conflict.kind == plausibility.FIGURES:
        return f"{called.get(conflict.second.individual_id, '?')} has far more matching features on this flank"
    if conflict.kind == plausibility.ONE_PICTURE:
        return "one animal boxed twice, or two animals"
    return "a person decided both"


def _pair(conflict: Conflict) -> list[dict[str, object]]:
    shown = deps.read(boxes, list(conflict.pair))
    return [
        {
            "id": view.detection_id,
            "src": deps.box_crop_url(shown[view.detection_id]),
            "label": when(view.taken_at),
            "sub": view.station or "no station",
            "badge": view.flank,
        }
        for view in (conflict.first, conflict.second)
        if view.detection_id in shown
    ]


def _solutions(conflict: Conflict, called: dict[int, str], deployments: dict[int, DeploymentView], key: str) -> None:
    with st.container(horizontal=True, gap="small"):
        for word, view in (("first", conflict.first), ("second", conflict.second)):
            st.page_link(
                identify_page(), label=f"Compare the {word}", query_params=Identify.QUERY.to(view.detection_id),
                icon=":material/compare:", width="content",
            )  # fmt: skip
    if conflict.kind == plausibility.ONE_PICTURE and st.button(
        "One animal boxed twice: keep the larger box", key=f"b-{key}", icon=":material/select:"
    ):
        smaller = min(conflict.first, conflict.second, key=lambda view: view.pixels)
        _done(decide(drop_second_box, smaller.detection_id, message="The smaller box is rejected. Z takes it back."))
    if conflict.kind == plausibility.SAME_APART:
        other = conflict.second.individual_id
        if st.button(
            plain(f"Merge {called.get(other, '?')} into {called.get(conflict.individual_id, '?')}"), key=f"m-{key}"
        ):
            _done(decide(catalogue.merge, conflict.individual_id, other, message="Merged. Z takes it back."))
    else:
        with st.container(horizontal=True, gap="small"):
            for word, view in (("first", conflict.first), ("second", conflict.second)):
                if view.individual_id == conflict.individual_id and st.button(
                    f"Split off the {word}", key=f"s-{word}-{key}", icon=":material/call_split:"
                ):
                    _done(_split_off(view))
    with st.container(horizontal=True, gap="small"):
        if conflict.kind in (plausibility.TOO_FAST, plausibility.AT_ONCE):
            with st.popover("A clock was wrong", icon=":material/schedule:"):
                _clock(conflict, deployments, key)
        with st.popover("It can be", icon=":material/check:"):
            reason = st.text_input("Why", key=f"why-{key}", placeholder="The two cameras see one path")
            if st.button("Accept", key=f"a-{key}", disabled=not reason.strip()):
                pair = (conflict.first.detection_id, conflict.second.detection_id)
                _done(decide(accept_conflict, conflict.kind, *pair, reason, message="Accepted."))


def _split_off(view: SightingView) -> bool:
    """The crop with the others of its event that belong to the same individual; taken out when nothing else is left."""
    mine = deps.read(sightings, view.individual_id)
    same_event = [
        sighting.detection_id for sighting in mine if sighting.unit == view.unit and sighting.station == view.station
    ]
    same_picture = (
        [view.detection_id] if sum(sighting.media_id == view.media_id for sighting in mine) > 1 else same_event
    )
    if len(same_picture) == len(mine):
        return decide(catalogue.take_out, *same_picture, individual_id=view.individual_id, message="Taken out.")
    return decide(catalogue.split, view.individual_id, same_picture, message="Split off. Z takes it back.")


def _clock(conflict: Conflict, deployments: dict[int, DeploymentView], key: str) -> None:
    """Add to a deployment's clock; all its times shift."""
    choices = [view.deployment_id for view in (conflict.first, conflict.second) if view.deployment_id is not None]
    if not choices:
        st.caption("These images belong to no deployment.")
        return
    chosen = st.selectbox("Whose clock", choices, format_func=lambda number: deployments[number].name, key=f"d-{key}")
    present = deployments[chosen].clock_offset_seconds
    hours = st.number_input("Hours to add", -20_000.0, 20_000.0, present / 3600, step=1.0, key=f"h-{key}-{chosen}")
    minutes = st.number_input("and minutes", -59.0, 59.0, 0.0, step=1.0, key=f"n-{key}-{chosen}")
    st.caption("Every time of this deployment shifts, here and in exports. The files stay as they are.")
    if st.button("Correct the clock", key=f"c-{key}"):
        seconds = round(hours * 3600 + minutes * 60)
        _done(decide(stations.set_deployment, chosen, clock_offset_seconds=seconds, message="Corrected."))


def _done(worked: bool) -> None:
    if worked:
        st.rerun()


def _unchecked(report: Report) -> None:
    parts = []
    if report.without_time:
        parts.append(f"{many(report.without_time, 'sighting')} without a capture time")
    if report.without_station:
        parts.append(f"{many(report.without_station, 'sighting')} without a station")
    if report.unplaced_stations:
        names_ = ", ".join(report.unplaced_stations[:6])
        more = f" and {len(report.unplaced_stations) - 6} more" if len(report.unplaced_stations) > 6 else ""
        parts.append(f"distances to {names_}{more} (no coordinates)")
    if parts:
        st.caption(plain("Could not be checked: " + "; ".join(parts) + "."))


def _speed_limits() -> None:
    with st.popover("Speed limits", icon=":material/speed:"), deps.survey().read() as session:
        known = speeds(session)
        st.caption(
            f"Straight-line km/h between two stations. {CLOCK_SLACK_SECONDS / 60:.0f} minutes are allowed besides, "
            "since camera clocks differ."
        )
        listed = {**known, "": known.get("", GENERAL)}
        st.dataframe(
            {
                "species": [name or "every other" for name in listed],
                "km/h": [speed.kmh for speed in listed.values()],
                "source": [speed.source for speed in listed.values()],
                "set by": [speed.set_by or "" for speed in listed.values()],
            },
            hide_index=True,
        )
        species = st.text_input("Species", placeholder="empty: every other species", key="speed-species")
        default = known.get(species.strip().lower(), DEFAULTS.get(species.strip().lower(), GENERAL)).kmh
        kmh = st.number_input("km/h", 0.1, 120.0, default, step=0.5, key=f"speed-{species}")
        source = st.text_input("Source", key="speed-source", placeholder="our collared male, 2023")
        if st.button("Set the limit", disabled=not source.strip()):
            _done(decide(set_speed_limit, species, kmh, source, message="Set."))
