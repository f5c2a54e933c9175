"""Upload: bring media into the survey from this browser or from a folder of the server."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import streamlit as st

from app import deps, files
from app.actions.imports import ImportRefused, checked_path, import_path, import_upload
from app.ingest.preview import preview
from app.ingest.zip_names import CODE_PAGES
from app.survey.media.progress import recent_imports
from app.ui.shared import counts
from app.ui.shared.guide import sample_button
from app.ui.shared.header import page_header
from app.ui.shared.words import many, plain
from app.ui.upload.identities import identities_card
from app.ui.upload.preview import show_preview
from app.ui.upload.progress import import_list
from app.ui.upload.results import results_card
from app.ui.upload.uploader.uploader import uploader

BY_FOLDER, NEW = "One for each folder", "A new one …"


def deployment_choice() -> str | None:
    """The deployment the files join; None for one a folder."""
    names = [name for _, name, _ in counts.places(counts.survey_state())]
    chosen = st.selectbox("Deployment", [BY_FOLDER, *names, NEW], help="One camera at one place for one period.")
    if chosen == NEW:
        return st.text_input("Name of the new deployment", max_chars=120).strip() or None
    return None if chosen == BY_FOLDER else chosen


def code_page_choice() -> str | None:
    """How names in zips are written that do not say it; None to find out."""
    return st.selectbox(
        "Names in zips", [None, *CODE_PAGES], format_func=lambda page: page or "Found out by themselves",
        help="Only for a zip whose names come out wrong, or that is refused because they can be read in several ways. "
        "Look at the stations first shows the names as they are read.",
    )  # fmt: skip


def look_first(root: Path, names_in: str | None, *, uploaded: bool = False) -> None:
    """Show what the folders name before anything is taken in."""
    show_preview(preview(root, names_in=names_in, uploaded=uploaded))


def path_form(deployment: str | None, names_in: str | None, looks_first: bool) -> None:
    """Import from a folder of this server, where the operator lets the dashboard read."""
    with st.form("path", border=False):
        path = st.text_input("Or a folder, zip, image or video on this server", placeholder="/media/card/DCIM")
        if st.form_submit_button("Import from the server", icon=":material/folder_open:") and path.strip():
            try:
                if looks_first:
                    look_first(checked_path(deps.settings(), path.strip()), names_in)
                else:
                    import_path(deps.settings(), deps.survey(), deps.jobs(), path.strip(), deployment, names_in)
            except ImportRefused as refused:
                st.error(plain(str(refused)))


page_header("Upload", "Bring in images and videos. Originals stay as they are; the same file is kept once.")
batch = st.session_state.setdefault("upload_batch", uuid4().hex)
zips = not deps.settings().demo
left, right = st.columns([3, 2], gap="large")
with right:
    deployment = deployment_choice()
    names_in = code_page_choice() if zips else None
    looks_first = st.toggle("Look at the stations first", help="See which folder is a station and which a camera.")
    if deps.settings().import_roots:
        path_form(deployment, names_in, looks_first)
with left:
    progress = uploader(batch, deps.upload_token(batch), key=f"uploader-{batch}", zips=zips)
    arrived = progress["finished"] and progress["done"]
    if arrived and progress["failed_count"]:
        st.warning(
            f"{progress['failed_count']:,} of {many(progress['total'], 'file')} did not arrive. Retry them above."
        )
        arrived = st.button(f"Import the {progress['done']:,} that arrived")
    if arrived and looks_first and not deployment:
        look_first(files.upload_folder(deps.settings().data_dir, batch), names_in, uploaded=True)
        arrived = st.button("Take them in", type="primary")
    if arrived:
        import_upload(deps.settings(), deps.survey(), deps.jobs(), batch, deployment, names_in)
        st.session_state["upload_batch"] = uuid4().hex
        st.rerun()
    results_card()
    identities_card()

with deps.survey().read() as session:
    empty = not recent_imports(session, limit=1)
if empty:
    with st.container(border=True):
        st.markdown(
            "**No images at hand?** Try the sample survey: drawn scenes with tigers that do not exist,"
            " clearly marked as synthetic."
        )
        sample_button()
import_list()
