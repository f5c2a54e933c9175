"""python -m app import PATH [--wait]: take a folder, a zip or a picture into the survey, or results of other tools."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from app.commands import identities, results
from app.commands.output import CommandFailed, note, tell, work_until
from app.exchange.incoming.identities import reads
from app.ingest.preview import preview
from app.ingest.zip_names import CODE_PAGES
from app.jobs.presence import any_at_hand
from app.jobs.queue import Jobs
from app.settings import Settings
from app.survey import team
from app.survey.database import Survey, open_survey
from app.survey.media import imports, remarks
from app.survey.media.progress import UNFINISHED, Progress, import_progress, refusals, unanalysed
from app.survey.tables.media import ImportBatch, Outcome

OF_TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".json")
COUNT_SECONDS = 1.0  # between two counts of an import's files, which take the longer the more there are


def add_arguments(command: ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument("path", type=Path)
    command.add_argument("--preview", action="store_true", help="say what would happen; take nothing in")
    command.add_argument("--detections", type=Path, metavar="FILE", help="another detector's results for these files")
    command.add_argument(
        "--individuals", action="store_true", help="a folder for each individual, which its name names; with --wait"
    )
    command.add_argument("--wait", action="store_true", help="return when every file is done or refused")
    command.add_argument("--deployment", help="put everything into this deployment (default: one a folder)")
    command.add_argument("--names-in", choices=CODE_PAGES, help="code page of the names in a zip that does not say it")


def run(settings: Settings, options: Namespace) -> int:
    """Exit status: 0 when everything listed was taken in, 3 when files were refused or left out or there were none.

    1 when the import failed or some of its files were not analysed: the same command again goes on with them.
    """
    root, deployment = options.path.expanduser(), options.deployment
    if not root.exists():
        raise CommandFailed(f"There is no file or folder at {options.path}.", 2)
    if options.individuals and (options.preview or not options.wait):
        raise CommandFailed("--individuals names the animals when the import has ended: add --wait.", 2)
    if reads(root):
        return identities.run(settings, root.resolve(), options)
    if results.may_be_results(root):
        return results.run(settings, root.resolve(), options)
    if root.is_file() and root.suffix.lower() in OF_TABLES:
        what = "is broken, or holds no table and no results that Pugmark reads" if root.stat().st_size else "is empty"
        raise CommandFailed(f"{root.name} {what}.", 2)
    if options.preview:
        return show_preview(root.resolve(), options.names_in, options.as_json)
    survey = open_survey(settings)
    team.require_same_media(survey, settings)
    results_id = results.read(settings, survey, options.detections) if options.detections else None
    try:
        with survey.write() as session:
            deployment_id = imports.deployment_named(session, deployment).id if deployment else None
            batch = imports.import_of_path(session, root.resolve(), deployment_id, names_in=options.names_in)
            batch.results_id, import_id = results_id or batch.results_id, batch.id
    except imports.CardWithoutName as error:
        raise CommandFailed(f"{error} Add --deployment NAME.", 2) from error
    if results_id is not None:
        results.let_count(settings, survey, results_id)
    if not options.wait:
        return queue(survey, settings, import_id, options.as_json)
    status = report(survey, wait_for(survey, settings, import_id), options.as_json)
    return max(status, identities.by_folder(settings, survey, import_id, options)) if options.individuals else status


def show_preview(root: Path, names_in: str | None, as_json: bool) -> int:
    """Print what the folders name; returns 3 when files would not be taken."""
    found = preview(root, names_in=names_in)
    stations = len({place.station for place in found.places})
    lines = [f"{stations} stations, {len(found.places)} deployments. Nothing was taken in."]
    for place in found.places:
        camera = f", camera {place.camera}" if place.camera else ""
        lines.append(f"station {place.station}{camera}: {place.files} files in {place.folder or '.'}")
    lines += [f"no folder says where {found.nameless} files were taken: add --deployment NAME"] * bool(found.nameless)
    lines += [f"not taken: {path}: {reason}" for path, reason in found.refused]
    tell(as_json, asdict(found), "\n".join(lines))
    return 3 if found.refused else 0


def queue(survey: Survey, settings: Settings, import_id: int, as_json: bool) -> int:
    """Put an import into the queue and leave it to a worker."""
    jobs = Jobs(survey, settings)
    jobs.run_import(import_id)
    jobs.close()
    if not any_at_hand(survey):
        note("Queued. No worker is running: start the dashboard or `python -m app worker`, or use --wait.")
    tell(as_json, {"import": import_id, "state": "queued"}, f"Import {import_id} is queued.")
    return 0


def wait_for(survey: Survey, settings: Settings, import_id: int) -> Progress:
    """Until an import has ended; does the work here when no worker is alive."""
    with tqdm(unit="file", desc="import", dynamic_ncols=True, disable=None) as bar:
        counted = 0.0

        def ended() -> bool:
            nonlocal counted
            with survey.read() as session:
                batch = session.get_one(ImportBatch, import_id)
                running, results_id = batch.state in UNFINISHED, batch.results_id
                if not bar.disable and (not running or time.monotonic() - counted > COUNT_SECONDS):
                    progress = import_progress(session, import_id)
                    counted, bar.total = time.monotonic(), progress.listed
                    bar.update(progress.done - bar.n)
            return not running and (results_id is None or results.is_taken(survey, results_id))

        work_until(survey, settings, ended)
    with survey.read() as session:
        return import_progress(session, import_id)


def report(survey: Survey, progress: Progress, as_json: bool) -> int:
    """Print how an import ended; returns the exit status."""
    with survey.read() as session:
        named = {
            "refused": refusals(session, progress.id),
            "left_out": refusals(session, progress.id, outcome=Outcome.LEFT_OUT),
        }
        waiting = unanalysed(session, progress.id)
        remarked = {str(remark): remarks.paths(session, progress.id, remark) for remark in remarks.Remark}
    value = {
        **asdict(progress),
        "done": progress.done,
        "refusals": [{"path": path, "reason": reason} for path, reason in named["refused"]],
        "files": {kind: [path for path, _ in rows] for kind, rows in named.items()} | remarked,
    }
    value["files"]["unanalysed"] = [path for path, _ in waiting]
    value["unanalysed_reasons"] = dict(Counter(reason for _, reason in waiting))
    tell(as_json, value, "\n".join([*_lines(progress, named), *_left(waiting)]))
    if progress.error or waiting:
        return 1
    return 3 if progress.refused or progress.left_out or not progress.done else 0


def _lines(progress: Progress, named: dict[str, list[tuple[str, str]]]) -> list[str]:
    """The sum of an import in words, with the names of files that did not come in."""
    lines = [
        f"{progress.done} files: {progress.new} new, {progress.duplicate} already here, {progress.refused} refused,"
        f" {progress.left_out} left out in {progress.seconds:.0f} s.",
        f"Taken in: {progress.damaged} damaged, {progress.untimed} without a time, {progress.unplaced} without a place,"
        f" {progress.displaced} far from their deployment, {progress.clock} with a suspicious clock"
        " (--json lists them).",
    ]
    if not progress.done:
        lines = ["Nothing to import was found there."]
    for kind, rows in named.items():
        lines += [f"  {kind.replace('_', ' '):8}  {path}: {reason}" for path, reason in rows]
    if progress.error:
        lines.append(f"The import stopped: {progress.error}")
    return lines


def _left(waiting: list[tuple[str, str]]) -> list[str]:
    """What was taken in and not analysed, with the reasons and what to do."""
    if not waiting:
        return []
    reasons = Counter(reason for _, reason in waiting).most_common()
    lines = [f"{len(waiting)} files were taken in but not analysed. The same command again goes on with them."]
    return lines + [f"  {count} of them: {reason}" for reason, count in reasons]
