"""Videos: who was in a clip, when, from where to where; every statement leads to the frames it rests on."""

from __future__ import annotations

import streamlit as st

from app import deps
from app.survey.videos import views as clip_views
from app.survey.videos.views import OpenClip
from app.ui.shared.address import Videos, go
from app.ui.shared.crops.crops import crop_gallery
from app.ui.shared.header import page_header
from app.ui.shared.navigation import upload_page
from app.ui.shared.words import many, plain
from app.ui.videos.analysis import draw_analysis
from app.ui.videos.frames.frames import KEYS, clip_frames
from app.ui.videos.items import clip_items, facts, frame_items, names
from app.ui.videos.plots import tracklet_bars
from app.ui.videos.progress import clips_under_way
from app.ui.videos.runs import draw_runs
from app.ui.videos.summary import draw_coverage, draw_summary, draw_tracklets, jump_to

A_PAGE = 48


def clip_list() -> None:
    """The clips of the survey; one is opened with a click."""
    with deps.survey().read() as session:
        total = clip_views.count(session)
        pages = max(-(-total // A_PAGE), 1)
        number = min(Videos.PAGE.read(), pages)
        views = clip_views.page(session, limit=A_PAGE, offset=(number - 1) * A_PAGE)
    opened = crop_gallery(clip_items(views), key=f"clips-{number}", size=220)
    if opened.id is not None and opened.count != st.session_state.get("clip_opened", 0):
        st.session_state["clip_opened"] = opened.count
        st.session_state.pop("clip_jump", None)
        go({Videos.MEDIA: opened.id})
    if pages > 1:
        turned = st.pagination(pages, default=number, key=f"clip-pages-{number}")
        if turned != number:
            go({Videos.PAGE: turned})


def one_clip(clip: OpenClip) -> None:
    """A clip: frames and time line on one side, words on the other."""
    with st.container(horizontal=True, vertical_alignment="center"):
        back = st.button("All clips", icon=":material/arrow_back:", type="tertiary")
        st.caption(plain(facts(clip)), width="content")
    if back:
        go({Videos.MEDIA: None})
    if clip.view.failure:
        st.error(f"{plain(clip.view.failure)} The clip itself is kept; Operations can look again.")
    left, right = st.columns([3, 2], gap="medium")
    with left:
        frames = frame_items(clip)
        place = st.container()
        time_line(clip)
        with place:
            clip_frames(frames, key=f"clip-{clip.view.media_id}", width=clip.width, height=clip.height, jump=jump(clip))
        draw_coverage(clip)
    with right:
        words, tracklets, model, compare = st.tabs(
            ["In words", f"Tracklets {len(clip.tracklets)}", "Language model", "Compare"]
        )
        with words:
            draw_summary(clip)
        with tracklets:
            draw_tracklets(clip)
        with model:
            draw_analysis(clip.view.media_id)
        with compare:
            draw_runs(clip.view.media_id)


def time_line(clip: OpenClip) -> None:
    """The tracklets over the clip's time; a click on a bar or a mark jumps there."""
    tracklets = [one for _, one in clip.tracklets]
    named = list(zip(names(tracklets), tracklets, strict=True))
    looked = [(index, second) for index, second in clip.video.looked]
    unlooked = [(first, last) for first, last in clip.video.unlooked]
    event = st.plotly_chart(
        tracklet_bars(named, looked, unlooked, clip.view.duration),
        key=f"bars-{clip.view.media_id}",
        on_select="rerun",
        selection_mode="points",
        config={"displayModeBar": False},
    )
    chosen = [tuple(point["customdata"]) for point in event.selection.points if point.get("customdata")]
    if chosen and chosen != st.session_state.get("bar_chosen"):
        jump_to(float(chosen[0][0]))
    st.session_state["bar_chosen"] = chosen


def jump(clip: OpenClip) -> dict[str, int] | None:
    """The looked-at frame nearest to where a click wants to go."""
    wanted = st.session_state.get("clip_jump")
    if not clip.video.looked:
        return None
    if wanted is None:
        return {"number": clip.video.key_frame, "n": 0}
    index, _ = min(clip.video.looked, key=lambda look: abs(look[1] - wanted["second"]))
    return {"number": index, "n": wanted["n"]}


with deps.survey().read() as session:
    total, left = clip_views.count(session), clip_views.waiting(session)
    opened = clip_views.opened(session, Videos.MEDIA.read() or 0)
line = f"{many(total, 'clip')}, {left:,} not summarised yet" if left else many(total, "clip")
page_header(
    "Videos",
    "Which animals a video shows, when, and where they go. Every sentence leads to the frames it rests on.",
    opened.view.path if opened else line,
    KEYS if opened else None,
)
clips_under_way()
if opened:
    one_clip(opened)
elif total:
    clip_list()
else:
    st.info(
        "There are no clips yet. Every clip will be here with its key frames, a time line of its animals, and words."
    )
    st.page_link(upload_page(), label="Bring in clips", icon=":material/upload:")
