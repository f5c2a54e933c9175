"""Decisions in words, and where they lead."""

from __future__ import annotations

from app.survey.decisions.history import HistoryEntry
from app.ui.shared.words import many

SAID = {
    "accept": "accepted the boxes",
    "blank": "blank",
    "unsure": "unsure",
    "reject": "deleted a box",
    "restore": "brought a box back",
    "category": "category",
    "species": "species",
    "move": "moved a box",
    "draw": "drew a box",
    "whole": "the whole picture is one animal",
    "same": "same animal",
    "different": "different animals",
    "pair unsure": "not sure whether the same",
    "new": "new individual",
    "identity unsure": "not sure who",
    "join flanks": "joined two flanks",
    "take out": "took a sighting out",
    "list species": "added to the species list",
    "unlist species": "removed from the species list",
    "count": "corrected the count",
    "clip run": "chose the run that counts",
    "delete notes": "deleted a file of notes",
    "restore notes": "brought a file of notes back",
}


def what(entry: HistoryEntry) -> str:
    """What was decided, with the value where there is one: "species Panthera tigris"."""
    said = SAID.get(entry.kind, entry.kind)
    if entry.kind in ("species", "category") and entry.kind in entry.view:
        return f"{said} {entry.view[entry.kind] or 'none'}"
    if "species" in entry.view and entry.kind.endswith("list species"):
        return f"{said}: {entry.view['species']}"
    if entry.kind.endswith(" notes") and "notes" in entry.view:
        return f"{said}: {entry.view['notes']}"
    if entry.kind == "flank" and entry.view.get("flank"):
        return f"flank {entry.view['flank']}"
    return f"{said}, again" if "redoes" in entry.view else said


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
        return "detections", {"media": str(media_id)}
    if entry.individual_id is not None and entry.individual:
        return "individuals", {"id": str(entry.individual_id)}
    return None
