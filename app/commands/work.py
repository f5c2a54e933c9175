"""python -m app worker: do the jobs of the queue until it is told to stop."""

from __future__ import annotations

import os
import signal
import threading
from argparse import ArgumentParser, Namespace
from types import FrameType

from app.commands.output import note
from app.jobs.presence import TakenOver
from app.jobs.worker import run_worker
from app.operating_system import begin_anew
from app.settings import Settings
from app.survey import team
from app.survey.database import open_survey


def add_arguments(_command: ArgumentParser) -> None:
    """It takes none of its own."""


def run(settings: Settings, _options: Namespace) -> int:
    """Ends with SIGTERM, Ctrl+C or the end of the process that started it; another worker continues its jobs."""
    stop = threading.Event()

    def asked_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, asked_to_stop)
    signal.signal(signal.SIGINT, asked_to_stop)
    parent = os.getppid()
    survey = open_survey(settings)
    team.require_same_media(survey, settings)
    note(f"Worker on {settings.data_dir}. Ctrl+C stops it; nothing is lost. {team.describe(survey, settings)}")
    try:
        run_worker(survey, settings, stop, lambda: os.getppid() != parent)
    except TakenOver as error:
        note(f"{error} It begins anew.")
        begin_anew()
    return 0
