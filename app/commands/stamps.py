"""python -m app stamps PATH: what the bars of pictures say, without touching the survey."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import date
from pathlib import Path
from typing import Any

from app.analysis.stamps import bar_of
from app.commands.output import CommandFailed, tell
from app.ingest.formats import HEAD_BYTES, format_of, is_video
from app.ingest.refusals import Refused
from app.settings import Settings
from modal_backend.contracts import Failure
from modal_backend.embedded import EmbeddedBackend
from modal_backend.models.stamps.bar import BarText
from modal_backend.models.stamps.grammar import Stamp, read_stamp
from modal_backend.registry import STAMPS


def add_arguments(command: ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument("path", type=Path, metavar="PATH", help="an image or a video, or a folder of them")


def run(settings: Settings, options: Namespace) -> int:
    """Read every picture on its own: no order of day and month is taken over from one to the next.

    Exit status: 0 when every file was read, 2 without such a file, 3 when some could not be read.
    """
    del settings
    path = options.path.expanduser()
    if not path.exists():
        raise CommandFailed(f"There is nothing at {options.path}.", 2)
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    backend, answers = EmbeddedBackend(), []
    for file in files:
        name = file.relative_to(path).as_posix() if path.is_dir() else str(options.path)
        answers.append({"file": name, **_read(backend, file)})
    refused = sum("refused" in answer for answer in answers)
    tell(options.as_json, answers, "\n".join(_line(answer) for answer in answers) or "There are no files.")
    return 3 if refused else 0


def _read(backend: EmbeddedBackend, file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            kind = "video" if is_video(format_of(stream.read(HEAD_BYTES), file.name)) else "image"
        value = backend.call(STAMPS, [bar_of(file, kind)]).values[0]
    except (Refused, OSError) as error:
        return {"refused": str(error)}
    if isinstance(value, Failure):
        return {"refused": value.reason}
    assert isinstance(value, BarText)
    return document(read_stamp(value.lines, date.today()))


def document(stamp: Stamp) -> dict[str, Any]:
    """A reading as JSON values. date is null where day and month cannot be told apart; dates holds both then."""
    return {
        "date": stamp.date.isoformat() if stamp.date else None,
        "time": stamp.time.isoformat() if stamp.time else None,
        "order": stamp.order,
        "dates": {order: value.isoformat() for order, value in stamp.dates.items()},
        "label": stamp.label,
        "celsius": stamp.celsius,
        "burst": list(stamp.burst) if stamp.burst else None,
        "text": stamp.text,
        "doubts": list(stamp.doubts),
    }


def _line(answer: dict[str, Any]) -> str:
    if "refused" in answer:
        return f"refused  {answer['file']}: {answer['refused']}"
    days = " or ".join(dict.fromkeys(answer["dates"].values())) or "no date"
    parts = [days, answer["time"] or "no time", answer["label"]]
    parts += [f"{answer['celsius']:g} °C"] if answer["celsius"] is not None else []
    parts += [f"[{doubt}]" for doubt in answer["doubts"]]
    return f"{answer['file']}: {'  '.join(part for part in parts if part)}"
