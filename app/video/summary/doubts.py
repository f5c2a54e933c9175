"""What limits the answer about a video, as sentences with their evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.video.summary.coverage import VideoCoverage, about, over_all
from app.video.timecode import timecode
from modal_backend.contracts import Source, Tracklet
from modal_backend.models.video.summary import Sentence

UNSTEADY = 0.3


def doubts(tracklets: Sequence[Tracklet], names: Mapping[int, str], coverage: VideoCoverage) -> list[Sentence]:
    """What speaks against single tracklets, then what limits the whole.

    Args:
        names: of the tracklets that count, by `id`.
    """
    counted = [tracklet for tracklet in tracklets if id(tracklet) in names]
    notes: dict[str, list[Tracklet]] = {}
    for tracklet in counted:
        if tracklet.note:
            notes.setdefault(tracklet.note, []).append(tracklet)
    out = [about(some, f"{_each([names[id(tracklet)] for tracklet in some])} {note}.") for note, some in notes.items()]
    returned = [tracklet for tracklet in counted if len(tracklet.spans) > 1]
    out += [
        about([tracklet], f"{names[id(tracklet)]} left and came back, or another like it came.")
        for tracklet in returned
    ]
    weak = [tracklet for tracklet in tracklets if id(tracklet) not in names and tracklet.source != Source.MOTION]
    if weak:
        when = _listed(
            [f"from {timecode(tracklet.first_second)} to {timecode(tracklet.last_second)}" for tracklet in weak]
        )
        out.append(about(weak, f"What the detector marks {when} is not counted: too weak or too seldom."))
    return out + _overall(coverage)


def _each(names: Sequence[str]) -> str:
    return f"Each of {_listed([names[0].lower(), *names[1:]])}" if names[1:] else names[0]


def _listed(parts: Sequence[str]) -> str:
    """a; a and b; a, b and c, small letters from the second on."""
    first, *others = parts
    rest = [part[0].lower() + part[1:] for part in others]
    return " and ".join([", ".join([first, *rest[:-1]]), *rest[-1:]])


def _overall(coverage: VideoCoverage) -> list[Sentence]:
    out = []
    if coverage.carried:
        text = "The camera itself moves, so motion shows nothing: only what the detector marks counts."
        out.append(over_all(text, coverage))
    elif coverage.unsteady >= UNSTEADY:
        text = f"In {coverage.unsteady:.0%} of the video so much moves (camera or plants) that motion proves little."
        out.append(over_all(text, coverage))
    elif coverage.shaken:
        out.append(over_all("The camera shook; its movement was taken out before motion was judged.", coverage))
    if coverage.unsampled:
        longest = max(coverage.unsampled, key=lambda stretch: stretch[1] - stretch[0])
        text = (
            f"The detector looked at {len(coverage.sampled)} frames; its longest pause is "
            f"{longest[1] - longest[0]:.1f} s from {timecode(longest[0])}."
        )
        out.append(over_all(text, coverage))
    if coverage.lost:
        out.append(over_all(f"Part of the video is lost: {coverage.lost[0].lower()}{coverage.lost[1:]}", coverage))
    return out
