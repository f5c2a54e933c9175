"""Sightings as the gallery of crops draws them."""

from __future__ import annotations

from collections.abc import Sequence

from app import deps
from app.survey.detections.boxes import boxes
from app.survey.individuals.sightings import SightingView
from app.ui.shared.words import day


def crop_items(found: Sequence[SightingView], *, opens_media: bool = False) -> list[dict[str, object]]:
    """One item a sighting, its id that of the detection; opens_media: that of the image, to open it with a click."""
    shown = deps.read(boxes, [sighting.detection_id for sighting in found])
    return [
        {
            "id": sighting.media_id if opens_media else sighting.detection_id,
            "src": deps.box_crop_url(shown[sighting.detection_id]),
            "label": day(sighting.taken_at),
            "sub": (f"{sighting.taken_at:%H:%M} · " if sighting.taken_at else "") + (sighting.station or "no station"),
            "badge": sighting.flank if sighting.flank != "unknown" else "flank not set",
        }
        for sighting in found
        if sighting.detection_id in shown
    ]
