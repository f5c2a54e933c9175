"""python -m app ask VIDEO: ask the configured video language model about one video; nothing is kept in the survey."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from app.analysis.video_endpoint import endpoint
from app.commands.output import CommandFailed, tell
from app.settings import Settings
from app.survey.videos.answers import cost
from app.video.reading.even_frames import even_frames
from modal_backend.contracts import VideoQuestion
from modal_backend.errors import BackendError, sentence
from modal_backend.models.video import ask
from modal_backend.models.video.prompts import OWN, VERSION, question_text


def add_arguments(command: ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument("video", type=Path, metavar="VIDEO")
    command.add_argument("--question", default="happens", help="happens, count, behaviour, marks or people")
    command.add_argument("--own", default="", metavar="TEXT", help="a question of your own")


def run(settings: Settings, options: Namespace) -> int:
    """Exit status 0 with an answer. Raises CommandFailed with the reason and what to do (1), or for a bad call (2)."""
    video: Path = options.video
    if not video.is_file():
        raise CommandFailed(f"There is no file at {video}.", 2)
    try:
        text = question_text(OWN if options.own else options.question, options.own)
    except ValueError as error:
        raise CommandFailed(str(error), 2) from error
    try:
        frames = even_frames(video, settings.omnivinci_frames)
        answer = asyncio.run(ask.ask(endpoint(settings), VideoQuestion(text, frames)))
    except BackendError as error:
        raise CommandFailed(sentence(error)) from error
    dollars = cost(answer, (settings.omnivinci_price_in, settings.omnivinci_price_out))
    value = asdict(answer) | {
        "question": text,
        "prompt_version": VERSION,
        "count_claimed": ask.claimed_count(answer.text),
        "frame_seconds": [frame.seconds for frame in frames],
        "cost_dollars": dollars,
    }
    price = f"${dollars:.4f}" if dollars is not None else "cost not known"
    source = f"{answer.model} at {answer.host}, prompts {VERSION}, {len(frames)} frames, {price}"
    tell(options.as_json, value, f"{answer.text}\n\nA claim of {source}.")
    return 0
