"""How commands speak, text for people and JSON for machines with --json, and how they wait for work."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

from app.jobs.presence import any_at_hand
from app.settings import Settings
from app.survey.database import Survey


class CommandFailed(Exception):
    """The command cannot do what was asked; the text says why and what to do. `code` is the exit status."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def tell(as_json: bool, value: dict[str, Any] | list[Any], text: str) -> None:
    """Print the value as JSON, or the text."""
    print(json.dumps(value, indent=1, ensure_ascii=False) if as_json else text)


def note(text: str) -> None:
    """A line for people that is not part of the answer."""
    print(text, file=sys.stderr)


class Bar:
    """Progress on the screen, with the time that is left; nothing where the screen is a file."""

    def __init__(self, unit: str) -> None:
        self._unit = unit

    def __enter__(self) -> Bar:
        self._bar = tqdm(unit=f" {self._unit}", disable=None, file=sys.stderr)
        return self

    def report(self, done: int, total: int) -> None:
        """Show how much is done."""
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def report_part(self, part: str, done: int, total: int) -> None:
        """Show how much of a part is done, under its name; of one that is done in one piece the name only."""
        self._bar.set_description(part)
        if total > 1:
            self.report(done, total)

    def __exit__(self, *_: object) -> None:
        self._bar.close()


def work_until(survey: Survey, settings: Settings, ended: Callable[[], bool]) -> None:
    """Wait until something has ended; does the work of the queue here when no worker does it."""
    while not ended():
        if any_at_hand(survey):
            time.sleep(0.5)
            continue
        from app.jobs.worker import run_worker

        run_worker(survey, settings, threading.Event(), ended)
