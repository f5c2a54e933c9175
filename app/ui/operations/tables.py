"""The tables of the Operations page."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.analysis.modal_watch import ModalFigures
from app.settings import Settings
from app.survey.calls.figures import Latency, ModelFigures, Stats
from app.survey.calls.reuse import Asked, Kept
from app.survey.calls.spending import Spending
from app.survey.roles import Person
from app.ui.shared.status_strip import seconds
from app.ui.shared.words import duration, many, moment, plain
from modal_backend.registry import REMOTE
from modal_backend.remote.prices import AS_OF, per_second

DETAILED = 5
CONNECT = """
1. `pip install -r requirements.txt`
2. `modal token new` (opens a browser), or `modal token set --token-id <id> --token-secret <secret>`
3. `modal deploy -m modal_backend.modal_app` in the project's folder
4. `modal run -m modal_backend.modal_app::test_wrapper` proves that the images hold what the models import
5. Start Pugmark again. `python -m app doctor` says what is still missing.
"""


def totals(stats: Stats, reused: int, waiting: int) -> None:
    """The whole ledger and the queue in one row of figures."""
    figures = [
        ("Jobs waiting", waiting),
        ("Calls open", stats.queued),
        ("Calls done", stats.succeeded),
        ("Calls failed", stats.failed),
        ("Calls retried", stats.retried),
        ("Results reused", reused),
    ]
    with st.container(horizontal=True):
        for label, value in figures:
            st.metric(label, f"{value:,}", width=150)


def models(figures: Sequence[ModelFigures]) -> None:
    """One row a model and backend: counts, ages, where the time went."""
    if not figures:
        st.info("No model has been called yet. Bring in pictures on the Upload page.", icon=":material/info:")
        return
    st.dataframe(
        {
            "model": [figure.model for figure in figures],
            "backend": [figure.backend for figure in figures],
            "open": [figure.running for figure in figures],
            "done": [figure.done for figure in figures],
            "failed": [figure.failed + figure.lost for figure in figures],
            "cancelled": [figure.cancelled for figure in figures],
            "retries": [figure.retries for figure in figures],
            "success": [_share(figure.success_rate) for figure in figures],
            "oldest open": [duration(figure.oldest_seconds) if figure.oldest_seconds else "" for figure in figures],
            "in all p50 / p95": [_both(figure.total) for figure in figures],
            "waiting": [_both(figure.waiting) for figure in figures],
            "cold start": [_both(figure.cold_start) for figure in figures],
            "run": [_both(figure.run) for figure in figures],
        },
        hide_index=True,
    )
    st.caption("Durations are the median and the 95th percentile of the newest calls, 5,000 at most.")


def cost(figures: Sequence[ModelFigures], month: Spending | None, budget: float | None) -> None:
    """What the run time on Modal would cost at list prices, in all and of the month's budget."""
    remote = [figure for figure in figures if figure.backend == "modal" and figure.model in REMOTE]
    if not remote:
        return
    dollars = sum(figure.run_seconds * per_second(figure.model) for figure in remote)
    run_seconds = sum(figure.run_seconds for figure in remote)
    st.caption(
        f"Modal, estimated: ${dollars:,.4f} for {duration(run_seconds)} of running and "
        f"loading at the list prices of {AS_OF}; idle time of containers and surcharges are not in it."
    )
    if month is not None:
        most = f" of ${budget:,.2f} (PUGMARK_MODAL_BUDGET)" if budget else ""
        st.caption(f"This month, by the same estimate: ${month.spent + month.under_way:,.2f}{most}.")


def questions(answers: int, dollars: float, unknown: int) -> None:
    """What the answers of video language models cost at the configured prices."""
    if not answers:
        return
    text = f"{many(answers, 'answer')} of video language models"
    if unknown == answers:
        st.caption(f"{text}; their cost is not known. OMNIVINCI_PRICE_IN and OMNIVINCI_PRICE_OUT set the prices.")
        return
    rest = f"; of {unknown:,} the cost is not known" if unknown else ""
    st.caption(f"{text}: ${dollars:,.4f} at the configured prices{rest}.")


