"""Join a left flank and a right flank of one animal: proposals over the whole survey, and the form on a card."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import deps
from app.survey.decisions import flank_joins, identity
from app.survey.decisions.contradictions import Contradiction
from app.survey.decisions.flank_joins import FlankJoin
from app.survey.decisions.kinds import Undo
from app.survey.individuals.catalogue import CatalogueEntry, individual, names
from app.survey.individuals.flank_proposals import FlankReport, Proposal, flank_report
from app.survey.individuals.flanks import SIDES, one_sided
from app.survey.individuals.previews import merge_preview
from app.survey.individuals.sightings import SightingView
from app.ui.individuals.crops import crop_items
from app.ui.individuals.edit import in_words, warn_of
from app.ui.shared import counts
from app.ui.shared.address import Individuals, go
from app.ui.shared.crops.crops import crop_gallery
from app.ui.shared.decisions import decide, undo, undo_button
from app.ui.shared.paging import page_of
from app.ui.shared.words import duration, many, moment, plain, when
from modal_backend.contracts import OPPOSITE

A_PAGE = 10
SHOWN = 6
WAIT_SECONDS = 0.12
REASONS = (
    "One event shows both sides",
    "Two cameras opposite each other took both sides at once",
    "A video shows it turning",
    "Known from the field",
)
WHY = "A tiger's flanks are two patterns: no figure can tell that they are one animal. A picture or an event can."


def join_sentence(join: FlankJoin) -> str:
    """Who joined which flank, when and why."""
    return f"{join.side} flank joined from {join.name} by {join.who}, {moment(join.decided_at)}: {join.reason}"


def flanks_view() -> None:
    """The proposals, ten at a time, those most often seen together first."""
    report = current_flanks()
    if report is None:
        counts.wait_for(current_flanks, "Looking through every sighting …")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{many(report.left_only, 'individual')}** known by the left flank only · "
            f"**{report.right_only:,}** by the right only",
            width="content",
        )
        undo_button(Undo.INDIVIDUALS)
    st.caption(f"{WHY} Until they are joined, one animal may be counted twice.")
    if not report.proposals:
        st.info(
            "No two of opposite flanks were seen in one event, or at one station within a minute. "
            "Join any two on the card of one of them, under Join flanks."
        )
        return
    shown = report.proposals[page_of(len(report.proposals), A_PAGE, **Individuals.FLANKS_PAGE.bound())]
    called = deps.read(names)
    for proposal in shown:
        _proposal(proposal, called)


def join_form(entry: CatalogueEntry, found: Sequence[SightingView]) -> None:
    """The joins that made this individual, and the form to join the other flank to it."""
    with deps.survey().read() as session:
        sides = one_sided(session)
        joined = flank_joins.joins(session, entry.id)
        called = names(session)
    for join in joined:
        st.markdown(f":material/link: {plain(join_sentence(join))}")
        if st.button("Take this join back", key=f"apart-{join.decision_id}", icon=":material/link_off:") and undo(
            decision_id=join.decision_id, message=f"{join.name} is an individual of its own again."
        ):
            st.rerun()
    side = sides.get(entry.id)
    if side is None:
        known = {sighting.flank for sighting in found} & set(SIDES)
        message = (
            "Both its flanks are known." if known else "No crop of it has its flank set; set it in Identify (1, 2)."
        )
        st.info(message)
        return
    wanted = OPPOSITE[side]
    others = [number for number, flank in sides.items() if flank == wanted and number in called]
    st.caption(f"Known by its {side} flank only. {WHY}")
    other = st.selectbox(
        f"Whose {wanted} flank is its own?", sorted(others, key=lambda number: called[number]), index=None, width=320,
        format_func=lambda choice: called[choice],
        placeholder=f"{many(len(others), 'individual')} known by that flank only",
    )  # fmt: skip
    if other is not None:
        _preview(entry, other, called[other], found)


def _preview(entry: CatalogueEntry, other: int, name: str, found: Sequence[SightingView]) -> None:
    with deps.survey().read() as session:
        preview = merge_preview(session, entry.id, other)
        mine, theirs = (individual(session, number) for number in (entry.id, other))
        try:
            flank_joins.refuse_two_animals(session, mine, theirs)
        except Contradiction as against:
            st.warning(plain(" ".join([str(against), *(link.text for link in against.chain)])), icon=":material/block:")
            return
    st.markdown(
        f"**{plain(entry.name)}** has {in_words(preview.rest)}; **{plain(name)}** has {in_words(preview.moved)}. "
        f"Together they are {plain(entry.name)}."
    )
    warn_of(preview, "")
    left, right = st.columns(2)
    with left:
        crop_gallery(crop_items(found[:SHOWN]), key=f"join-ours-{entry.id}", size=110)
    with right:
        crop_gallery(crop_items(preview.crops[:SHOWN]), key=f"join-theirs-{other}", size=110)
    reason = st.selectbox(
        "How do you know?", REASONS, index=None, accept_new_options=True, width=520, key=f"join-why-{other}",
        placeholder="Choose, or write your own",
    )  # fmt: skip
    if st.button(
        plain(f"Join the flanks of {entry.name} and {name}"),
        type="primary",
        icon=":material/link:",
        disabled=not reason,
    ) and decide(
        flank_joins.join, entry.id, other, str(reason), message=f"{name} is {entry.name} now. Z takes it back."
    ):
        st.rerun()


def _proposal(proposal: Proposal, called: dict[int, str]) -> None:
    left, right = called.get(proposal.left.individual_id, "?"), called.get(proposal.right.individual_id, "?")
    key = f"{proposal.left.individual_id}-{proposal.right.individual_id}"
    with st.container(border=True, key=f"flanks-{key}"):
        st.markdown(f"**{plain(left)}** left · **{plain(right)}** right · {plain(_seen(proposal))}")
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(width=420):
                crop_gallery(crop_items([proposal.left, proposal.right]), key=f"flank-pair-{key}", size=190)
            with st.container(width="stretch", gap="small"):
                reason = st.text_input("How you know", f"Seen together: {_seen(proposal)}", key=f"flank-why-{key}")
                with st.container(horizontal=True, gap="small"):
                    _buttons(proposal, left, right, reason, key)


def _buttons(proposal: Proposal, left: str, right: str, reason: str, key: str) -> None:
    pair = (proposal.left.detection_id, proposal.right.detection_id)
    first, second = sorted((proposal.left.individual_id, proposal.right.individual_id))
    if st.button("One animal", key=f"one-{key}", icon=":material/link:", disabled=not reason.strip()) and decide(
        flank_joins.join, first, second, reason, seen_on=pair, message=f"{left} and {right} are one. Z takes it back."
    ):
        st.rerun()
    if st.button("Two animals", key=f"two-{key}", icon=":material/call_split:") and decide(
        identity.say_pair, *pair, "different", message="Said to be different. Z takes it back."
    ):
        st.rerun()
    for name, view in ((left, proposal.left), (right, proposal.right)):
        if st.button(plain(f"Open {name}"), key=f"open-{name}-{key}", type="tertiary"):
            go({Individuals.ID: view.individual_id})


def _seen(proposal: Proposal) -> str:
    """Where, when and how often they were seen together."""
    place = proposal.left.station or "no station"
    cameras = "by two cameras" if proposal.left.deployment_id != proposal.right.deployment_id else "by one camera"
    how = "in one event" if proposal.one_event else cameras
    often = f", {proposal.times} times" if proposal.times > 1 else ""
    return f"{how} at {place}, {when(proposal.left.taken_at)}, {duration(proposal.seconds)} apart{often}"


def current_flanks(wait_seconds: float = WAIT_SECONDS) -> FlankReport | None:
    """The proposals of the survey as it stands; None while they are being computed beside the page."""
    return counts.beside(("flanks", counts.survey_state()), flank_report, wait_seconds)
