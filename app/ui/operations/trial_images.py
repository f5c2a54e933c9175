"""The images on which a detector on trial and the one in use differ, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from app import deps
from app.survey.detections.boxes import BoxView
from app.survey.media import browse
from app.survey.media.browse import MediaView
from app.survey.tables.trials import TrialImage
from app.survey.trials import figures
from app.ui.shared.address import Detections
from app.ui.shared.navigation import detections_page
from app.ui.shared.paging import page_of
from app.ui.shared.shots import may_show_person, shots_html
from app.ui.shared.words import many, plain, when

A_PAGE = 6


def differing_images(trial_id: int, count: int, new: str, old: str) -> None:
    """A page of them: the boxes of each detector, who alone found an animal, and the way to the viewer.

    Args:
        count: how many there are.
        new, old: names of the detectors.
    """
    if not count:
        return
    with st.expander(f"The {many(count, 'image')} where they differ", key="trial-differing"):
        start = page_of(count, A_PAGE, key="trial-page").start
        with deps.survey().read() as session:
            rows = figures.differing(session, trial_id, A_PAGE, start)
            views = {view.id: view for view in browse.views(session, [row.media_id for row in rows])}
            found = [
                [figures.boxes_found(session, row.media_id, analysis) for analysis in (row.other_id, row.analysis_id)]
                for row in rows
            ]
        for row, boxes in zip(rows, found, strict=True):
            _beside(row, views[row.media_id], boxes, new, old)


def _beside(row: TrialImage, view: MediaView, found: Sequence[list[BoxView]], new: str, old: str) -> None:
    """One image twice, with the boxes of each. One that may show a person is named alone."""
    both = [replace(view, boxes=boxes) for boxes in found]
    hidden = any(may_show_person(media) for media in (view, *both))
    columns = st.columns([2, 2, 3], vertical_alignment="center")
    for column, name, media in zip(columns, (old, new), both, strict=False):
        column.html(f'<div title="{name}">{shots_html([] if hidden else [media], 0.0)}</div>')
    alone = new if row.animal else old
    with columns[2]:
        where = plain(f"{view.deployment or 'no deployment'}, {when(view.taken_at)}")
        st.page_link(detections_page(), label=where, query_params=Detections.MEDIA.to(view.id), width="content")
        st.caption(
            f"Only {alone} found an animal. Left {old}: {many(row.other_boxes, 'box', 'boxes')}; "
            f"right {new}: {many(row.boxes, 'box', 'boxes')}."
        )
