"""Clocks: which are suspicious and why, and one place to correct them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import streamlit as st

from app import deps
from app.survey.decisions import stations
from app.survey.decisions.kinds import Undo
from app.survey.media.clock_flags import Flag, report
from app.survey.media.clocks import Timed, correction, in_camera_order, part, times_mark
from app.survey.media.file_times import file_times
from app.survey.media.stations import DeploymentView, deployment_views
from app.ui.shared import counts
from app.ui.shared.address import Stations, go
from app.ui.shared.decisions import callback, decide, undo_button
from app.ui.shared.words import many, plain
from app.ui.stations.pick import pick_range, show_picture

WAIT_SECONDS = 0.05
AMOUNT, BY_PICTURE = "By an amount", "By this picture"
FIRST_FLAGS, MOST_FLAGS = 4, 40
TIME = "%Y-%m-%d %H:%M:%S"


def current_flags(wait: float = WAIT_SECONDS) -> list[Flag] | None:
    """Every doubt about the clocks of the survey as it stands; None while they are looked for beside the page.

    wait: seconds to wait for them.
    """
    return counts.beside(("clocks", counts.stations_state()), report, wait)


def clocks_view() -> None:
    """The doubts, and the clock of one deployment."""
    deployments = deps.read(deployment_views)
    if not deployments:
        st.info("There is no deployment yet. Import media, or make one under Stations.")
        return
    found = current_flags()
    if found is None:
        counts.wait_for(current_flags, "Looking at every clock …")
    else:
        _doubts(found, {deployment.id: deployment for deployment in deployments})
    _editor(_chosen(deployments, found or []))


def _doubts(found: Sequence[Flag], deployments: dict[int, DeploymentView]) -> None:
    if not found:
        st.success("No recorded time looks wrong.", icon=":material/check:")
        return
    concerned = len({flag.deployment_id for flag in found})
    st.subheader(f"{many(len(found), 'doubt')} about {many(concerned, 'clock')}", anchor=False)
    names = {number: plain(view.name) for number, view in deployments.items()}
    for number, flag in enumerate(found[:FIRST_FLAGS]):
        _doubt(flag, names, number)
    if len(found) > FIRST_FLAGS:
        with st.expander(f"{len(found) - FIRST_FLAGS:,} more"):
            for number, flag in enumerate(found[FIRST_FLAGS:MOST_FLAGS], FIRST_FLAGS):
                _doubt(flag, names, number)
            if len(found) > MOST_FLAGS:
                st.caption(f"{len(found) - MOST_FLAGS:,} more show when these are solved.")


def _doubt(flag: Flag, names: dict[int, str], number: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        name = names.get(flag.deployment_id, "A deployment")
        st.markdown(f":material/schedule: **{name}** · {flag.doubt} · {plain(flag.text)}", width="stretch")
        if st.button("Look at it", key=f"flag-{number}"):
            go({Stations.DEPLOYMENT: flag.deployment_id, Stations.MEDIA: flag.media_id})


def _chosen(deployments: Sequence[DeploymentView], found: Sequence[Flag]) -> DeploymentView:
    """The deployment of the address, else the one with the most doubts."""
    by_id = {deployment.id: deployment for deployment in deployments}
    doubts = Counter(flag.deployment_id for flag in found)
    asked = Stations.DEPLOYMENT.read()
    usual = asked if asked in by_id else next((number for number, _ in doubts.most_common() if number in by_id), None)
    numbers = list(by_id)
    chosen = st.selectbox(
        "Deployment", numbers, index=numbers.index(usual or numbers[0]), format_func=lambda number: by_id[number].name,
        key=f"clock-deployment-{usual}",
    )  # fmt: skip
    return by_id[chosen]


def _editor(deployment: DeploymentView) -> None:
    media = deps.read(in_camera_order, deployment.id)
    _time_zone(deployment)
    if not media:
        st.info("This deployment has no media.")
        return
    _untimed(deployment, sum(timed.recorded_at is None for timed in media))
    left, right = st.columns([2, 3], gap="large")
    key = f"clock-{deployment.id}"
    with left:
        first, last, by = pick_range(media, f"{key}-{Stations.MEDIA.read()}", start=Stations.MEDIA.read())
        _times(by)
        try:
            seconds = _wanted(by, key)
            chosen = part(media, first, last)
        except ValueError as problem:
            st.error(plain(str(problem)))
            seconds = None
        if seconds is not None:
            _preview(chosen, seconds)
        with st.container(horizontal=True):
            act = None
            if seconds is not None:  # about the times as they are shown, not as they are when the click arrives
                mark, message = times_mark(chosen), f"{stations.correction_text(seconds)} for {len(chosen):,} media."
                values = {"first": first, "last": last, "seen": mark, "message": message}
                act = callback(decide, stations.correct_clock, deployment.id, seconds, **values)
            st.button("Correct the clock", type="primary", disabled=act is None, on_click=act)
            undo_button(Undo.STATIONS)
    with right:
        show_picture(by)


def _untimed(deployment: DeploymentView, count: int) -> None:
    """Media without a time, and what their files offer."""
    if not count:
        return
    offered = deps.read(file_times, deployment.id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/schedule: **{many(count, 'media', 'media')} without a time.**", width="content")
        if not offered:
            st.caption("Read from pictures may know it.", width="content")
            return
        first, last = min(offered.values()), max(offered.values())
        span = f"{first:{TIME}}" if first == last else f"{first:{TIME}} to {last:{TIME}}"
        st.markdown(f"Their files were last written {span}. Copying a file can change that.", width="content")
        message = f"{many(len(offered), 'time')} taken from files."
        if st.button(f"Take {many(len(offered), 'time')} of files") and decide(
            stations.take_file_times, deployment.id, seen=len(offered), message=message
        ):
            st.rerun()


def _times(timed: Timed) -> None:
    recorded = f"{timed.recorded_at:{TIME}}" if timed.recorded_at else "no time"
    now = f" · counts as {timed.taken_at:{TIME}} ({stations.correction_text(timed.seconds)})" if timed.seconds else ""
    st.markdown(f"{plain(timed.path.rpartition('/')[2])}: the camera recorded **{recorded}**{now}")


def _wanted(by: Timed, key: str) -> int | None:
    """The seconds to add to the recorded times as the person asks for; None while nothing is typed.

    Raises:
        ValueError: what was typed is no time, or the picture has none.
    """
    how = st.segmented_control("How", (BY_PICTURE, AMOUNT), default=BY_PICTURE, key=f"{key}-how", required=True)
    if how == AMOUNT:
        text = st.text_input("Add to the recorded times", placeholder="+1:07 or -2 d 3 h", key=f"{key}-amount")
        return correction(text) if text.strip() else None
    example = f"{by.recorded_at or datetime(2024, 3, 12, 6, 48):{TIME}}"
    text = st.text_input("This picture was taken at", placeholder=example, key=f"{key}-{by.media_id}-at")
    if not text.strip():
        return None
    if by.recorded_at is None:
        raise ValueError("The camera recorded no time for this picture. Choose one that has a time.")
    return round((written_time(text) - by.recorded_at).total_seconds())


def written_time(text: str) -> datetime:
    """The time that a person wrote, as the camera's clock showed it. Raises ValueError, which says how to write it."""
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=None)
    except ValueError as error:
        raise ValueError(f"“{text}” is no time: write it as 2024-03-12 06:48.") from error


