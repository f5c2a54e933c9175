"""Imports as the dashboard asks for them: an upload that has arrived, or a path inside the roots."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from app import files
from app.actions.needs import needs
from app.jobs.queue import Jobs
from app.settings import Settings
from app.survey.database import Survey
from app.survey.media import imports
from app.survey.roles import Role
from app.survey.tables.media import ImportBatch


class ImportRefused(Exception):
    """This import is not started; the text says why and what to do."""


@needs(Role.REVIEWER)
def import_path(
    settings: Settings, survey: Survey, jobs: Jobs, path: str, deployment: str | None, names_in: str | None = None
) -> int:
    """Import a folder, zip or picture on the server. Raises ImportRefused for a path outside the import roots.

    names_in: the code page of names in zips that do not say it.
    """
    root = checked_path(settings, path)
    try:
        with survey.write() as session:
            deployment_id = imports.deployment_named(session, deployment).id if deployment else None
            import_id = imports.import_of_path(session, root, deployment_id, names_in=names_in).id
    except imports.CardWithoutName as error:
        raise ImportRefused(f"{error} Choose one under Deployment.") from error
    jobs.run_import(import_id)
    return import_id


def checked_path(settings: Settings, path: str) -> Path:
    """A path of the server as it really is. Raises ImportRefused for one outside the import roots."""
    try:
        root = Path(path).expanduser().resolve()
        exists = root.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise ImportRefused("This is not a path on the server.") from error
    roots = [allowed.expanduser().resolve() for allowed in settings.import_roots]
    if not any(root.is_relative_to(allowed) for allowed in roots):
        names = ", ".join(str(allowed) for allowed in roots)
        raise ImportRefused(f"Imports are allowed from {names}. PUGMARK_IMPORT_ROOTS adds other folders.")
    if not exists:
        raise ImportRefused(f"There is no file or folder at {path} on the server.")
    return root


@needs(Role.REVIEWER)
def import_upload(
    settings: Settings, survey: Survey, jobs: Jobs, batch: str, deployment: str | None, names_in: str | None = None
) -> int:
    """Import what the browser has sent under one batch. names_in: see `import_path`."""
    root, now = files.upload_folder(settings.data_dir, batch), datetime.now()
    with survey.write() as session:
        deployment_id = imports.deployment_named(session, deployment).id if deployment else None
        import_id = imports.start_import(
            session,
            kind="upload",
            root=str(root),
            label=f"Upload {now.day} {now:%b %Y %H:%M}",
            deployment_rule="fixed" if deployment_id else "chosen" if files.has_one_folder(root) else "folder",
            deployment_id=deployment_id,
            names_in=names_in,
        ).id
    jobs.run_import(import_id)
    return import_id


@needs(Role.REVIEWER)
def run_again(survey: Survey, jobs: Jobs, import_id: int) -> None:
    """Run a stopped import again; what was settled is passed over."""
    with survey.write() as session:
        imports.run_again(session.get_one(ImportBatch, import_id))
    jobs.run_import(import_id)
