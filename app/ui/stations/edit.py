"""Make, rename, split, join and empty deployments, and sort media into them; every step is a decision with undo.

A button decides about what the person saw: its callback keeps that, while the page is drawn from the survey as it is by
then. Who comes second is told so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import streamlit as st

from app import deps
from app.survey.decisions import deployments as acts
from app.survey.decisions.kinds import Undo
from app.survey.media.clocks import in_camera_order, part
from app.survey.media.stations import DeploymentView
from app.survey.media.unsorted import Heap, heaps
from app.ui.shared.crops.crops import crop_gallery
from app.ui.shared.decisions import callback, decide, undo_button
from app.ui.shared.words import many, plain
from app.ui.stations.pick import pick_range, show_picture

NEW = "A new one …"
RENAME, STATION, SPLIT, JOIN, MOVE, DELETE, CREATE = (
    "Rename", "Station", "Split by date", "Join", "Move media", "Delete", "New",
)  # fmt: skip
SHOWN = 6


def unsorted_media(deployments: Sequence[DeploymentView]) -> None:
    """Media without a deployment ask to be sorted."""
    found = deps.read(heaps)
    if not found:
        return
    total = sum(len(heap.media_ids) for heap in found)
    with st.container(border=True):
        st.markdown(f"**{many(total, 'media belongs', 'media belong')} to no deployment.** Where were they taken?")
        numbers = list(range(len(found)))
        at = st.selectbox("Folder", numbers, format_func=lambda n: _heap_name(found[n]), key=f"heap-{total}")
        heap = found[at]
        items = [
            {"id": number, "src": deps.thumb_url(sha256), "label": "", "sub": ""}
            for number, sha256 in zip(heap.media_ids[:SHOWN], heap.hashes, strict=False)
        ]
        crop_gallery(items, key=f"heap-{total}-{at}")
        target = _target(deployments, f"heap-{total}-{at}")
        if st.button(f"Move {many(len(heap.media_ids), 'media', 'media')} there", type="primary", disabled=not target):
            _move(heap.media_ids, target)


def edit_deployment(deployments: Sequence[DeploymentView]) -> None:
    """One deployment and what can be done about it; the first one is made."""
    with st.container(border=True):
        act = CREATE
        if deployments:
            act = st.segmented_control(
                "What to change", (CREATE, RENAME, STATION, SPLIT, JOIN, MOVE, DELETE), default=RENAME, required=True,
                key="station-act",
            )  # fmt: skip
        if act == CREATE:
            _create()
        else:
            by_id = {deployment.id: deployment for deployment in deployments}
            number = st.selectbox("Deployment", list(by_id), format_func=lambda n: by_id[n].name, key="edit-deployment")
            {RENAME: _rename, STATION: _station, SPLIT: _split, JOIN: _join, MOVE: _move_some, DELETE: _delete}[act](
                by_id[number], deployments
            )
        undo_button(Undo.STATIONS)


def _create() -> None:
    with st.form("create", border=False):
        name = st.text_input("Name of the deployment", placeholder="Ridge 3 / 2024 spring", max_chars=200)
        station = st.text_input("Station", placeholder="the same as the name", max_chars=200)
        if st.form_submit_button("Make it", type="primary"):
            _done(decide(acts.create, name, station or None, message=f"{name} is there."))


def _rename(deployment: DeploymentView, _: Sequence[DeploymentView]) -> None:
    name = st.text_input("New name", deployment.name, key=f"name-{deployment.id}-{deployment.name}", max_chars=200)
    message = f"{deployment.name} is called {name} now."
    st.button(
        "Rename the deployment", type="primary", disabled=name.strip() in ("", deployment.name),
        on_click=callback(decide, acts.rename_deployment, deployment.id, name, seen=deployment.name, message=message),
    )  # fmt: skip


def _station(deployment: DeploymentView, deployments: Sequence[DeploymentView]) -> None:
    """Rename its station, or say that its camera was at another one."""
    mine = [other.name for other in deployments if other.station == deployment.station]
    there = {other.station for other in deployments}
    name = st.text_input(
        "Station", deployment.station, key=f"station-{deployment.id}-{deployment.station}", max_chars=200
    )
    changed = name.strip() not in ("", deployment.station)
    if changed and name.strip() in there:
        st.caption(f"There is a station {plain(name)} already: cameras of one place belong to one station.")
    with st.container(horizontal=True):
        put = callback(decide, acts.set_station, deployment.id, name, message=f"{deployment.name} is at {name} now.")
        st.button("Put this deployment there", disabled=not changed, on_click=put)
        label = "Join the two stations" if name.strip() in there and changed else "Rename the whole station"
        message = f"{deployment.station} is {name} now."
        rename = callback(decide, acts.rename_station, deployment.station, name, join=True, message=message)
        st.button(f"{label} ({many(len(mine), 'deployment')})", disabled=not changed, on_click=rename)


def _split(deployment: DeploymentView, _: Sequence[DeploymentView]) -> None:
    media = deps.read(in_camera_order, deployment.id)
    days = [other.taken_at.date() for other in media if other.taken_at]
    if len(set(days)) < 2:
        st.info("All its media were taken on one day: there is nothing to split.")
        return
    middle = sorted(set(days))[len(set(days)) // 2]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        day = st.date_input("First day of the second part", middle, min(days), max(days), format="YYYY-MM-DD",
                            key=f"split-{deployment.id}", width=220)  # fmt: skip
        name = st.text_input(
            "Name of the second part", f"{deployment.name} 2", key=f"second-{deployment.id}", max_chars=200
        )
    if not isinstance(day, date):
        return
    later = sum(other >= day for other in days)
    st.markdown(f"{len(media) - later:,} media stay, {later:,} go to {plain(name)}.")
    message = f"{later:,} media are in {name} now."
    st.button("Split", type="primary", on_click=callback(decide, acts.split, deployment.id, day, name, message=message))


def _join(deployment: DeploymentView, deployments: Sequence[DeploymentView]) -> None:
    others = {other.id: other for other in deployments if other.id != deployment.id}
    if not others:
        st.info("There is no other deployment.")
        return
    ordered = sorted(others, key=lambda n: (others[n].station != deployment.station, others[n].name))
    number = st.selectbox("Takes in", ordered, format_func=lambda n: others[n].name, key=f"join-{deployment.id}")
    with deps.survey().read() as session:
        mine, theirs = (len(in_camera_order(session, n)) for n in (deployment.id, number))
    other = others[number]
    st.markdown(
        f"{plain(deployment.name)} will have {mine + theirs:,} media ({theirs:,} more); {plain(other.name)} is gone."
    )
    if other.station != deployment.station:
        st.caption("They are at different stations. Two cameras of one place stay two deployments: use Station.")
    message = f"{other.name} is part of {deployment.name} now."
    st.button("Join", type="primary", on_click=callback(decide, acts.join, deployment.id, number, message=message))


def _move_some(deployment: DeploymentView, deployments: Sequence[DeploymentView]) -> None:
    media = deps.read(in_camera_order, deployment.id)
    if not media:
        st.info("This deployment has no media.")
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        first, last, by = pick_range(media, f"move-{deployment.id}")
        try:
            ids = [other.media_id for other in part(media, first, last)]
        except ValueError as problem:
            st.error(plain(str(problem)))
            return
        target = _target([other for other in deployments if other.id != deployment.id], f"move-{deployment.id}")
        if st.button(f"Move {many(len(ids), 'media', 'media')} there", type="primary", disabled=not target):
            _move(ids, target)
    with right:
        show_picture(by)


def _delete(deployment: DeploymentView, _: Sequence[DeploymentView]) -> None:
    with deps.survey().read() as session:
        media = len(in_camera_order(session, deployment.id))
    st.markdown(
        f"{plain(deployment.name)} is taken out; its {media:,} media stay and wait to be sorted. Undo brings it back."
    )
    gone = callback(decide, acts.delete, deployment.id, message=f"{deployment.name} is gone.")
    st.button("Delete the deployment", type="primary", on_click=gone)


def _target(deployments: Sequence[DeploymentView], key: str) -> int | str | None:
    """A deployment (id), or the name of a new one."""
    names = {deployment.id: deployment.name for deployment in deployments}
    choices: list[int | str] = [*names, NEW]
    chosen = st.selectbox("Move to", choices, index=None, format_func=lambda c: names.get(c, NEW), key=f"{key}-to")
    if chosen == NEW:
        return st.text_input("Name of the new deployment", key=f"{key}-new", max_chars=200).strip() or None
    return chosen


def _move(media_ids: Sequence[int], target: int | str | None) -> None:
    if target is not None:
        _done(decide(acts.move_media, media_ids, target, message=f"{many(len(media_ids), 'media', 'media')} moved."))


def _heap_name(heap: Heap) -> str:
    return f"{heap.label} · {heap.folder or 'no folder'} ({len(heap.media_ids):,})"


def _done(worked: bool) -> None:
    if worked:
        st.rerun()
