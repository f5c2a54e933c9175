"""Videos and their frames as the components want them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app import deps
from app.survey.videos.views import OpenVideo, VideoView
from app.ui.detections.items import place_of
from app.ui.shared.words import count_in_words, when
from app.video.timecode import timecode
from modal_backend.contracts import Source, Tracklet

OTHERS = {"person": ("a person", "people"), "vehicle": ("a vehicle", "vehicles")}
UNCOUNTED = {True: "Moving", False: "Possible"}


def video_items(views: Sequence[VideoView]) -> list[dict[str, Any]]:
    """Items of the list of videos."""
    return [
        {
            "id": view.media_id,
            "src": deps.thumb_url(view.sha256),
            "label": f"{length(view.duration)} · {state_of(view)}",
            "sub": f"{view.path.rpartition('/')[2]} · {view.deployment or 'no deployment'}",
            "badge": "partly lost" if view.lost else None,
        }
        for view in views
    ]


def state_of(view: VideoView) -> str:
    """What is known of a video, in a few words."""
    if view.stage == "failed":
        return "failed"
    if view.count is None:
        return "not summarised yet"
    others = [OTHERS[category][tracklets > 1] for category, tracklets in sorted(view.others.items())]
    return " · ".join([*others, count_in_words(view.count)])


def length(seconds: float) -> str:
    """A video's length as 0:12."""
    return timecode(seconds).rpartition(".")[0]


def facts(opened: OpenVideo) -> str:
    """What is known of a video, in one line."""
    view, video = opened.view, opened.video
    source = {"container": "from the video", "file name": "from the file name"}.get(view.taken_at_source or "")
    time = when(view.taken_at) + (f" ({source})" if source else "")
    rate = f"{video.frame_rate:.3g} frames/s"
    parts = [
        view.deployment or "no deployment",
        time,
        length(view.duration),
        f"{opened.width} × {opened.height} px",
        rate,
    ]
    return " · ".join([*parts, video.codec])


def names(tracklets: Sequence[Tracklet]) -> list[str]:
    """What each tracklet is called: Animal 1, Person 1; Moving 1 or Possible 1 for those that do not count."""
    counts: dict[str, int] = {}
    out = []
    for tracklet in tracklets:
        word = str(tracklet.category).capitalize() if tracklet.counted else UNCOUNTED[tracklet.source == Source.MOTION]
        counts[word] = counts.get(word, 0) + 1
        out.append(f"{word} {counts[word]}")
    return out


def frame_items(opened: OpenVideo) -> list[dict[str, Any]]:
    """Items of the strip of frames, each with the boxes of the tracklets seen on it."""
    tracklets = [tracklet for _, tracklet in opened.tracklets]
    called = names(tracklets)
    boxes: dict[int, list[dict[str, Any]]] = {}
    for name, tracklet in zip(called, tracklets, strict=True):
        for box in tracklet.boxes:
            score = "motion" if box.confidence is None else f"{box.confidence:.2f}"[1:]
            boxes.setdefault(box.index, []).append(
                {
                    "name": f"{name} {score}",
                    "c": str(tracklet.category),
                    "sure": tracklet.counted,
                    **place_of(box.box),
                }
            )
    for number, view in opened.drawn:
        drawn = {"name": "Drawn", "c": view.category, "sure": True, **place_of(view)}
        boxes.setdefault(number, []).append(drawn)
    return [
        {
            "number": index,
            "second": second,
            "time": timecode(second),
            "src": deps.frame_url(opened.view.sha256, index),
            "boxes": boxes.get(index, []),
        }
        for index, second in opened.facts.looked
    ]


def course(tracklet: Tracklet) -> str:
    """A tracklet's way in one line: left → right, 5.2 s, moving 80 %."""
    visible = sum(last - first for first, last in tracklet.spans)
    way = f"{tracklet.entry or 'in view'} → {tracklet.exit or 'in view'}"
    when_seen = f"{timecode(tracklet.first_second)} to {timecode(tracklet.last_second)}"
    return f"{when_seen} · {way} · {visible:.1f} s in view · by {tracklet.source}"
