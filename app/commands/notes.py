"""python -m app notes: keywords that tell categories apart, and their clusters, from a file of notes."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.commands.output import Bar, CommandFailed, tell
from app.settings import Backend, Settings
from modal_backend.errors import BackendError, sentence
from modal_backend.notes.columns import BadNotes
from modal_backend.notes.delimited import DELIMITERS

Ask = Callable[[str, dict[str, Any]], dict[str, Any]]
CALLS = ".calls.json"  # ids of calls on Modal, so that the same command collects what one that was killed has sent


def add_arguments(command: ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument("file", type=Path, metavar="FILE", help="CSV, xlsx, JSON lines or plain text")
    command.add_argument("--text", required=True, metavar="COLUMN", help="the column with the notes")
    command.add_argument("--category", required=True, metavar="COLUMN", help="the column with the category")
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="gets keywords.csv and clusters.csv")
    command.add_argument("--encoding", metavar="NAME", help="of the file, where it is not found out: cp1252, utf-16")
    command.add_argument("--delimiter", metavar="SIGN", help="between cells of a CSV: , ; | or tab")
    command.add_argument("--sheet", metavar="NAME", help="the sheet of a workbook")
    command.add_argument("--header", type=int, metavar="LINE", help="the line with the column names; 0: there is none")
    command.add_argument("--trust-quotes", action="store_true", help="lines inside quotes belong to one note")
    command.add_argument("--keep-apart", action="store_true", help="do not join River, RIVER and “river ”")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--remote", action="store_true", help="extract and cluster on Modal")


def run(settings: Settings, options: Namespace) -> int:
    """Writes keywords.csv and clusters.csv into `out`; 2 when the notes cannot be used, 1 when a model cannot run."""
    from app.notes.sources import COLUMNS
    from app.notes.tables import caveats, run_graph
    from modal_backend.notes.pipeline import NoteSettings

    file, out, remote = options.file, options.out, options.remote
    if not file.is_file():
        raise CommandFailed(f"There is no file at {file}.", 2)
    if remote and settings.active_backend is not Backend.MODAL:
        raise CommandFailed("--remote needs Modal: run `modal token new`, and PUGMARK_BACKEND must not be embedded.", 2)
    wanted = NoteSettings(columns=dict(COLUMNS), seed=options.seed, join_names=not options.keep_apart)
    try:
        with tempfile.TemporaryDirectory(prefix="pugmark-notes-") as cache, Bar("texts") as bar:
            ask = _ask(settings, out / CALLS) if remote else None
            doubts = _read(options, Path(cache) / "notes.jsonl")
            values = run_graph(
                Path(cache) / "notes.jsonl", out, Path(cache), wanted, remote=remote, report=bar.report_part, ask=ask
            )
        (out / CALLS).unlink(missing_ok=True)
    except BadNotes as bad:
        raise CommandFailed(str(bad), 2) from bad
    except BackendError as error:
        raise CommandFailed(sentence(error)) from error
    except OSError as error:
        raise CommandFailed(f"{out} cannot be written ({error.strerror}).") from error
    lines = [*doubts, *caveats(values)]
    answer = {
        "out": str(out),
        "counts": values["note_counts"],
        "keywords": len(values["keywords_table"]),
        "discriminative": int(values["keywords_table"]["discriminative"].astype(bool).sum()),
        "clusters": len(set(values["clusters"].labels.tolist()) - {-1}),
        "errors": {str(at): reason for at, reason in values["note_keywords"].errors.items()},
        "told": lines,
    }
    summary = (
        f"{answer['counts']['used']:,} notes, {answer['discriminative']:,} discriminative keywords, "
        f"{answer['clusters']} clusters. Written: {out / 'keywords.csv'}, {out / 'clusters.csv'}"
    )
    tell(options.as_json, answer, "\n".join([*lines, summary]))
    return 0


def _read(options: Namespace, copy: Path) -> list[str]:
    """Read the file and write its notes to a copy; what is doubtful about it. Raises BadNotes."""
    from app.background import read_notes_apart
    from modal_backend.notes.table import Choices, mapped

    try:
        "x".encode(options.encoding or "utf-8")
    except LookupError as error:
        raise BadNotes(f"{options.encoding} is no encoding this program knows. Try cp1252 or utf-16.") from error
    choices = Choices(options.encoding, options.sheet, options.header, options.trust_quotes, _sign(options.delimiter))
    reading = read_notes_apart(options.file, choices)
    notes = mapped(reading.table, {"text": options.text, "category": options.category})
    notes.to_json(copy, orient="records", lines=True, force_ascii=False)
    return list(reading.doubts)


def _sign(name: str | None) -> str | None:
    """The delimiter of this name. Raises BadNotes when it is none."""
    sign = "\t" if name == "tab" else name
    if sign is not None and (len(sign) != 1 or sign not in DELIMITERS):
        raise BadNotes(f"“{name}” cannot be the sign between cells. Use one of , ; | or tab.")
    return sign


def _ask(settings: Settings, kept: Path) -> Ask:
    from app.analysis.backends import modal_backend
    from modal_backend.notes.on_modal import ask_backend

    backend = modal_backend(settings)
    return lambda model, request: ask_backend(backend, model, request, kept)
