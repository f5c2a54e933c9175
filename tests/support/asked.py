"""The queue's front for tests that have no worker."""

from __future__ import annotations

from app.jobs.queue import Jobs


class Asked(Jobs):
    """Notes down which crops it was asked to have described, instead of waiting for a worker."""

    def __init__(self) -> None:
        self.described: list[tuple[list[int], bool]] = []

    def describe(self, detection_ids, *, bulk=False):
        self.described.append((list(detection_ids), bulk))
