"""Files of the survey: have one written, follow it, download it, find the earlier ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from app import deps
from app.actions import exports
from app.exchange.about import in_words
from app.exchange.formats import FORMATS, Format
from app.exchange.sizes import measured
from app.exchange.wishes import chosen
from app.exchange.writers import readme_beside
from app.survey.exports import written
from app.survey.exports.written import ExportView
from app.survey.tables.exports import ExportState
from app.ui.shared.decisions import allowed
from app.ui.shared.troubles import drawn_again
from app.ui.shared.words import duration, moment, plain

SHOWN = 3


def recent() -> list[ExportView]:
    """The latest files, newest first."""
    return deps.read(written.recent, deps.survey().data_dir)


def of(files: Sequence[ExportView], kind: str, settings: Mapping[str, str]) -> ExportView | None:
    """The newest of these files that has this format and these settings."""
    return next((file for file in files if file.format == kind and file.settings == dict(settings)), None)


def export_button(
    kind: Format, settings: Mapping[str, str], file: ExportView | None, *, ready: bool, what: str = ""
) -> None:
    """The one button of a format: write it, or stop that, or download what is written.

    Args:
        ready: whether nothing is missing.
        what: named on the button.
    """
    if file is not None and file.under_way:
        _cancel_button(file, "card")
    elif file is not None and file.path is not None:
        _download(file, f"Download {what}.{kind.suffix}", primary=True, key=f"get-{kind.key}")
    else:
        st.button(
            f"Write {what}.{kind.suffix}", icon=":material/save:", width="stretch", key=f"write-{kind.key}",
            disabled=not ready, on_click=_start, args=(kind.key, dict(settings)),
        )  # fmt: skip


def file_state(kind: Format, settings: Mapping[str, str], file: ExportView | None) -> None:
    """Under a format: how far its file is, what became of it, and whether it is still what the survey says."""
    if file is None:
        return
    if file.under_way:
        _live(file.id)
    elif file.error:
        st.error(plain(file.error))
    elif file.path is not None:
        with deps.survey().read() as session:
            fresh = written.mark(session) == file.mark
        changed = "" if fresh else " The survey has changed since."
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Written {moment(file.finished_at)}: {plain(_held(file))}{changed}", width="content")
            if not fresh:
                st.button(
                    "Write again", type="tertiary", key=f"again-{kind.key}", on_click=_start,
                    args=(kind.key, dict(settings)),
                )  # fmt: skip


def crops_button(individual_id: int, name: str) -> None:
    """The crops of one individual, from its card."""
    kind, settings = FORMATS["crops"], {"individual": str(individual_id), "name": name}
    file = of(recent(), kind.key, settings)
    with st.container(width=200):
        export_button(kind, settings, file, ready=True, what="crops ")
    if file is not None and (file.under_way or file.error):
        with st.container(width=260):
            file_state(kind, settings, file)


def files_section(files: Sequence[ExportView]) -> None:
    """What was written lately; what is being written shows how far it is. Nothing before the first."""
    if not files:
        return
    with st.container(border=True, key="export-files"):
        st.markdown("**Your files**")
        for file in files[:SHOWN]:
            _row(file)
        if len(files) > SHOWN:
            with st.expander(f"{len(files) - SHOWN} earlier"):
                for file in files[SHOWN:]:
                    _row(file)
        st.caption(f"Files stay in the data folder for {written.KEPT_DAYS} days, then they are removed.")


def _row(file: ExportView) -> None:
    left, right = st.columns([4, 2], vertical_alignment="center")
    with left:
        choices = chosen(file.settings)
        made = f" · {plain(in_words(choices))}" if choices else ""
        st.markdown(f"{FORMATS[file.format].title} · {moment(file.created_at)} · {plain(file.who)}{made}")
        if file.under_way:
            _live(file.id)
        elif file.error:
            st.caption(f":material/error: {plain(file.error)}")
        else:
            st.caption(plain(_held(file)) if file.path else "The file was removed.")
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        if file.under_way:
            _cancel_button(file, "list")
            return
        if file.path is not None:
            _download(file, "Download", key=f"file-{file.id}")
            if readme_beside(file.path).is_file():
                address = deps.export_url(file.id, readme_beside(file.path).name)
                st.link_button("README", address, type="tertiary", key=f"readme-{file.id}")
        st.button(
            "", icon=":material/delete:", type="tertiary", key=f"remove-{file.id}", help="Remove this file",
            on_click=_remove, args=(file.id,),
        )  # fmt: skip


def _live(export_id: int) -> None:
    """How far a file is, drawn again by itself until its end."""

    @drawn_again("1s")
    def live() -> None:
        file = deps.read(written.view, deps.survey().data_dir, export_id)
        if file is None or not file.under_way:
            st.rerun()
        st.progress(min(file.done / file.total, 1.0) if file.total else 0.0, text=_pace(file))

    live()


def _pace(file: ExportView) -> str:
    if file.state == ExportState.QUEUED:
        return "Waiting for the worker · you can close this tab"
    left = file.eta_seconds
    share = f"{min(file.done / file.total, 1.0):.0%}" if file.total else "Reading the survey"
    return f"{share}{f' · about {duration(left)} left' if left else ''} · you can close this tab"


def _held(file: ExportView) -> str:
    return f"{file.holds}, {measured(file.bytes)}"


@allowed
def _start(kind: str, settings: dict[str, str]) -> None:
    try:
        exports.start(deps.survey(), deps.jobs(), kind, settings, deps.reviewer())
    except ValueError as refused:
        st.toast(plain(str(refused)), icon=":material/error:")


@allowed
def _cancel(export_id: int) -> None:
    exports.cancel(deps.survey(), export_id)


@allowed
def _remove(export_id: int) -> None:
    exports.remove(deps.survey(), export_id)


def _cancel_button(file: ExportView, place: str) -> None:
    st.button(
        "Cancel", icon=":material/close:", width="stretch" if place == "card" else "content",
        key=f"cancel-{place}-{file.id}", on_click=_cancel, args=(file.id,),
    )  # fmt: skip


def _download(file: ExportView, label: str, *, key: str, primary: bool = False) -> None:
    assert file.path is not None
    st.link_button(
        label, deps.export_url(file.id, file.path.name), icon=":material/download:", key=key,
        type="primary" if primary else "secondary", width="stretch" if primary else "content",
    )  # fmt: skip
