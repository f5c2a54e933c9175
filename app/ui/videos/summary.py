"""A video in words beside its frames: sentences that jump to what they rest on, the count, the tracklets."""

from __future__ import annotations

import streamlit as st

from app import deps
from app.survey.decisions.kinds import Undo
from app.survey.decisions.videos import MOST, correct_count
from app.survey.detections.results import crop_name
from app.survey.videos import tracklets
from app.survey.videos.views import OpenVideo
from app.ui.shared.address import Identify
from app.ui.shared.decisions import callback, decide, undo
from app.ui.shared.navigation import identify_page
from app.ui.shared.words import many, plain
from app.ui.videos.items import course, names
from app.video.timecode import timecode
from modal_backend.contracts import Category
from modal_backend.models.video.summary import Sentence

COMPUTED = "Computed on this machine from detections and motion; no language model."


def jump_to(second: float) -> None:
    """Show the looked-at frame nearest to a second; the strip reads it when it is drawn next."""
    st.session_state["video_jump"] = {"second": second, "n": st.session_state.get("video_jump", {}).get("n", 0) + 1}


def draw_summary(opened: OpenVideo) -> None:
    """The sentences with their time codes, what limits them, and the count."""
    summary = deps.read(tracklets.summary_of, opened.view.media_id)
    if summary is None:
        st.info("This video is not summarised yet.")
        return
    st.caption(COMPUTED)
    for place, sentence in enumerate(summary.sentences):
        _sentence(sentence, f"said-{place}")
    _count(opened, summary.animals, summary.computed)
    if summary.uncertainty:
        st.markdown("**What limits this**")
        for place, sentence in enumerate(summary.uncertainty):
            _sentence(sentence, f"doubt-{place}")


def draw_tracklets(opened: OpenVideo) -> None:
    """Each tracklet with its best crop and the way to Identify."""
    if not opened.tracklets:
        st.caption(
            "No tracklet: nothing in this video moves like an animal, and the detector marks nothing that stays."
        )
    called = names([tracklet for _, tracklet in opened.tracklets])
    for name, (row, tracklet) in zip(called, opened.tracklets, strict=True):
        picture, words = st.columns([1, 4], vertical_alignment="center")
        best = max(tracklet.boxes, key=lambda box: box.quality, default=None)
        with deps.survey().read() as session:
            frames = {frame.frame_number: frame for frame in tracklets.detections_of(session, row.id)}
        if row.query_id is not None and deps.routes_served():
            query = next((frame for frame in frames.values() if frame.detection_id == row.query_id), None)
            shown = next((box for box in tracklet.boxes if query and box.index == query.frame_number), best)
            if shown is not None:
                address = deps.crop_url(crop_name(row.query_id, shown.box))
                picture.html(
                    f'<img src="{address}" alt="{name}" style="max-width:100%;max-height:96px;border-radius:3px">'
                )
        with words:
            st.markdown(f"**{name}** · {course(tracklet)}")
            if tracklet.note:
                st.caption(f"{tracklet.note[0].upper()}{tracklet.note[1:]}.")
            with st.container(horizontal=True, vertical_alignment="center"):
                st.button(
                    timecode(tracklet.first_second),
                    key=f"see-{row.id}",
                    icon=":material/play_arrow:",
                    on_click=jump_to,
                    args=(tracklet.first_second,),
                )
                if row.query_id is not None and tracklet.category == Category.ANIMAL:
                    st.page_link(
                        identify_page(),
                        label="Who is this?",
                        icon=":material/compare:",
                        query_params=Identify.QUERY.to(row.query_id),
                    )


def draw_coverage(opened: OpenVideo) -> None:
    """How much of the video was looked at, and what was not."""
    facts = opened.facts
    text = (
        f"The detector looked at {len(facts.looked):,} of {many(opened.video.frames, 'frame')};"
        f" {facts.compared:,} were compared for motion."
    )
    if facts.unlooked:
        gaps = ", ".join(f"{timecode(first)}–{timecode(last)}" for first, last in facts.unlooked[:8])
        more = f" and {len(facts.unlooked) - 8} more" if len(facts.unlooked) > 8 else ""
        text += f" Over two seconds without a look: {gaps}{more} (grey in the time line)."
    st.caption(text)
    if facts.lost:
        st.warning(f"Part of this video is lost. {facts.lost} What could be decoded is summarised.")


def _sentence(sentence: Sentence, key: str) -> None:
    button, words = st.columns([1, 7], gap="small")
    first, last = timecode(sentence.first_second), timecode(sentence.last_second)
    span = f"at {first}" if first == last else f"from {first} to {last}"
    with button:
        st.button(
            first,
            key=key,
            type="tertiary",
            help=f"{many(len(sentence.frames), 'frame')} {span}",
            on_click=jump_to,
            args=(_shown_from(sentence),),
        )
    words.markdown(sentence.text)


def _shown_from(sentence: Sentence) -> float:
    """Where a sentence's evidence is seen best: in the middle of its time."""
    return (sentence.first_second + sentence.last_second) / 2


def _count(opened: OpenVideo, animals: int, computed: int) -> None:
    media_id = opened.view.media_id

    def save() -> None:
        decide(correct_count, media_id, int(st.session_state[f"count-{media_id}-{animals}"]))

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input("Most animals at once", 0, MOST, animals, key=f"count-{media_id}-{animals}", width=170)
        st.button("Save the count", key="save-count", on_click=save)
        st.button(
            "Undo",
            key="undo-count",
            icon=":material/undo:",
            on_click=callback(undo, Undo.VIDEO_COUNT, media_id=media_id),
            help="Your last count of this video",
        )
        st.button(
            "Nothing",
            key="count-nothing",
            icon=":material/block:",
            on_click=callback(decide, correct_count, media_id, 0),
            help="No animal is in this video (key B over the frames)",
        )
    count = opened.view.count
    if count is not None and count.who:
        st.caption(f"Counted by {plain(count.who)}; computed: {computed}.")
