"""Readers that cost too much, for a child process to run."""

from __future__ import annotations

import os


def name_process(word: str) -> tuple[str, int]:
    return word, os.getpid()


def fill_memory(size: int) -> int:
    return len([bytes(range(256)) * (size // 25_600) for _ in range(100)])


def never_end() -> None:
    while True:
        pass


def die() -> None:
    os._exit(3)


def refuse() -> None:
    from app.ingest.refusals import Refusal, Refused

    raise Refused(Refusal.DAMAGED, "broken")
