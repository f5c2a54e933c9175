"""Pugmark without a browser: import, status, worker, sample, export, notes, summarise, ask, evaluate, weights."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.commands.output import CommandFailed
from app.settings import BadSetting, load_settings

EXPORTS = ("megadetector", "coco", "camtrap-dp", "secr", "camtrapr", "mark", "history", "sightings", "crops")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status (2: the command or a setting cannot be used as given)."""
    options = parser().parse_args(arguments)
    try:
        run: Callable[[argparse.Namespace], int] = options.run
        return run(options)
    except BadSetting as error:
        print(error, file=sys.stderr)
        return 2
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print("Stopped. What was done is kept; the same command continues.", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m app", description="Pugmark without a browser.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    take = _command(commands, "import", "take a folder, a zip, a picture or a clip into the survey", _import)
    take.add_argument("path", type=Path)
    take.add_argument("--wait", action="store_true", help="return when every file is done or refused")
    take.add_argument("--deployment", help="put everything into this deployment (default: one a folder)")

    _command(commands, "status", "media by state, imports, queue", _status)
    _command(commands, "worker", "do the jobs of the queue", _worker)

    sample = _command(commands, "sample", "draw the synthetic sample survey and take it in", _sample)
    sample.add_argument("--wait", action="store_true", help="return when every picture is done")

    export = _command(commands, "export", "write the survey in an exchange format", _export)
    export.add_argument("format", choices=EXPORTS)
    export.add_argument("out", type=Path)
    _history_arguments(export)

    _notes_arguments(commands)
    _clip_arguments(commands)
    _evaluate_arguments(commands)

    files = _command(commands, "weights", "published weights: what is there, and fetch what is not", _weights)
    files.add_argument("action", nargs="?", choices=["list", "fetch"], default="list")
    files.add_argument("models", nargs="*", metavar="MODEL", help="default: all that can be fetched")

    _command(commands, "doctor", "what works on this machine", _doctor)
    return top


def _notes_arguments(commands: Any) -> None:
    notes = _command(commands, "notes", "keywords that tell categories of notes apart, and their clusters", _notes)
    notes.add_argument("file", type=Path, metavar="FILE", help="CSV, xlsx, JSON lines or plain text")
    notes.add_argument("--text", required=True, metavar="COLUMN", help="the column with the notes")
    notes.add_argument("--category", required=True, metavar="COLUMN", help="the column with the category")
    notes.add_argument("--out", type=Path, required=True, metavar="DIR", help="gets keywords.csv and clusters.csv")
    notes.add_argument("--seed", type=int, default=0)
    notes.add_argument("--remote", action="store_true", help="extract and cluster on Modal")


def _clip_arguments(commands: Any) -> None:
    summarise = _command(commands, "summarise", "who is in a clip, when, from where to where", _summarise)
    summarise.add_argument("clip", type=Path)

    ask = _command(commands, "ask", "ask the configured video language model about a clip", _ask)
    ask.add_argument("clip", type=Path)
    ask.add_argument("--question", default="happens", help="happens, count, behaviour, marks or people")
    ask.add_argument("--own", default="", metavar="TEXT", help="a question of your own")


def _evaluate_arguments(commands: Any) -> None:
    evaluate = commands.add_parser("evaluate", help="measure a model against known answers")
    kinds = evaluate.add_subparsers(required=True, metavar="WHAT")
    boxes = _command(kinds, "detection", "boxes against COCO boxes", _evaluate_detection)
    boxes.add_argument("--images", type=Path, required=True)
    boxes.add_argument("--truth", type=Path, required=True)
    boxes.add_argument("--predictions", type=Path)
    who = _command(kinds, "identification", "rankings against known identities", _evaluate_identification)
    who.add_argument("--csv", type=Path, required=True, dest="table")
    who.add_argument(
        "--model", default="rapid", choices=["rapid", "rapid-448", "pocket-embedding", "fused", "fused-448"]
    )
    who.add_argument("--predictions", type=Path)


def _history_arguments(export: argparse.ArgumentParser) -> None:
    export.add_argument("--occasion-days", type=int, default=5, help="days an occasion lasts (default 5)")
    export.add_argument("--start", metavar="DAY", help="first day of the first occasion, as 2024-03-31")
    export.add_argument("--occasions", type=int, help="number of occasions (default: all)")
    export.add_argument("--species", help="individuals of this species only")
    export.add_argument("--flank", choices=["any", "left", "right"], default="any", help="sightings of one flank only")
    export.add_argument("--individual", metavar="NAME", help="sightings and crops of one individual only")
    export.add_argument("--title", default="Camera-trap survey", help="Camtrap DP: title of the project")
    export.add_argument("--sampling-design", default="", help="Camtrap DP: how stations were chosen, as targeted")
    export.add_argument("--capture-method", default="", help="Camtrap DP: activityDetection or timeLapse")
    export.add_argument("--utc-offset", metavar="OFFSET", help="Camtrap DP: what the clocks were set to, as +05:30")
    export.add_argument("--exact", action="store_true", help="exact places, also of sensitive species")


def _command(
    commands: argparse._SubParsersAction, name: str, text: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text)
    command.add_argument("--json", action="store_true", dest="as_json", help="answer in JSON")
    command.set_defaults(run=run)
    return command


def _import(options: argparse.Namespace) -> int:
    from app.commands import imports

    return imports.run(
        load_settings(),
        options.path,
        wait=options.wait,
        as_json=options.as_json,
        deployment=options.deployment,
    )


def _status(options: argparse.Namespace) -> int:
    from app.commands import status

    return status.run(load_settings(), as_json=options.as_json)


def _worker(_options: argparse.Namespace) -> int:
    from app.commands import work

    return work.run(load_settings())


def _sample(options: argparse.Namespace) -> int:
    from app.commands import sample

    return sample.run(load_settings(), wait=options.wait, as_json=options.as_json)


def _export(options: argparse.Namespace) -> int:
    from app.commands import exports

    return exports.run(
        load_settings(),
        options.format,
        options.out,
        as_json=options.as_json,
        occasion_days=options.occasion_days,
        start=options.start,
        occasions=options.occasions,
        species=options.species,
        flank=options.flank,
        individual=options.individual,
        exact=options.exact,
        said=(options.title, options.sampling_design, options.capture_method, options.utc_offset),
    )


def _notes(options: argparse.Namespace) -> int:
    from app.commands import notes

    return notes.run(
        load_settings(),
        options.file,
        options.text,
        options.category,
        options.out,
        seed=options.seed,
        remote=options.remote,
        as_json=options.as_json,
    )


def _summarise(options: argparse.Namespace) -> int:
    from app.commands import summarise

    return summarise.run(load_settings(), options.clip, as_json=options.as_json)


def _evaluate_detection(options: argparse.Namespace) -> int:
    from app.commands import evaluate

    return evaluate.detection(
        load_settings(), options.images, options.truth, options.predictions, as_json=options.as_json
    )


def _evaluate_identification(options: argparse.Namespace) -> int:
    from app.commands import evaluate

    return evaluate.identification(
        load_settings(), options.table, options.model, options.predictions, as_json=options.as_json
    )


def _ask(options: argparse.Namespace) -> int:
    from app.commands import ask

    return ask.run(load_settings(), options.clip, kind=options.question, own=options.own, as_json=options.as_json)


def _weights(options: argparse.Namespace) -> int:
    from app.commands import weights

    return weights.run(load_settings(), options.action, options.models, as_json=options.as_json)


def _doctor(options: argparse.Namespace) -> int:
    from app.commands import doctor

    return doctor.run(load_settings(), as_json=options.as_json)


if __name__ == "__main__":
    sys.exit(main())
