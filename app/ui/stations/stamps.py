"""What the bars in the pictures say, deployment by deployment: each text beside the strip it was read from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

import streamlit as st

from app import deps
from app.survey.decisions.deployments import rename_station
from app.survey.decisions.kinds import Undo
from app.survey.decisions.stamps import take_times, write_times
from app.survey.media.stamps import ORDERS, Proposal, Reading, proposals, state
from app.ui.shared import counts
from app.ui.shared.decisions import decide, undo_button
from app.ui.shared.words import many, plain
from app.ui.stations.clocks import written_time

FROM_PICTURES = "Read from pictures"  # the view of the page
WAIT_SECONDS = 0.3
SHOWN = 3
WRITTEN_AT_ONCE = 6
MOST_DEPLOYMENTS = 30
TIME = "%Y-%m-%d %H:%M:%S"
ORDER_WORDS = {"mdy": "month, day, year", "dmy": "day, month, year", "ymd": "year, month, day"}
STRIP_MARGIN = 0.25  # above and below the letters, as a share of their height
OUT_OF_PLACE = "It is written otherwise than the others of this deployment, or out of order between its neighbours."
HIGHEST = 56  # pixels of a strip


def current_proposals(wait_seconds: float = WAIT_SECONDS) -> list[Proposal] | None:
    """What the bars of the survey propose as it stands; None while that is looked for beside the page."""
    now = deps.read(state)
    return counts.beside(("stamps", now), proposals, wait_seconds)


def stamps_view() -> None:
    """The proposals, each with the button that takes it."""
    found = current_proposals()
    if found is None:
        counts.wait_for(current_proposals, "Comparing what was read …")
        return
    if not found:
        st.info(
            "Nothing was read from pictures that the files do not say themselves. While the computer is idle, the bars "
            "of media without a time are read, and of the others one in fifty."
        )
        return
    undo_button(Undo.STATIONS)
    for proposal in found[:MOST_DEPLOYMENTS]:
        with st.container(border=True):
            _deployment(proposal)
    if len(found) > MOST_DEPLOYMENTS:
        st.caption(f"{many(len(found) - MOST_DEPLOYMENTS, 'more deployment')} show when these are decided.")


def _deployment(proposal: Proposal) -> None:
    st.subheader(plain(proposal.name), anchor=False)
    if proposal.times or proposal.open:
        _times(proposal)
    if proposal.doubtful:
        _doubtful(proposal)
    if proposal.different:
        words = many(len(proposal.different), "picture") + " whose file says another time than its bar"
        st.markdown(f"**{words}.** Correct the clock where the bar is right.")
        for reading, seconds in proposal.different[:SHOWN]:
            _strip(reading, _difference(reading, seconds))
    if proposal.renames:
        _label(proposal)


def _times(proposal: Proposal) -> None:
    """Media without a time: the times on their bars, and the button that takes them all."""
    order = proposal.order
    if proposal.open and not proposal.times:
        why = "contradict each other about" if proposal.contradicting else "do not show"
        st.markdown(f"The bars of this deployment {why} the order of day and month. Which is it?")
        possible = sorted({order for reading in proposal.open for order in reading.dates}, key=ORDERS.index)
        order = st.radio(
            "Order of the date", possible, index=None, format_func=ORDER_WORDS.__getitem__, horizontal=True,
            key=f"order-{proposal.deployment_id}",
        )  # fmt: skip
    readings = [proposal.readings[key] for key in proposal.times] or proposal.open
    words = f"**{many(len(readings), 'media', 'media')} without a time** show it in the picture."
    st.markdown(words + (f" The date is read as {ORDER_WORDS[order]}." if order else ""))
    for reading in _spread(readings):
        at = reading.at(order)
        _strip(reading, f"{at:{TIME}}" if at else f"{' or '.join(_possible(reading))}")
    message = f"{many(len(readings), 'time')} taken. Z takes it back."
    if st.button(
        f"Take {many(len(readings), 'time')}",
        type="primary",
        disabled=order is None,
        key=f"take-{proposal.deployment_id}",
    ) and decide(take_times, proposal.deployment_id, order=order, seen=len(readings), message=message):
        st.rerun()


def _doubtful(proposal: Proposal) -> None:
    """Media whose bars were not read for sure: a person reads them."""
    st.markdown(
        f"**{many(len(proposal.doubtful), 'bar')} could not be read for sure.** These media have no time until you "
        "write it."
    )
    times, shown = {}, proposal.doubtful[:WRITTEN_AT_ONCE]
    for reading in shown:
        _strip(reading, " ".join(reading.doubts) or OUT_OF_PLACE)
        guess = reading.at(proposal.order)
        text = st.text_input(
            "What its bar says", placeholder=f"{guess:{TIME}}" if guess else "2024-03-12 06:48", width=280,
            key=f"written-{reading.media_id}",
        )  # fmt: skip
        if text.strip():
            try:
                times[reading.media_id] = written_time(text)
            except ValueError as problem:
                st.error(str(problem))
    if left := len(proposal.doubtful) - len(shown):
        st.caption(f"{many(left, 'more bar')} show when these have a time.")
    message = f"{many(len(times), 'time')} kept. Z takes it back."
    if st.button(
        f"Keep {many(len(times), 'time')}", disabled=not times, key=f"write-{proposal.deployment_id}"
    ) and decide(write_times, proposal.deployment_id, times, message=message):
        st.rerun()


def _label(proposal: Proposal) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"The pictures name **{plain(proposal.label)}**; the station is called {plain(proposal.station)}.")
        message = f"{proposal.station} is called {proposal.label} now. Z takes it back."
        if st.button(f"Call it {plain(proposal.label)}", key=f"label-{proposal.deployment_id}") and decide(
            rename_station, proposal.station, proposal.label, message=message
        ):
            st.rerun()


def _strip(reading: Reading, words: str) -> None:
    """The strip of the picture and, beside it, what was read."""
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left:
        if reading.box is not None and deps.routes_served():
            st.html(strip_html(reading, deps.view_url(reading.sha256)))
    right.markdown(f"`{reading.text.replace('`', ' ')}`  \n{plain(words)}")


def strip_html(reading: Reading, source: str) -> str:
    """The part of a picture in which a text stands, as HTML that cuts it out of the whole picture."""
    box = reading.box
    assert box is not None
    left, width = max(0.0, box.x - 0.01), min(1.0, box.width + 0.02)
    top = max(0.0, box.y - STRIP_MARGIN * box.height)
    height = min(1.0 - top, box.height * (1 + 2 * STRIP_MARGIN))
    wide = width * reading.width / max(1, reading.height)
    return (
        f'<div style="overflow:hidden;border-radius:4px;position:relative;max-width:{HIGHEST * wide / height:.0f}px;'
        f'aspect-ratio:{wide:.5f}/{height:.5f}">'
        f'<img src="{escape(source, quote=True)}" alt="{escape(reading.text, quote=True)}" style="position:absolute;'
        f"max-width:none;width:{100 / width:.3f}%;left:{-100 * left / width:.3f}%;top:{-100 * top / height:.3f}%"
        f'"></div>'
    )


def _spread(readings: Sequence[Reading]) -> list[Reading]:
    """The first, one of the middle and the last."""
    if len(readings) <= SHOWN:
        return list(readings)
    return [readings[0], readings[len(readings) // 2], readings[-1]]


def _possible(reading: Reading) -> Iterable[str]:
    return dict.fromkeys(
        f"{datetime.combine(day, reading.time):{TIME}}" for day in reading.dates.values() if reading.time is not None
    )


def _difference(reading: Reading, seconds: int) -> str:
    hours, rest = divmod(abs(seconds), 3600)
    size = f"{hours // 24} d {hours % 24} h" if hours >= 24 else f"{hours} h {rest // 60:02} min"
    which = "later" if seconds > 0 else "earlier"
    return f"The file says {reading.recorded:{TIME}}: the bar is {size} {which}."
