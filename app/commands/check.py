"""python -m app check: every row, file, hash and thumbnail; mends what can be made again."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from app.commands.output import Bar, note, tell
from app.safekeeping.check import check
from app.settings import Settings
from app.storage import shared
from app.survey import team
from app.survey.database import open_survey


def add_arguments(_command: ArgumentParser) -> None:
    """It takes none of its own."""


def run(settings: Settings, options: Namespace) -> int:
    """Exits with 1 when something is left that cannot be made again."""
    note(f"Reading every file of the survey in {settings.data_dir}.")
    survey = open_survey(settings, reading=True)
    if not settings.media_url:
        team.require_same_media(survey, settings)
    if (storage := shared.storage_of(settings.data_dir)) is not None:
        storage.probe()
    with shared.patience(settings.data_dir), Bar("media") as bar:
        found = check(survey, bar.report)
    lines = [*found.mended, *found.left]
    if found.unlisted:
        size = sum(found.unlisted.values()) / 1e6
        lines.append(f"{len(found.unlisted):,} originals ({size:,.1f} MB) belong to no media; they do no harm.")
    if settings.media_url and not found.left:
        with survey.write() as session:
            team.settle(session, settings, moved=True)
        lines.append(f"{found.shared:,} files put into {settings.media_url}, where the media of this survey lie.")
    lines.append(f"{found.media:,} media checked: {len(found.mended):,} mended, {len(found.left):,} left.")
    tell(options.as_json, asdict(found), "\n".join(lines))
    return 1 if found.left else 0
