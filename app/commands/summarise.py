"""python -m app summarise VIDEO: who was in a video, when, from where to where; without touching the survey."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from app.analysis.model_choice import choose
from app.commands.output import CommandFailed, note, tell
from app.settings import Settings
from app.video.summary.counts import count_of
from app.video.timecode import timecode
from modal_backend.contracts import Box, Category, Detection, Failure, Picture, Tracklet
from modal_backend.embedded import EmbeddedBackend
from modal_backend.errors import BackendError, sentence
from modal_backend.models.detectors.prepare import prepare, threshold
from modal_backend.models.video.summary import Count, Sentence
from modal_backend.registry import DETECTOR
from modal_backend.weights.files import runnable_here

SOURCE = "computed on this machine from detections and motion"


def add_arguments(command: ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument("video", type=Path, metavar="VIDEO")


def run(settings: Settings, options: Namespace) -> int:
    """Summarise a video with the detector that the settings choose for this machine.

    Exit status: 0 when the video was summarised, 2 without such a file, 3 when nothing in it can be decoded.
    """
    video, as_json = options.video, options.as_json
    path = video.expanduser()
    if not path.is_file():
        raise CommandFailed(f"There is no file at {video}.", 2)
    note(f"Looking at {video}.")
    from app.video.reading.probe import VideoError
    from app.video.summary.looks import DetectorFailed
    from app.video.summary.summarise import summarise_video

    backend = EmbeddedBackend()
    model = choose(settings, runnable_here()).detector
    try:
        with tqdm(
            total=100, unit="%", desc="summarise", disable=None, bar_format="{l_bar}{bar}| {elapsed}<{remaining}"
        ) as bar:
            done = summarise_video(
                path, detector(backend, model), sure=threshold(model), on_progress=lambda share: _move(bar, share)
            )
    except VideoError as error:
        refused = f"Nothing in this video can be decoded ({error}); copy it from the memory card again."
        tell(as_json, {"file": str(video), "refused": refused}, f"refused  {video}: {refused}")
        return 3
    except (DetectorFailed, BackendError) as error:
        raise CommandFailed(sentence(error)) from error
    value = document(str(video), done)
    tell(as_json, value, _text(value))
    return 0


def detector(backend: EmbeddedBackend, model: str = DETECTOR) -> Any:
    """A detector as a function from pictures to boxes."""

    def detect(pictures: Sequence[Picture]) -> Sequence[list[Detection] | Failure]:
        return backend.call(model, [prepare(model, picture) for picture in pictures]).values

    return detect


def document(name: str, done: Any) -> dict[str, Any]:
    """A summarised video as JSON values: seconds from the video's start, boxes relative to the upright frame.

    max_at_once, distinct_low and distinct_high count animals and people; by_category tells them apart. animals is the
    most animals at once.
    """
    played, summary = done.played, done.summary
    counted = [tracklet for tracklet in summary.tracklets if tracklet.counted]
    living = count_of(summary.tracklets, (Category.ANIMAL, Category.PERSON))
    return {
        "file": name,
        "duration": round(played.duration, 3),
        "width": played.width,
        "height": played.height,
        "frame_rate": round(1 / played.usual_step, 3),
        "frames": played.frames,
        "codec": played.facts.codec,
        "container": played.facts.container,
        "recorded_at": played.facts.recorded_at.isoformat() if played.facts.recorded_at else None,
        "lost": played.loss() or None,
        "frames_looked_at": [_moment(index, second) for index, second in done.coverage.sampled],
        "frames_compared_for_motion": done.compared,
        "not_looked_at": [[round(a, 3), round(b, 3)] for a, b in done.coverage.unsampled],
        "animals": summary.animals,
        "max_at_once": living.at_once,
        "max_at": _moment(living.frame, living.second)
        if living.frame is not None and living.second is not None
        else None,
        "distinct_low": living.low,
        "distinct_high": living.high,
        "moved_unidentified": bool(summary.unidentified),
        "by_category": {str(category): _count(count) for category, count in summary.counts.items()},
        "camera_moves": done.coverage.carried,
        "night": done.coverage.night,
        "tracklets": [_tracklet(number, tracklet) for number, tracklet in enumerate(counted, 1)],
        "possible": [_tracklet(0, tracklet) for tracklet in summary.tracklets if not tracklet.counted],
        "sentences": [_sentence(sentence) for sentence in summary.sentences],
        "uncertainty": [_sentence(sentence) for sentence in summary.uncertainty],
        "source": SOURCE,
    }


def _count(count: Count) -> dict[str, Any]:
    return {"max_at_once": count.at_once, "distinct_low": count.low, "distinct_high": count.high}


def _moment(index: int, second: float) -> dict[str, Any]:
    return {"frame": index, "second": round(second, 3), "timecode": timecode(second)}


def _tracklet(number: int, tracklet: Tracklet) -> dict[str, Any]:
    return {
        "number": number,
        "category": str(tracklet.category),
        "confidence": tracklet.confidence,
        "source": str(tracklet.source),
        "first_second": round(tracklet.first_second, 3),
        "last_second": round(tracklet.last_second, 3),
        "spans": [[round(a, 3), round(b, 3)] for a, b in tracklet.spans],
        "entry": str(tracklet.entry) if tracklet.entry else None,
        "exit": str(tracklet.exit) if tracklet.exit else None,
        "moving": tracklet.moving,
        "boxes": [
            {
                **_moment(box.index, box.second),
                "bbox": _corners(box.box),
                "confidence": box.confidence,
                "quality": box.quality,
            }
            for box in tracklet.boxes
        ],
        "note": tracklet.note or None,
    }


def _corners(box: Box) -> list[float]:
    return [round(value, 5) for value in (box.x, box.y, box.width, box.height)]


def _sentence(sentence: Sentence) -> dict[str, Any]:
    return {
        "text": sentence.text,
        "first_second": round(sentence.first_second, 3),
        "last_second": round(sentence.last_second, 3),
        "frames": list(sentence.frames),
    }


def _text(value: dict[str, Any]) -> str:
    lines = [
        f"{value['file']}: {value['duration']:.1f} s, {value['width']} x {value['height']} px,"
        f" {value['frames']} frames, {len(value['frames_looked_at'])} looked at"
    ]
    lines += [sentence["text"] for sentence in value["sentences"]]
    lines += [f"  uncertain: {sentence['text']}" for sentence in value["uncertainty"]]
    return "\n".join([*lines, f"({SOURCE})"])


def _move(bar: Any, share: float) -> None:
    bar.update(max(0, round(100 * share) - bar.n))
