"""Videos: who was in a video, when, from where to where; every statement leads to the frames it rests on."""

from __future__ import annotations

import time

import streamlit as st

from app import deps
from app.actions.videos import apply_marks
from app.survey.videos import views as video_views
from app.survey.videos.views import OpenVideo, Show
from app.ui.notes.note_list import draw_notes_near
from app.ui.shared.address import Videos, go
from app.ui.shared.component import is_new
from app.ui.shared.crops.crops import crop_gallery
from app.ui.shared.decisions import show_notes
from app.ui.shared.empty import empty_page
from app.ui.shared.header import page_header
from app.ui.shared.navigation import upload_page
from app.ui.shared.paging import page_in_address, turn_pages
from app.ui.shared.plots import draw_plot
from app.ui.shared.words import many, plain
from app.ui.videos.analysis import draw_analysis
from app.ui.videos.frames.frames import marks_of, video_frames
from app.ui.videos.items import facts, frame_items, names, video_items
from app.ui.videos.plots import tracklet_bars
from app.ui.videos.progress import videos_under_way
from app.ui.videos.runs import draw_runs
from app.ui.videos.summary import draw_coverage, draw_summary, draw_tracklets, jump_to

A_PAGE = 48


def video_list() -> None:
    """The videos of the survey; one is opened with a click."""
    chosen = st.segmented_control(
        "Videos", [str(show) for show in Show], default=Videos.SHOW.default, label_visibility="collapsed",
        **Videos.SHOW.bound(),
    )  # fmt: skip
    show = Show(chosen or Show.ALL)
    with deps.survey().read() as session:
        total = video_views.count(session, show)
        start = page_in_address(Videos.PAGE, total, A_PAGE).start
        views = video_views.page(session, limit=A_PAGE, offset=start, show=show)
    if not views:
        st.info("No video of this kind.")
        return
    key = f"videos-{show}-{start}"
    opened = crop_gallery(video_items(views), key=key, size=220)
    if is_new(key, opened.count) and opened.id is not None:
        st.session_state.pop("video_jump", None)
        go({Videos.MEDIA: opened.id})
    turn_pages(Videos.PAGE, total, A_PAGE, f"video-pages-{show}")


def draw_video(opened: OpenVideo, read_at: float) -> None:
    """A video: frames and time line on one side, words on the other."""
    with st.container(horizontal=True, vertical_alignment="center"):
        back = st.button("All videos", icon=":material/arrow_back:", type="tertiary")
        st.caption(plain(facts(opened)), width="content")
    if back:
        go({Videos.MEDIA: None})
    if opened.view.failure:
        st.error(f"{plain(opened.view.failure)} The video itself is kept; Operations can look again.")
    left, right = st.columns([3, 2], gap="medium")
    media_id = opened.view.media_id
    with left:
        frames = frame_items(opened)
        place = st.container()
        time_line(opened)
        with place:
            video_frames(
                frames,
                key=f"video-{media_id}",
                media_id=media_id,
                width=opened.width,
                height=opened.height,
                jump=jump(opened),
                ack=st.session_state.get(f"video-{media_id}-ack", 0),
                as_of=read_at,
            )
        draw_coverage(opened)
    with right:
        words, tracklets, model, compare = st.tabs(
            ["In words", f"Tracklets {len(opened.tracklets)}", "Language model", "Compare"]
        )
        with words:
            draw_summary(opened)
            if opened.view.deployment and opened.view.taken_at:
                draw_notes_near([(opened.view.deployment, opened.view.taken_at.date())])
        with tracklets:
            draw_tracklets(opened)
        with model:
            draw_analysis(opened.view.media_id)
        with compare:
            draw_runs(opened.view.media_id)


def time_line(opened: OpenVideo) -> None:
    """The tracklets over the video's time; a click on a bar or a mark jumps there."""
    tracklets = [tracklet for _, tracklet in opened.tracklets]
    named = list(zip(names(tracklets), tracklets, strict=True))
    looked = [(index, second) for index, second in opened.facts.looked]
    unlooked = [(first, last) for first, last in opened.facts.unlooked]
    event = draw_plot(
        tracklet_bars(named, looked, unlooked, opened.view.duration),
        key=f"bars-{opened.view.media_id}",
        on_select="rerun",
        selection_mode="points",
    )
    chosen = [tuple(point["customdata"]) for point in event.selection.points if point.get("customdata")]
    if chosen and chosen != st.session_state.get("bar_chosen"):
        jump_to(float(chosen[0][0]))
    st.session_state["bar_chosen"] = chosen


def jump(opened: OpenVideo) -> dict[str, int] | None:
    """The looked-at frame nearest to where a click wants to go."""
    wanted = st.session_state.get("video_jump")
    if not opened.facts.looked:
        return None
    if wanted is None:
        return {"number": opened.video.key_frame, "n": 0}
    index, _ = min(opened.facts.looked, key=lambda look: abs(look[1] - wanted["second"]))
    return {"number": index, "n": wanted["n"]}


def apply_marked(media_id: int) -> None:
    """Write down what a person did over the frames of a video."""
    store = f"video-{media_id}"
    ack = st.session_state.get(f"{store}-ack", 0)
    settled = apply_marks(deps.survey(), deps.jobs(), deps.reviewer(), marks_of(store), ack)
    st.session_state[f"{store}-ack"] = settled.ack
    show_notes(settled)


def any_videos() -> bool:
    """Whether a video has come in."""
    with deps.survey().read() as session:
        return video_views.count(session) > 0


if opened_id := Videos.MEDIA.read():
    apply_marked(opened_id)
read_at = time.time()
with deps.survey().read() as session:
    total, left = video_views.count(session), video_views.waiting(session)
    opened = video_views.opened(session, Videos.MEDIA.read() or 0)
line = f"{many(total, 'video')}, {left:,} not summarised yet" if left else many(total, "video")
page_header(
    "Videos",
    "Which animals a video shows, when, and where they go. Every sentence leads to the frames it rests on.",
    opened.view.path if opened else line,
)
videos_under_way()
if opened:
    draw_video(opened, read_at)
elif total:
    video_list()
else:
    empty_page(
        "There are no videos yet. Every video will be here with its key frames, a time line of its animals, and words.",
        any_videos,
        (upload_page(), "Bring in videos", ":material/upload:"),
    )
