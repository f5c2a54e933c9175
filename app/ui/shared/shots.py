"""Small pictures with their boxes as plain HTML: for what comes in, and wherever a component would be too much."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from app import deps
from app.survey.detections.people import hides_person
from app.survey.media.browse import MediaView
from app.ui.shared.words import when


def shots_html(views: Sequence[MediaView], threshold: float, *, large: bool = False) -> str:
    """Pictures that open in Detections, with the boxes over the threshold. One that may show a person is left out.

    Args:
        large: the picture in browser size in place of its thumbnail.
    """
    shown = [view for view in views if not may_show_person(view)] if deps.routes_served() else []
    return (
        f'<div class="pm-shots{" large" if large else ""}">{"".join(_shot(v, threshold, large) for v in shown)}</div>'
    )


def _shot(view: MediaView, threshold: float, large: bool) -> str:
    source = deps.view_url(view.sha256) if large else deps.thumb_url(view.sha256)
    boxes = [box for box in view.boxes if box.counts(threshold)]
    drawn = "".join(
        f'<i class="{escape(box.category)}" style="left:{100 * box.x:.2f}%;top:{100 * box.y:.2f}%;'
        f'width:{100 * box.width:.2f}%;height:{100 * box.height:.2f}%"></i>'
        for box in boxes
    )
    found = ", ".join(sorted({box.individual or box.species or box.category for box in boxes})) or "nothing found"
    where = view.deployment or "no deployment"
    text = escape(f"{where}, {when(view.taken_at)}: {found}", quote=True)
    size = f'style="aspect-ratio:{view.width}/{view.height};--ratio:{view.width / max(view.height, 1):.4f}"'
    return (
        f'<a href="/detections?media={view.id}" target="_self" title="{text}" {size}>'
        f'<img src="{source}" alt="{text}" loading="lazy">{drawn}</a>'
    )


def may_show_person(view: MediaView) -> bool:
    """Whether one of its boxes may be a person that nobody has taken back."""
    return any(map(hides_person, view.boxes))
