"""python -m app import TABLE or PACKAGE, or FOLDER --individuals: take over who and what is on which image."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from app.actions.decide import decide
from app.commands.output import CommandFailed, note, tell
from app.commands.results import already, wait_for
from app.exchange.incoming import identities, keeping, taking_over
from app.exchange.incoming.entries import BrokenResults, UnknownResults
from app.exchange.incoming.lines import Contents
from app.jobs.queue import Jobs
from app.settings import Settings
from app.survey.database import Survey, open_survey

LINES = 20


def run(settings: Settings, path: Path, options: Namespace) -> int:
    """Exit status: 0 when every line is taken, 3 when some are left out, 2 for another file."""
    try:
        contents = identities.read(path)
    except (UnknownResults, BrokenResults, OSError) as error:
        raise CommandFailed(f"{path.name}: {error}", 2) from error
    return take(settings, open_survey(settings), contents, path.name, options)


def by_folder(settings: Settings, survey: Survey, import_id: int, options: Namespace) -> int:
    """Name the images of an import by their first folders; exit status as `run`."""
    with survey.read() as session:
        lines = identities.of_folders(session, import_id)
    return take(settings, survey, Contents(lines), options.path.name, options)


def take(settings: Settings, survey: Survey, contents: Contents, name: str, options: Namespace) -> int:
    """Say what a file does and, without --preview, take it as one decision."""
    with survey.read() as session:
        found = taking_over.plan(session, contents)
    if found.does_something and not options.preview:
        jobs = Jobs(survey, settings)
        with taking_over.prepared(survey, contents, found.found) as ready:
            results_id = _under_way(survey, ready)
            if results_id is None:
                outcome = decide(survey, jobs, settings.reviewer, taking_over.take, ready, name)
                if outcome.refused:
                    raise CommandFailed(" ".join(outcome.problems))
                results_id = outcome.decisions[0].view.get("results_id")
        jobs.close()
        if results_id is not None and options.wait:
            wait_for(survey, settings, results_id)
    text = [f"{name}: {found.words}."]
    text += [f"  {count:,}: {reason}" for reason, count in found.reasons.most_common(LINES)]
    text += [f"  left out  {path}: {reason}" for path, reason in found.left_out[:LINES]]
    taken = found.does_something and not options.preview
    text.append("Taken in. History takes it back." if taken else "Nothing was taken in.")
    if taken and not options.wait and (found.images or found.taken > taking_over.MOST_IN_ONE):
        note("A worker does the rest: start the dashboard or `python -m app worker`.")
    value = {
        "lines": len(contents.lines),
        "taken": [asdict(planned.line) for planned in found.good],
        "left_out": found.left_out,
    }
    value |= {"lines_taken": found.taken, "reasons": dict(found.reasons)}
    value |= {"images_with_boxes": found.images, "deployments": [asdict(station) for station in found.stations]}
    if options.individuals and options.as_json:
        note("\n".join(text))  # the answer is that of the import
    else:
        tell(options.as_json, value, "\n".join(text))
    return 3 if found.left_out else 0


def _under_way(survey: Survey, ready: taking_over.Prepared) -> int | None:
    """The id of the same file where a job is taking it already."""
    with survey.read() as session:
        row = keeping.under_way(session, ready.aside)
    if row is None:
        return None
    note(already(row))
    return row.id
