"""The job that writes a file of the survey into the data folder, and the one that removes what is too old."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from pathlib import Path

from dbos import DBOS
from sqlalchemy.orm import Session

from app import files
from app.exchange.formats import FORMATS, file_name
from app.exchange.identifiers import ExportRefused
from app.exchange.progress import Report
from app.exchange.wishes import wish_of
from app.jobs.current import current
from app.jobs.queue import Due, export_workflow_id
from app.jobs.steps import step
from app.storage import shared
from app.survey.capture.effort import NoEffort
from app.survey.database import Survey, is_away
from app.survey.exports import written

log = logging.getLogger("pugmark.worker")
WRITE_EVERY = 0.4
LEFT_AFTER_SECONDS = 24 * 3600


class Unwanted(Exception):
    """Somebody has cancelled the file that is being written."""


@DBOS.workflow(name="write_export")
async def write_export(export_id: int) -> None:
    """Write the file of a row."""
    await write_file(export_id)


@DBOS.workflow(name="sweep_exports")
async def sweep_exports() -> None:
    """Remove files that are older than they are kept."""
    await asyncio.to_thread(_sweep, current().context.survey)


@step()
async def write_file(export_id: int) -> None:
    """The whole file; begins anew after a crash."""
    await asyncio.to_thread(bring_to_end, current().context.survey, export_id)


def due(session: Session) -> list[Due]:
    """The files that wait or are being written."""
    return [Due(export_workflow_id(number), (number,)) for number in written.unfinished(session)]


def broke_off(session: Session, export_id: int, reason: str) -> None:
    """Close a file whose job ended without doing so."""
    written.finish(session, export_id, error=f"The export broke off: {reason}")


def outdated(session: Session) -> list[Due]:
    """The removal of what is too old, once for each file."""
    found = written.outdated(session)
    return [Due(f"sweep-exports-{max(found)}", ())] if found else []


def bring_to_end(survey: Survey, export_id: int) -> None:
    """Write the file as its row says and mark the row; a file that was cancelled leaves nothing."""
    with survey.write() as session:
        row = written.begin(session, export_id)
        if row is None:
            return
        kind, settings = row.format, dict(row.settings)
    folder = files.export_folder(survey.data_dir, export_id)
    part = folder.with_name(f"{export_id}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    name, holds, error = file_name(kind, settings), "", ""
    try:
        part.mkdir(parents=True)
        holds = FORMATS[kind].write(survey, wish_of(settings, _reporter(survey, export_id)), part / name)
        part.rename(folder)
        for file in folder.iterdir():
            shared.share(survey.data_dir, file)
    except Unwanted:
        pass
    except (ExportRefused, NoEffort, ValueError) as refused:
        error = str(refused)
    except OSError as failed:
        error = f"The file could not be written ({failed.strerror or failed})."
    except Exception as failed:
        if is_away(failed):
            raise
        log.exception("Export %d failed", export_id)
        error = f"{type(failed).__name__}: {failed}"
    finally:
        shutil.rmtree(part, ignore_errors=True)
    with survey.write() as session:
        path = folder / name if folder.is_dir() else None
        written.finish(session, export_id, holds=holds, path=path, error=error)


def _reporter(survey: Survey, export_id: int) -> Report:
    """Writes progress into the row, a few times a second at most, and ends the writing when it was cancelled."""
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < WRITE_EVERY:
            return
        last = now
        with survey.write() as session:
            wanted = written.progress(session, export_id, done, total)
        if not wanted:
            raise Unwanted

    return report


def _sweep(survey: Survey) -> None:
    """Remove what is too old, and what a program that ended left half written."""
    with survey.read() as session:
        old = written.outdated(session)
    written.remove(survey, old)
    for left in files.exports_folder(survey.data_dir).glob("*.part"):
        if left.stat().st_mtime < time.time() - LEFT_AFTER_SECONDS:
            _remove(left)


def _remove(left: Path) -> None:
    if left.is_dir():
        shutil.rmtree(left, ignore_errors=True)
    else:
        left.unlink(missing_ok=True)
