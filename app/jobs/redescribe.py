"""Ask for crops to be described again, a few at a time, so that a worker never holds many pictures at once."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from app.jobs.queue import Jobs
from app.settings import Settings
from app.survey.database import Survey
from app.survey.detections.undescribed import undescribed
from modal_backend.errors import QueueFull

log = logging.getLogger("pugmark.worker")
AT_ONCE = 24


def describe_in_groups(jobs: Jobs, detection_ids: Sequence[int]) -> None:
    """Ask for the crops of these boxes; more than one group counts as bulk work. Raises QueueFull."""
    for start in range(0, len(detection_ids), AT_ONCE):
        jobs.describe(detection_ids[start : start + AT_ONCE], bulk=len(detection_ids) > AT_ONCE)


def describe_forgotten(survey: Survey, settings: Settings) -> None:
    """Ask for the crops of boxes that people changed while there was no queue to put the request into."""
    with survey.read() as session:
        forgotten = undescribed(session)
    jobs = Jobs(survey, settings)
    try:
        describe_in_groups(jobs, forgotten)
    except QueueFull as full:
        log.warning("%s crops wait for the next start: %s", len(forgotten), full)
    finally:
        jobs.close()
