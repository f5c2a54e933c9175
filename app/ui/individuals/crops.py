"""Sightings as the gallery of crops draws them."""

from __future__ import annotations

from collections.abc import Sequence

from app import deps
from app.survey.detections.boxes import boxes
from app.survey.individuals.sightings import SightingView
from app.ui.individuals.actions import clock, day


def crop_items(found: Sequence[SightingView], *, opens_media: bool = False) -> list[dict[str, object]]:
    """One item a sighting, its id that of the detection; opens_media: that of the image, to open it with a click."""
    with deps.survey().read() as session:
        shown = boxes(session, [one.detection_id for one in found])
    return [
        {
            "id": one.media_id if opens_media else one.detection_id,
            "src": deps.box_crop_url(shown[one.detection_id]),
            "label": day(one.taken_at),
            "sub": clock(one.taken_at) + (one.station or "no station"),
            "badge": one.flank if one.flank != "unknown" else "flank not set",
        }
        for one in found
        if one.detection_id in shown
    ]
