"""Try another detector on a share of the images beside the one in use: begin, compare, let it stand, end."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import deps
from app.actions import trials as actions
from app.analysis.model_choice import detectors_there, of_survey, short_name, shown
from app.settings import AUTO, Backend, Settings
from app.survey.decisions.trials import let_stand
from app.survey.media import imports
from app.survey.roles import Role
from app.survey.tables.trials import TrialState
from app.survey.trials import figures, trials
from app.survey.trials.figures import Pace, TrialView
from app.ui.operations.trial_images import differing_images
from app.ui.shared.decisions import allowed, callback, decide, undo
from app.ui.shared.status_strip import seconds
from app.ui.shared.words import many, moment, plain
from modal_backend.registry import MODELS, REMOTE, Task, of_task
from modal_backend.remote.prices import AS_OF, per_second


def trial() -> None:
    """The trial that runs or stands, with its figures; without one, what can be tried."""
    settings = deps.settings()
    with deps.survey().read() as session:
        present = of_survey(shown(settings), session, settings).detector
        newest = figures.newest(session)
        view = figures.view(session, newest) if newest else None
        importing = imports.any_open(session)
    st.subheader("Try another detector", anchor=False)
    if view is not None and view.runs:
        _running(view, settings, importing=importing)
        return
    if view is not None and view.decision_id is not None:
        _standing(view, view.decision_id)
    _ask(settings, present)
    if view is not None and view.agreement.images:
        with st.expander(f"The last trial: {short_name(view.model)}", icon=":material/compare:"):
            _ended(view, settings)


def _ask(settings: Settings, present: str) -> None:
    """What can be tried, and the button that begins."""
    detectors = of_task(Task.DETECT)
    there = [name for name in detectors_there(settings) if name != present]
    st.caption(
        f"{_at_start(present)} is in use. Another detector can look at a share of the images after all other work. Its "
        "boxes are kept beside and do not count until a person lets it stand."
    )
    if there:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            model = st.selectbox("Detector", there, format_func=_title, key="trial-model", width=320)
            share = st.segmented_control(
                "Share of the images", trials.SHARES, format_func="{} %".format, default=trials.SHARES[0],
                required=True, key="trial-share",
            )  # fmt: skip
            whole = st.toggle("Also images that are here already", key="trial-all")
            locked = deps.person().role < Role.ADMIN
            st.button(
                "Try it", icon=":material/compare:", key="trial-start", disabled=locked, on_click=_start,
                args=(model, share, whole),
            )  # fmt: skip
        if settings.active_backend is Backend.MODAL and model in REMOTE:
            st.caption(f"It runs on Modal: ${3600 * per_second(model):.2f} an hour of running, list price of {AS_OF}.")
    away = [_title(name) for name in detectors if name not in there and name != present]
    if away:
        where = "the Modal Volume" if settings.active_backend is Backend.MODAL else "this computer or on Modal"
        st.caption(
            f"Without weights here: {', '.join(away)}. With their weights on {where} they can be tried, too; "
            "`python -m app weights` says how to get them."
        )


def _running(view: TrialView, settings: Settings, *, importing: bool) -> None:
    found = view.agreement
    done, all_of_it = found.images + found.failed, found.images + found.failed + view.waiting
    text = f"{_at_start(view.model)} looks at {view.share} % of the images: {done:,} of {all_of_it:,} so far"
    text += ", and goes on when the imports are done." if importing and view.waiting else "."
    st.progress(done / all_of_it if all_of_it else 0.0, text=text)
    st.caption(plain(f"Begun by {view.who}, {moment(view.started_at)}. Its boxes do not count."))
    _troubles(view)
    _figures(view)
    with st.container(horizontal=True):
        _stand_button(view, settings)
        with st.popover("End the trial", icon=":material/stop_circle:", key="trial-end"):
            st.write("The images are no longer looked at twice. What it found can stay beside, or go.")
            for remove, label in ((False, "Keep its results"), (True, "Remove its results")):
                st.button(
                    label, key=f"trial-end-{remove}", disabled=_locked(), on_click=_end, args=(view.id,),
                    kwargs={"remove": remove},
                )  # fmt: skip


def _standing(view: TrialView, decision_id: int) -> None:
    left, right = st.columns([6, 1], vertical_alignment="center")
    name = _at_start(view.model)
    left.markdown(
        f"**{name} stands** after a trial, since {moment(view.decided_at)} ({plain(view.decided_by or '')}). It looks "
        "at images from then on, and its boxes count on the images of the trial that nobody had decided about. Undo "
        "leads back; images that it alone has looked at keep its boxes."
    )
    if view.turning:
        left.caption("Its boxes are coming to count, and their animals are being described.")
    taking_back = callback(undo, decision_id=decision_id, message=f"{name} no longer stands.")
    right.button("Undo", key="trial-undo", icon=":material/undo:", disabled=_locked(), on_click=taking_back)
    _troubles(view)


def _ended(view: TrialView, settings: Settings) -> None:
    """A trial that is over, whose results are still here."""
    if view.state == TrialState.REMOVING:
        st.caption("Its results are being removed.")
        return
    _figures(view)
    if view.decision_id is None:
        with st.container(horizontal=True):
            _stand_button(view, settings)
            st.button(
                "Remove its results", key="trial-remove", icon=":material/delete:", disabled=_locked(), on_click=_end,
                args=(view.id,), kwargs={"remove": True},
            )  # fmt: skip


def _troubles(view: TrialView) -> None:
    if view.trouble:
        st.warning(plain(f"The trial does not go on. {view.trouble}"), icon=":material/error:")
    failed = view.agreement.failed
    if failed:
        st.caption(f"It failed on {many(failed, 'image')}; what counts there is as before.")
    if view.trouble or failed:
        st.button(
            "Try again", key="trial-again", icon=":material/replay:", disabled=_locked(), on_click=_again,
            args=(view.id,),
        )  # fmt: skip


def _figures(view: TrialView) -> None:
    """How far both agree, what each costs, and the images on which they differ."""
    found, name = view.agreement, _title(view.model)
    if not found.images:
        st.caption("No image has been looked at by both yet.")
        return
    with deps.survey().read() as session:
        paces = figures.paces(session, view.id)
        decided, right = figures.people(session, view.id)
    other = _title(paces[1].model) if paces[1] else "the other"
    left, beside = st.columns(2)
    left.dataframe(
        {
            f"of {many(found.images, 'image')} by both": [
                "both found an animal", "both found none", f"only {name}", f"only {other}",
            ],
            "images": [found.both, found.neither, found.only_new, found.only_old],
        },
        hide_index=True,
    )  # fmt: skip
    beside.dataframe(_beside(paces, (found.boxes, found.other_boxes)), hide_index=True)
    beside.caption(f"{found.alike:,} boxes agree: the same category, and an overlap (IoU) of at least .5.")
    differ = found.only_new + found.only_old
    if decided:
        seen = f" They saw the boxes of {other}, those of {name} only where they compared (C in the viewer)."
        seen = "" if view.decision_id is not None else seen
        st.markdown(
            f"People agreed with {name} on **{right:,} of {many(decided, 'image')}** that they decided, of the "
            f"{differ:,} where the two differ.{seen}"
        )
    elif differ:
        st.caption(f"Nobody has decided yet about the {many(differ, 'image')} where the two differ.")
    differing_images(view.id, differ, name, other)


def _beside(paces: Sequence[Pace | None], boxes: Sequence[int]) -> dict[str, list[str]]:
    """A row a model: its boxes, time and price of an image."""
    known = [(pace, count) for pace, count in zip(paces, boxes, strict=True) if pace is not None]
    rows = {
        "detector": [", ".join(pace.models) for pace, _ in known],
        "boxes": [f"{count:,}" for _, count in known],
        "median an image": ["" if pace.seconds is None else seconds(pace.seconds) for pace, _ in known],
    }
    if any(pace.run_seconds is not None for pace, _ in known):
        rows["1,000 images on Modal"] = [
            "" if pace.run_seconds is None else f"${1000 * pace.run_seconds * per_second(pace.model):.2f}"
            for pace, _ in known
        ]
    return rows


def _stand_button(view: TrialView, settings: Settings) -> None:
    fixed = settings.detector != AUTO
    st.button(
        "Let it stand",
        key="trial-stand",
        type="primary",
        icon=":material/check:",
        disabled=_locked() or fixed or not view.agreement.images,
        help="PUGMARK_DETECTOR names the detector; with auto, one that was tried can stand." if fixed else
        "It looks at all images from now on; what it found comes to count where nobody has decided. Undo leads back.",
        on_click=_stand,
        args=(view.id, view.model),
    )  # fmt: skip


@allowed
def _start(model: str, share: int, all_images: bool) -> None:
    try:
        actions.start_trial(deps.survey(), deps.reviewer(), model, share, all_images=all_images)
    except trials.TrialRefused as refused:
        st.toast(plain(str(refused)), icon=":material/error:")


@allowed
def _end(trial_id: int, *, remove: bool) -> None:
    actions.end_trial(deps.survey(), deps.reviewer(), trial_id, remove=remove)


@allowed
def _again(trial_id: int) -> None:
    actions.try_again(deps.survey(), trial_id)


def _stand(trial_id: int, model: str) -> None:
    decide(let_stand, trial_id, message=f"{_at_start(model)} stands.")


def _locked() -> bool:
    return deps.person().role < Role.ADMIN


def _title(model: str) -> str:
    return short_name(model) if model in MODELS else model


def _at_start(model: str) -> str:
    """Its title where a sentence begins with it."""
    return _title(model)[:1].upper() + _title(model)[1:]