def _preview(chosen: Sequence[Timed], seconds: int) -> None:
    """What would change: how much, and the first and last media."""
    timed = [media for media in chosen if media.recorded_at is not None]
    if not timed:
        st.warning("None of these media has a recorded time.")
        return
    videos, events = sum(media.kind == "video" for media in timed), len({media.event_id for media in timed})
    days = sum(media.taken_at.date() != _after(media, seconds).date() for media in timed if media.taken_at)
    st.markdown(
        f"**{stations.correction_text(seconds)}**: {many(len(timed), 'media', 'media')} ({many(videos, 'video')}) of "
        f"{many(events, 'event')} move; {many(days, 'media', 'media')} to another day."
    )
    shown = [*timed[:3], *timed[-2:]] if len(timed) > 5 else timed
    corrected = any(media.seconds for media in shown)
    st.dataframe(
        {
            "file": [media.path.rpartition("/")[2] for media in shown],
            "will be": [f"{_after(media, seconds):{TIME}}" for media in shown],
            "recorded": [f"{media.recorded_at:{TIME}}" for media in shown],
            **({"counts as": [f"{media.taken_at:{TIME}}" for media in shown]} if corrected else {}),
        },
        hide_index=True,
    )


def _after(timed: Timed, seconds: int) -> datetime:
    assert timed.recorded_at is not None
    return timed.recorded_at + timedelta(seconds=seconds)


def _time_zone(deployment: DeploymentView) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        zone = st.text_input(
            "Time zone of the clock", deployment.time_zone or "", placeholder="+05:30", width=220,
            key=f"zone-{deployment.id}-{deployment.time_zone}",
            help="How far the clock was ahead of UTC. Times stay as recorded; exports that want an offset get it. "
            "Daylight saving is not guessed: a camera keeps the time it was set to.",
        )  # fmt: skip
        message = f"{deployment.name}: {zone or 'no time zone'}."
        changed = zone.strip() != (deployment.time_zone or "")
        if st.button("Set", disabled=not changed) and decide(
            stations.set_deployment, deployment.id, time_zone=zone, message=message
        ):
            st.rerun()
