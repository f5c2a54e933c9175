"""python -m app restore FILE FOLDER: a survey from its backup, into a new data folder."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from app.commands.output import Bar, CommandFailed, tell
from app.safekeeping.restore import RestoreRefused, restore
from app.settings import Settings


def add_arguments(command: ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument("file", type=Path, metavar="FILE", help="a backup")
    command.add_argument("folder", type=Path, metavar="FOLDER", help="the new data folder, not there yet or empty")


def run(settings: Settings, options: Namespace) -> int:
    """Make the folder; the rows go into PUGMARK_DATABASE_URL where it is set. 3 when originals are damaged."""
    try:
        with Bar("files") as bar:
            restored = restore(options.file, options.folder, settings.database_url, bar.report)
    except RestoreRefused as refused:
        raise CommandFailed(str(refused), 2) from refused
    except OSError as error:
        raise CommandFailed(f"{error.filename or options.folder}: {error.strerror}.", 2) from error
    lines = [f"The original {name} is damaged in the backup." for name in restored.damaged]
    lines.append(
        f"{sum(restored.rows.values()):,} rows and {restored.originals:,} originals are in {options.folder}. "
        f"Start Pugmark with PUGMARK_DATA_DIR={options.folder}; an import that was under way goes on."
    )
    tell(options.as_json, {"folder": str(options.folder), **asdict(restored)}, "\n".join(lines))
    return 3 if restored.damaged else 0
