"""Decisions in words, and where they lead."""

from __future__ import annotations

from app.survey.decisions.history import HistoryEntry
from app.survey.decisions.kinds import shown_values, words
from app.ui.shared.address import Detections, Individuals
from app.ui.shared.words import many

THINGS = {
    "accepted_conflict": "accepted conflict",
    "clip_run_choice": "summary of a video",
    "deployment_review": "deployment",
    "detection": "box",
    "detection_review": "box",
    "media": "image or video",
    "media_review": "image or video",
    "media_time": "time of an image or video",
    "naming": "names of individuals",
    "note_cluster_review": "cluster of notes",
    "note_file_review": "file of notes",
    "pair_verdict": "pair of crops",
    "people_shown": "people on a picture",
    "results_review": "results of another tool",
    "sighting": "animal on a crop",
    "species_label": "species list",
    "video_review": "count of a video",
}
FIELDS = {
    "at": "time",
    "animals": "most at once",
    "clock_offset_seconds": "clock moved by, in seconds",
    "detection_id": "crop",
    "high_id": "second crop",
    "individual_id": "individual",
    "low_id": "first crop",
    "media_id": "image or video",
    "merged_into_id": "merged into",
    "verdict": "decision",
    "x": "left",
    "y": "top",
}


def thing(table: str) -> str:
    """What a table of the survey holds a row of, in words."""
    return THINGS.get(table, table.replace("_", " "))


def field(column: str) -> str:
    """A column of the survey in words."""
    return FIELDS.get(column, column.replace("_", " "))


def what(entry: HistoryEntry) -> str:
    """What was decided, with the value where there is one: "species: Panthera tigris"."""
    sentence = ": ".join([words(entry.kind), *shown_values(entry.kind, entry.view)])
    return f"{sentence}, again" if "redoes" in entry.view else sentence


def about(entry: HistoryEntry) -> str:
    """What it is about, in words: a file, several images, an individual."""
    several = entry.view.get("media_ids") or []
    parts = [entry.individual or ""]
    if entry.file:
        parts.append(entry.file.rpartition("/")[2])
    elif len(several) > 1:
        parts.append(many(len(several), "media", "media"))
    return " · ".join(part for part in parts if part)


def leads_to(entry: HistoryEntry) -> tuple[str, dict[str, str]] | None:
    """The screen of the thing and its address: ("detections" or "individuals", query); None when there is none."""
    several = entry.view.get("media_ids") or []
    media_id = entry.media_id or (several[0] if several else None)
    if media_id is not None:
        return "detections", Detections.MEDIA.to(media_id)
    if entry.individual_id is not None and entry.individual:
        return "individuals", Individuals.ID.to(entry.individual_id)
    return None
