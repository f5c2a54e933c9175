"""A panel for one video: ask a video language model about it, and see what was answered beside what was computed.

Call `draw_analysis` at the top level of a page: it holds a fragment that refreshes while a question is under way.
What a model says is text from outside: it is shown as plain text, never as Markdown or HTML.
"""

from __future__ import annotations

import time
from html import escape

import streamlit as st

from app import deps
from app.actions import video_questions
from app.analysis.video_endpoint import host, not_configured
from app.survey.decisions.kinds import Undo
from app.survey.decisions.videos import delete_answer
from app.survey.detections.people import HIDDEN_FROM
from app.survey.tables.media import Media
from app.survey.tables.videos import VideoAnswer
from app.survey.videos import answers
from app.survey.videos.tracklets import summary_of
from app.ui.shared.decisions import decide, undo
from app.ui.shared.troubles import drawn_again
from app.ui.shared.words import duration, many, moment
from modal_backend.errors import QueueFull
from modal_backend.models.video.prompts import BY_KEY, LONGEST_OWN, OWN, PREPARED

REFRESH = "2s"
LATE_SECONDS = 20.0


def draw_analysis(media_id: int) -> None:
    """Draw the panel of one video: the questions that can be asked, and the answers there are, newest first."""
    st.subheader("Ask a video language model", anchor=False)
    missing = not_configured(deps.settings())
    if missing:
        st.info(f"Not configured. {missing}", icon=":material/key_off:")
    else:
        _ask_form(media_id)
    _undo_button(media_id)
    _answers(media_id)


def _ask_form(media_id: int) -> None:
    settings = deps.settings()
    titles = {prompt.key: prompt.title for prompt in PREPARED} | {OWN: "A question of your own"}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.selectbox(
            "Question",
            list(titles),
            format_func=lambda key: titles[key],
            key=f"video-question-{media_id}",
            width=320,
        )
        own = ""
        if kind == OWN:
            own = st.text_input(
                "Your question",
                key=f"video-own-{media_id}",
                max_chars=LONGEST_OWN,
                placeholder="Does one of them limp?",
            )
        asked = st.button("Ask", icon=":material/send:", key=f"video-ask-{media_id}")
    frames = many(settings.omnivinci_frames, "frame")
    what = "this video" if settings.omnivinci_send == "clip" else f"{frames} of this video"
    text = f"Ask sends {what} and the question to {host(settings)} (model {settings.omnivinci_model})."
    st.html(f'<div class="pm-line">{escape(text)}</div>')
    with deps.survey().read() as session:
        media = session.get(Media, media_id)
    if media is not None and media.person_score >= HIDDEN_FROM:
        st.caption(":material/person_alert: A person was found on this video: their picture would leave this machine.")
    if asked:
        _ask(media_id, kind or OWN, own)


def _ask(media_id: int, kind: str, own: str) -> None:
    try:
        video_questions.ask(deps.settings(), deps.survey(), deps.jobs(), media_id, kind, own, deps.reviewer())
    except (ValueError, QueueFull) as problem:
        st.error(f"{problem} {getattr(problem, 'remedy', '')}".strip())


def _undo_button(media_id: int) -> None:
    if not st.session_state.get(f"video-deleted-{media_id}"):
        return

    def take_back() -> None:
        if undo(Undo.VIDEO_ANSWERS, media_id=media_id):
            st.session_state[f"video-deleted-{media_id}"] -= 1

    st.button("Undo the deletion", icon=":material/undo:", key=f"video-undo-{media_id}", on_click=take_back)


def _answers(media_id: int) -> None:
    under_way = any(row.outcome is None for row in _read(media_id))

    @drawn_again(REFRESH if under_way else None)
    def live() -> None:
        rows = _read(media_id)
        computed = computed_animals(media_id) if rows else None
        for row in rows:
            with st.container(border=True, key=f"video-answer-{row.id}"):
                _draw(row, computed)
        if under_way and not any(row.outcome is None for row in rows):
            st.rerun()

    live()


def _read(media_id: int) -> list[VideoAnswer]:
    return deps.read(answers.answers, media_id)


def computed_animals(media_id: int) -> int | None:
    """How many animals Pugmark's own summary of the video counts; None while there is no summary."""
    summary = deps.read(summary_of, media_id)
    return None if summary is None else summary.animals


def _draw(answer: VideoAnswer, computed: int | None) -> None:
    title = BY_KEY[answer.kind].title if answer.kind in BY_KEY else answer.question
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(f"<b>{escape(title)}</b>", width="stretch")
        if answer.outcome is not None:
            st.button(
                "Delete",
                icon=":material/delete:",
                key=f"video-delete-{answer.id}",
                type="tertiary",
                on_click=_delete,
                args=(answer.media_id, answer.id),
            )
    if answer.outcome is None:
        _waiting(answer)
        return
    if answer.outcome == "failed":
        st.html(f'<div role="alert">No answer. {escape(answer.error or "")}</div>')
    else:
        st.text(answer.answer or "")
        _compare(answer, computed)
    st.html(f'<div class="pm-line" style="font-size:0.867rem">{escape(_origin(answer))}</div>')


def _waiting(answer: VideoAnswer) -> None:
    seconds = max(time.time() - answer.asked_at, 0.0)
    state = f"{answer.sent} sent to {answer.endpoint_host}" if answer.sent else "waits for the worker"
    late = " · is the worker running?" if not answer.sent and seconds > LATE_SECONDS else ""
    st.html(f'<div class="pm-line">{escape(state)} · {duration(seconds)}{late} · you can close this tab</div>')


def _compare(answer: VideoAnswer, computed: int | None) -> None:
    """The model's count beside the computed one; a disagreement is marked."""
    if answer.outcome == "cut short":
        st.caption(":material/content_cut: The answer reached the model's token limit and is not complete.")
    if answer.count_claimed is None:
        return
    claim = f"The model says {many(answer.count_claimed, 'animal')}"
    if computed is None:
        st.caption(f"{claim}; there is no computed summary of this video to compare it with.")
    elif computed == answer.count_claimed:
        st.caption(f":material/check: {claim}, and so does the summary computed from detections.")
    else:
        st.warning(
            f"{claim}; the summary computed from detections says {computed}. Look at the frames before you use either.",
            icon=":material/rule:",
        )


def _origin(answer: VideoAnswer) -> str:
    """Where an answer comes from, when, and what it cost."""
    parts = [f"{answer.model} at {answer.endpoint_host}", f"prompts {answer.prompt_version}"]
    if answer.sent:
        times = f" ({answer.frame_seconds[0]:.1f} to {answer.frame_seconds[-1]:.1f} s)" if answer.frame_seconds else ""
        parts.append(f"{answer.sent}{times}")
    if answer.prompt_tokens is not None and answer.completion_tokens is not None:
        parts.append(f"{answer.prompt_tokens:,} + {answer.completion_tokens:,} tokens")
    if answer.outcome != "failed":
        parts.append(f"${answer.cost_dollars:,.4f}" if answer.cost_dollars is not None else "cost not known")
    took = f", {duration(answer.answered_at - answer.asked_at)}" if answer.answered_at else ""
    return " · ".join([*parts, f"asked by {answer.asked_by}, {moment(answer.asked_at)}{took}"])


def _delete(media_id: int, answer_id: int) -> None:
    if decide(delete_answer, answer_id):
        st.session_state[f"video-deleted-{media_id}"] = st.session_state.get(f"video-deleted-{media_id}", 0) + 1
