"""python -m app import TABLE or PACKAGE, or FOLDER --individuals: take over who and what is on which image."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from app.actions.decide import decide
from app.commands.output import CommandFailed, note, tell
from app.exchange.incoming import identities
from app.exchange.incoming.entries import BrokenResults, UnknownResults
from app.exchange.incoming.identities import Line
from app.jobs.queue import Jobs
from app.settings import Settings
from app.survey.database import Survey, open_survey
from app.survey.decisions import identities_file

LINES = 20


def run(settings: Settings, path: Path, options: Namespace) -> int:
    """Exit status: 0 when every line is taken, 3 when some are left out, 2 for another file."""
    try:
        lines = identities.read(path)
    except (UnknownResults, BrokenResults, OSError) as error:
        raise CommandFailed(f"{path.name}: {error}", 2) from error
    return take(settings, open_survey(settings), lines, path.name, options)


def by_folder(settings: Settings, survey: Survey, import_id: int, options: Namespace) -> int:
    """Name the images of an import by their first folders; exit status as `run`."""
    with survey.read() as session:
        lines = identities.of_folders(session, import_id)
    return take(settings, survey, lines, options.path.name, options)


def take(settings: Settings, survey: Survey, lines: Sequence[Line], name: str, options: Namespace) -> int:
    """Say what the lines do and, without --preview, take them as one decision."""
    with survey.read() as session:
        found = identities.match(session, lines)
        planned = identities_file.plan(session, found.lines)
    good = [one for one in planned if one.problem is None]
    left_out = found.left_out + [(one.line.path, one.problem) for one in planned if one.problem is not None]
    new = {one.line.individual for one in good if one.individual_id is None} - {""}
    if good and not options.preview:
        jobs = Jobs(survey, settings)
        outcome = decide(survey, jobs, settings.reviewer, identities_file.take, found.lines, name)
        jobs.close()
        if outcome.refused:
            raise CommandFailed(" ".join(outcome.problems))
    text = [f"{name}: {len(good):,} of {len(lines):,} lines, {len(new):,} new individuals."]
    text += [f"  {count:,}: {reason}" for reason, count in Counter(why for _, why in left_out).most_common(LINES)]
    text += [f"  left out  {path}: {reason}" for path, reason in left_out[:LINES]]
    text.append("Nothing was taken in." if options.preview or not good else "Taken in. History takes it back.")
    value = {"lines": len(lines), "taken": [asdict(one.line) for one in good], "left_out": left_out}
    if options.individuals and options.as_json:
        note("\n".join(text))  # the answer is that of the import
    else:
        tell(options.as_json, value, "\n".join(text))
    return 3 if left_out else 0
