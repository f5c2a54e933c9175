"""python -m app import FILE: bring in the results of another tool, matched to the files of the survey."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from app.actions.decide import decide
from app.commands.output import Bar, CommandFailed, note, tell, work_until
from app.exchange.incoming import bringing_in
from app.exchange.incoming.bringing_in import Plan
from app.jobs.queue import Jobs
from app.settings import Settings
from app.survey.database import Survey, open_survey
from app.survey.decisions import results as decisions
from app.survey.tables.results import UNDER_WAY, ResultsFile, ResultsReview, ResultsState

LINES = 20


def may_be_results(path: Path) -> bool:
    """Whether a path is a file that holds JSON."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def run(settings: Settings, path: Path, options: Namespace) -> int:
    """Exit status: 0 when all of the file is in the survey, 3 when some of it is left out, 2 for another file."""
    survey = open_survey(settings)
    results_id = read(settings, survey, path)
    found = bringing_in.plan(survey, results_id)
    if not options.preview:
        let_count(settings, survey, results_id)
        if options.wait:
            wait_for(survey, settings, results_id)
    row = state(survey, results_id)
    tell(options.as_json, {"results": results_id, "state": row.state, **asdict(found)}, "\n".join(lines(found, row)))
    if row.state == ResultsState.FAILED:
        return 1
    return 3 if found.entries > found.matched - found.kept else 0


def read(settings: Settings, survey: Survey, path: Path) -> int:
    """Read a file of results; returns its id. Raises CommandFailed for one that is none, or broken."""
    try:
        results_id = bringing_in.register(survey, path, path.name, settings.reviewer, ResultsState.READY)
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror}.", 2) from error
    if (row := state(survey, results_id)).state in UNDER_WAY:
        note(already(row))
        work_until(survey, settings, lambda: state(survey, results_id).state != ResultsState.READING)
        return results_id
    with tqdm(unit="image", desc="read", dynamic_ncols=True, disable=None) as bar:
        bringing_in.read_in(survey, results_id, lambda count: bar.update(count - bar.n) and None)
    row = state(survey, results_id)
    if row.state == ResultsState.FAILED:
        raise CommandFailed(f"{path.name}: {row.error}", 2)
    return results_id


def let_count(settings: Settings, survey: Survey, results_id: int) -> None:
    """Decide that a file counts, unless it does already, and have a job do the rest."""
    jobs = Jobs(survey, settings)
    with survey.read() as session:
        counts = session.get(ResultsReview, results_id) is not None
    if counts:
        bringing_in.match_again(survey, results_id)
    else:
        decide(survey, jobs, settings.reviewer, decisions.bring_in, results_id)
    jobs.bring_in_results(results_id)
    jobs.close()


def is_taken(survey: Survey, results_id: int) -> bool:
    """Whether all boxes of a file that counts are stored and described."""
    return state(survey, results_id).state not in UNDER_WAY


def wait_for(survey: Survey, settings: Settings, results_id: int) -> None:
    """Until a file that counts is taken; does the work here when no worker is alive."""
    with Bar("stored") as bar:

        def ended() -> bool:
            row = state(survey, results_id)
            bar.report(row.taken, row.matched or 0)
            return row.state not in UNDER_WAY

        work_until(survey, settings, ended)


def already(row: ResultsFile) -> str:
    """That a job is at a file already, in words."""
    done = f"{row.taken:,} of {row.matched or 0:,} are stored"
    return f"{row.name} is being brought in already: {done}. --wait waits for it."


def state(survey: Survey, results_id: int) -> ResultsFile:
    """The row of a file of results as it is now."""
    with survey.read() as session:
        return session.get_one(ResultsFile, results_id)


def lines(found: Plan, row: ResultsFile) -> list[str]:
    """What a file would do, or does, in words."""
    text = [
        f"{found.name}: {found.format}, {found.detector}, threshold {found.threshold:g}.",
        f"{found.entries:,} images: {found.matched:,} are in the survey, "
        f"{found.entries - found.matched:,} are not taken.",
    ]
    if found.kept:
        text.append(f"{found.kept:,} stay as they are: somebody has decided about them.")
    text += [f"  {count:,}: {reason}" for reason, count in found.reasons.items()]
    text += [f"  not taken  {path}: {reason}" for path, reason in found.unmatched[:LINES]]
    if len(found.unmatched) > LINES:
        text.append("  ... (--json lists the first 1,000)")
    if row.state in UNDER_WAY:
        note("A worker stores the boxes: start the dashboard or `python -m app worker`, or use --wait.")
    words = {ResultsState.READY: "Nothing was brought in.", ResultsState.FAILED: f"It stopped: {row.error}"}
    return [*text, words.get(ResultsState(row.state), "Brought in. History takes it back.")]