def kept_answers(asked: Asked, kept: Kept) -> None:
    """How much is kept by content, and how often that spared a call."""
    if not kept.rows:
        return
    text = f"Answers are kept by content: {many(kept.rows, 'row')} (analyses, and what models know of crops), about "
    text += f"{kept.bytes / 1e6:,.1f} MB."
    if asked.files:
        share = asked.reused / asked.files
        text += (
            f" Of {many(asked.files, 'file')} that came in since {moment(asked.since)}, {asked.reused:,} ({share:.1%}) "
            "had been here before and needed no call."
        )
    st.caption(plain(text))


def modal_now(figures: ModalFigures) -> None:
    """Whether Modal answers, and its own backlog, runners and headroom."""
    state = figures.health
    if state.state == "asking":
        st.caption("Asking Modal …")
        return
    if state.state != "ready":
        st.warning(f"Modal is {state.state}: {state.reason} {state.remedy}".strip(), icon=":material/cloud_off:")
        return
    rows = list(figures.stats.items())
    st.dataframe(
        {
            "model": [name for name, _ in rows],
            "backlog": [stats.backlog for _, stats in rows],
            "containers": [stats.runners for _, stats in rows],
            "calls running": [stats.running for _, stats in rows],
            "headroom": [stats.headroom for _, stats in rows],
        },
        hide_index=True,
    )
    st.caption(f"As Modal reported {max(time.time() - figures.at, 0):.0f} s ago.")


def stalled(figures: ModalFigures, settings: Settings) -> None:
    """Say when Modal has a backlog and nothing runs: it never fails such calls by itself."""
    for model, stats in figures.stats.items():
        if stats.stalled_seconds >= settings.modal_stall_seconds:
            st.error(
                f"{model}: {many(stats.backlog, 'call')} wait on Modal and nothing has run for "
                f"{duration(stats.stalled_seconds)}. Its containers probably fail to start. "
                f"Look at: modal app logs {settings.modal_app_name}",
                icon=":material/error:",
            )


def not_connected() -> None:
    """What to do to run the models on Modal."""
    with st.expander("Modal is not connected: what to do", icon=":material/cloud:"):
        st.markdown(CONNECT)


def failures(rows: Sequence[Any]) -> None:
    """The newest calls without a result, with their reason."""
    if not rows:
        st.caption("No call has failed.")
        return
    st.dataframe(
        {
            "when": [moment(row.finished_at) for row in rows],
            "model": [row.model for row in rows],
            "backend": [row.backend for row in rows],
            "inputs": [row.items for row in rows],
            "attempts": [row.attempts for row in rows],
            "outcome": [row.outcome for row in rows],
            "reason": [(row.error or "").partition("\n")[0] for row in rows],
            "Modal's id": [row.remote_id or "" for row in rows],
        },
        hide_index=True,
    )
    detailed = [(row.model, *row.error.split("\n\n", 1)) for row in rows if "\n\n" in (row.error or "")]
    if detailed:
        with st.expander("Details for a programmer"):
            for model, reason, details in detailed[:DETAILED]:
                st.caption(plain(f"{model}: {reason}"))
                st.code(details, language=None)


def _both(latency: Latency) -> str:
    if latency.p50 is None or latency.p95 is None:
        return ""
    return f"{seconds(latency.p50)} / {seconds(latency.p95)}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def who_may_what(person: Person, login: bool) -> None:
    """Who is at the other end, and what this dashboard asks of people."""
    if login:
        st.caption(plain(f"You are {person.who}, {person.role.title} of this survey."))
        st.button("Log out", icon=":material/logout:", on_click=st.logout)
    else:
        st.caption(plain(f"No login is set up: everybody who reaches this dashboard is an admin, as {person.who}."))
