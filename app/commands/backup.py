"""python -m app backup FILE: everything that cannot be made again, in one file, while the survey is in use."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from app import files
from app.commands.output import Bar, CommandFailed, note, tell
from app.safekeeping.backup import write_backup
from app.settings import Settings
from app.storage import shared
from app.storage.errors import StoreError
from app.survey.database import open_survey
from modal_backend.errors import sentence


def add_arguments(command: ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument("file", type=Path, metavar="FILE", help="the backup, a zip; an older one is replaced")


def run(settings: Settings, options: Namespace) -> int:
    """Write one file; 3 when originals are missing or damaged (all else is in it)."""
    if not settings.database_url and not files.database_path(settings.data_dir).exists():
        raise CommandFailed(f"There is no survey in {settings.data_dir}. PUGMARK_DATA_DIR names its folder.", 2)
    survey = open_survey(settings, reading=True)
    note(f"Reading the survey in {settings.data_dir}.")
    try:
        if (storage := shared.storage_of(settings.data_dir)) is not None:
            storage.probe()
        with shared.patience(settings.data_dir), Bar("media") as bar:
            backup = write_backup(survey, options.file, bar.report)
    except StoreError as error:
        raise CommandFailed(sentence(error), 2) from error
    except OSError as error:
        raise CommandFailed(f"{options.file} cannot be written ({error.strerror}).", 2) from error
    lines = [f"The original {name} is missing." for name in backup.missing]
    lines += [f"The original {name} is damaged; it is in the backup as it is." for name in backup.damaged]
    lines += ["python -m app check says what to do about these."] if lines else []
    lines += [f"Media lie in {backup.media}; they are in the backup, too."] if backup.media else []
    rows = sum(backup.rows.values())
    lines.append(f"{rows:,} rows and {backup.originals:,} originals written to {options.file}.")
    tell(options.as_json, {"file": str(options.file), **asdict(backup)}, "\n".join(lines))
    return 3 if backup.missing or backup.damaged else 0
