"""python -m app weights [list|fetch] [MODEL ...]: published weights in the folder of this machine."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from tqdm import tqdm

from app.analysis.model_choice import shown
from app.commands.output import CommandFailed, tell
from app.settings import Settings
from modal_backend.registry import MODELS
from modal_backend.weights.files import folder, looks_there, remedy


def add_arguments(command: ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument("action", nargs="?", choices=["list", "fetch"], default="list")
    command.add_argument("models", nargs="*", metavar="MODEL", help="default: all that can be fetched")


def run(settings: Settings, options: Namespace) -> int:
    """Exit status 0, or 1 when a file could not be had. Raises CommandFailed for an unknown model."""
    wanted = [name for asked in options.models for name in _meant(asked)]
    if options.action == "fetch":
        return _fetch(wanted, options.as_json)
    return _list(settings, wanted, options.as_json)


def _meant(asked: str) -> list[str]:
    """The models a word means: one by its name, or all whose files lie in the folder of that name."""
    if asked in MODELS:
        return [asked]
    found = [name for name, entry in MODELS.items() if any(file.path.startswith(f"{asked}/") for file in entry.files)]
    if not found:
        known = ", ".join(name for name, entry in MODELS.items() if entry.files)
        raise CommandFailed(f"There is no model {asked} with weights; there are {known}.", 2)
    return found


def _list(settings: Settings, wanted: list[str], as_json: bool) -> int:
    choice = shown(settings)
    rows = [_row(name) for name in wanted or MODELS if MODELS[name].files]
    in_use = {choice.detector, *choice.embeddings}
    lines = [f"Weights lie in {folder()}. In use: {', '.join(sorted(in_use))}. {choice.reason}"]
    for row in rows:
        mark = "there  " if row["there"] else "missing"
        limits = " NON-COMMERCIAL" if row["non_commercial"] else ""
        lines.append(f"{row['name']:22} {mark} {row['title']}; {row['licence']}{limits}")
        lines += [f"{'':22}         {row['remedy']}"] if row["remedy"] else []
    tell(as_json, {"folder": str(folder()), "in_use": sorted(in_use), "models": rows}, "\n".join(lines))
    return 0


def _row(name: str) -> dict[str, Any]:
    entry = MODELS[name]
    absent = [file for file in entry.files if not looks_there(file)]
    return {
        "name": name,
        "title": entry.title,
        "task": str(entry.task),
        "version": entry.version,
        "licence": entry.licence,
        "non_commercial": entry.non_commercial,
        "files": [file.path for file in entry.files],
        "there": not absent,
        "remedy": remedy(absent[0]) if absent else "",
    }


def _fetch(wanted: list[str], as_json: bool) -> int:
    from modal_backend.weights.fetch import fetch_models

    lines = []
    with tqdm(unit="B", unit_scale=True, desc="weights", dynamic_ncols=True, disable=None) as bar:

        def progress(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        for line in fetch_models(wanted, progress=progress):
            lines.append(line)
            tqdm.write(line)
    failed = [line for line in lines if ": NOT THERE." in line]
    tell(
        as_json, {"files": lines, "failed": len(failed)}, f"{len(lines) - len(failed)} of {len(lines)} files are there."
    )
    return 1 if failed else 0
