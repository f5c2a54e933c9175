"""Pugmark without a browser: python -m app import|status|worker|sample|export|summarise|evaluate|doctor."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from app.commands.output import CommandFailed
from app.settings import BadSetting, load_settings


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
    export.add_argument("format", choices=["megadetector"])
    export.add_argument("out", type=Path)

    summarise = _command(commands, "summarise", "who is in a clip, when, from where to where", _summarise)
    summarise.add_argument("clip", type=Path)

    evaluate = commands.add_parser("evaluate", help="measure a model against known answers")
    kinds = evaluate.add_subparsers(required=True, metavar="WHAT")
    boxes = _command(kinds, "detection", "boxes against COCO boxes", _evaluate_detection)
    boxes.add_argument("--images", type=Path, required=True)
    boxes.add_argument("--truth", type=Path, required=True)
    boxes.add_argument("--predictions", type=Path)
    who = _command(kinds, "identification", "rankings against known identities", _evaluate_identification)
    who.add_argument("--csv", type=Path, required=True, dest="table")
    who.add_argument("--model", default="rapid", choices=["rapid", "pocket-embedding"])
    who.add_argument("--predictions", type=Path)

    _command(commands, "doctor", "what works on this machine", _doctor)
    return top


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

    return exports.run(load_settings(), options.out, as_json=options.as_json)


def _summarise(options: argparse.Namespace) -> int:
    from app.commands import summarise

    return summarise.run(options.clip, as_json=options.as_json)


def _evaluate_detection(options: argparse.Namespace) -> int:
    from app.commands import evaluate

    return evaluate.detection(options.images, options.truth, options.predictions, as_json=options.as_json)


def _evaluate_identification(options: argparse.Namespace) -> int:
    from app.commands import evaluate

    return evaluate.identification(options.table, options.model, options.predictions, as_json=options.as_json)


def _doctor(options: argparse.Namespace) -> int:
    from app.commands import doctor

    return doctor.run(load_settings(), as_json=options.as_json)


if __name__ == "__main__":
    sys.exit(main())
