"""The queues, and which of them each job waits in."""

from __future__ import annotations

from enum import StrEnum

from app.settings import Settings
from app.survey import team


class Queue(StrEnum):
    """Interactive work never waits behind bulk work, and what runs here never behind what waits for Modal."""

    INTERACTIVE = "interactive"
    MATCHES = "matches"
    EVIDENCE = "evidence"
    IMPORTS = "imports"
    BATCHES = "batches"
    VIDEO_QUESTIONS = "video-questions"
    NOTES = "notes"
    EXPORTS = "exports"
    TRIALS = "trials"


QUEUE_OF = {
    "import_media": Queue.IMPORTS,
    "retry_failed": Queue.IMPORTS,
    "bring_in_results": Queue.IMPORTS,
    "describe_again": Queue.IMPORTS,
    "hint_species": Queue.EVIDENCE,
    "read_stamps": Queue.IMPORTS,
    "summarise_again": Queue.IMPORTS,
    "describe_boxes": Queue.INTERACTIVE,
    "look_closer": Queue.INTERACTIVE,
    "rank_queries": Queue.INTERACTIVE,
    "rank_ahead": Queue.BATCHES,
    "give_up_calls": Queue.INTERACTIVE,
    "match_queries": Queue.MATCHES,
    "compare_matched": Queue.MATCHES,
    "compare_pairs": Queue.EVIDENCE,
    "read_crops": Queue.EVIDENCE,
    "calibrate": Queue.EVIDENCE,
    "look_at_thumbs": Queue.EVIDENCE,
    "ask_about_video": Queue.VIDEO_QUESTIONS,
    "analyse_notes": Queue.NOTES,
    "write_export": Queue.EXPORTS,
    "sweep_exports": Queue.EXPORTS,
    "try_model": Queue.TRIALS,
    "turn_trial": Queue.TRIALS,
    "remove_trial": Queue.TRIALS,
}


# Whose jobs read or write what lies in the data folder of the process that asks, and in no storage.
OF_FOLDER = (Queue.IMPORTS, Queue.NOTES)


def queue_name(queue: Queue, settings: Settings) -> str:
    """The name a queue bears: one of its own for each data folder where only the media are shared."""
    own = settings.media_url is not None and queue in OF_FOLDER
    return f"{queue}-{team.folder_mark(settings)}" if own else str(queue)
