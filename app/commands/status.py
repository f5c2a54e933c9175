"""python -m app status: media by stage, imports, the queue and the workers."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict

import sqlalchemy as sa

from app.commands import machine
from app.commands.output import tell
from app.jobs.presence import any_alive
from app.settings import Settings
from app.survey.database import open_survey
from app.survey.media.progress import recent_imports, stages
from app.survey.tables.calls import Call
from app.survey.tables.individuals import Individual, Sighting
from app.survey.tables.media import ListedFile, Media


def add_arguments(_command: ArgumentParser) -> None:
    """It takes none of its own."""


def run(settings: Settings, options: Namespace) -> int:
    """Always exits with 0."""
    survey, media = open_survey(settings, reading=True), machine.media(settings)
    with survey.read() as session:
        by_stage = stages(session)
        recent = recent_imports(session)
        running = session.scalar(sa.select(sa.func.count(Call.id)).where(Call.outcome.is_(None)))
        value = {
            "backend": str(settings.active_backend),
            "data_dir": str(settings.data_dir),
            "media_storage": {"state": media.state, "reason": media.reason, "remedy": media.remedy},
            "worker_alive": any_alive(survey),
            "media": sum(by_stage.values()),
            "stages": by_stage,
            "files": session.scalar(sa.select(sa.func.count(ListedFile.id))),
            "individuals": session.scalar(
                sa.select(sa.func.count(Individual.id)).where(Individual.merged_into_id.is_(None))
            ),
            "sightings": session.scalar(sa.select(sa.func.count(Sighting.detection_id))),
            "blank": session.scalar(sa.select(sa.func.count(Media.id)).where(Media.animal_score == 0)),
            "queue": {
                "imports_waiting": sum(batch.state == "queued" for batch in recent),
                "imports_running": sum(batch.state == "running" for batch in recent),
                "files_left": sum(max((batch.listed or 0) - batch.done, 0) for batch in recent if batch.running),
                "calls_running": running,
            },
            "imports": [{**asdict(batch), "done": batch.done} for batch in recent],
        }
    lines = [f"{value['media']} media: " + ", ".join(f"{count} {stage}" for stage, count in by_stage.items())]
    lines += [
        f"import {batch.id} {batch.label}: {batch.state}, {batch.done} of {batch.listed or '?'} files"
        for batch in recent
    ]
    lines.append("A worker is running." if value["worker_alive"] else "No worker is running.")
    if settings.media_url:
        lines.append(f"Media storage {media.state}: {media.reason} {media.remedy}".rstrip())
    tell(options.as_json, value, "\n".join(lines))
    return 0
