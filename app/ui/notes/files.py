"""The files of notes in the survey: what is kept, delete one, bring one back."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import deps
from app.survey.decisions import notes
from app.survey.notes import notes as survey_notes
from app.survey.notes.notes import DeletedFile
from app.survey.tables.notes import NoteFile, NoteRun
from app.ui.shared.decisions import callback, decide
from app.ui.shared.words import many, moment, plain

SHOWN = 40


def file_list(files: Sequence[NoteFile], deleted: Sequence[DeletedFile]) -> None:
    """Every file with what can be done about it."""
    if not files and not deleted:
        return
    st.subheader("Files of notes", anchor=False)
    for file in files[:SHOWN]:
        about, button = st.columns([3, 1], vertical_alignment="center")
        made_up = " · synthetic" if file.synthetic else ""
        about.markdown(
            f"**{plain(file.label)}**  \n{many(file.rows, 'note')}{made_up} · kept by {plain(file.who)}, "
            f"{moment(file.created_at)}"
        )
        with button:
            _delete(file)
    if len(files) > SHOWN:
        st.caption(f"The latest {SHOWN} of {len(files):,} files.")
    if deleted:
        with st.expander(f"Deleted: {many(len(deleted), 'file')}"):
            for gone in deleted[:SHOWN]:
                with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                    st.markdown(
                        f"{plain(gone.label)} · {many(gone.rows, 'note')} · deleted by {plain(gone.who)}, "
                        f"{moment(gone.decided_at)}",
                        width="stretch",
                    )
                    st.button(
                        "Bring back",
                        key=f"restore-notes-{gone.id}",
                        icon=":material/undo:",
                        on_click=callback(decide, notes.restore_file, gone.id, message=f"{gone.label} is back."),
                    )


def _delete(file: NoteFile) -> None:
    with st.popover("Delete", icon=":material/delete:", key=f"delete-notes-{file.id}", type="tertiary"):
        used = deps.read(survey_notes.runs_with, file.id)
        st.markdown(
            f"Delete **{plain(file.label)}** with its {many(file.rows, 'note')}? "
            + (f"{many(len(used), 'run')} took notes from it: the figures stay and say so, the notes are not shown. "
               if used else "No run took notes from it. ")
            + "It can be brought back here and in History."
        )  # fmt: skip
        st.button(
            "Delete these notes",
            key=f"delete-notes-now-{file.id}",
            type="primary",
            on_click=callback(
                decide,
                notes.delete_file,
                file.id,
                message=f"{file.label} was deleted. It can be brought back below.",
            ),
        )


def deleted_sources(run: NoteRun) -> None:
    """Says that notes of this run were deleted since."""
    gone = deps.read(survey_notes.deleted_files, run.settings["source"]["files"])
    for file in gone:
        st.warning(
            f"{plain(file.label)} ({many(file.rows, 'note')}) was deleted by {plain(file.who)}, "
            f"{moment(file.decided_at)}. What this run found in it stays; its notes are not shown.",
            icon=":material/delete:",
        )
