"""What waits for a person, as one list: each line a number, what it is, and the page where it is dealt with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from app import deps
from app.survey.calls.overview import WaitingFigures
from app.survey.media import unsorted
from app.survey.media.browse import Show
from app.ui.individuals.conflicts import current_report
from app.ui.individuals.flanks import current_flanks
from app.ui.operations.controls import retry
from app.ui.shared.address import Detections, Individuals, Stations
from app.ui.shared.navigation import detections_page, identify_page, individuals_page, stations_page, upload_page
from app.ui.shared.words import many
from app.ui.stations.clocks import current_flags
from app.ui.stations.stamps import FROM_PICTURES, current_proposals

SHORT_WAIT = 0.02


@dataclass(frozen=True, slots=True)
class ToDo:
    """One line of the list. query: parameters of the page's address."""

    text: str
    link: str
    page: StreamlitPage
    query: dict[str, str]


def ask_for_questions() -> None:
    """Have conflicts and flanks looked for beside the page."""
    current_report(0.0)
    current_flanks(0.0)
    current_flags(0.0)
    current_proposals(0.0)


def to_do_list(figures: WaitingFigures, coming_in: bool = False) -> None:
    """Draw the list; the first line is the page's main button. coming_in: files are still being looked at."""
    lines = list(_lines(figures))
    if not lines and coming_in:
        st.markdown("Pugmark looks through what came in. What it finds can be reviewed as soon as it is here.")
        return
    if not lines:
        st.markdown(":material/check: Nothing waits for you. Bring in the next card, or take the results home.")
        st.page_link(upload_page(), label="Bring in more", icon=":material/upload:")
        return
    first, *others = lines
    if st.button(f"Continue: {first.text}", type="primary", icon=":material/play_arrow:"):
        st.switch_page(first.page, query_params=first.query)
    for line in others:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(line.text, width="content")
            st.page_link(line.page, label=line.link, query_params=line.query, width="content")
    retry(figures.failed)


def _about_stations() -> Iterator[ToDo]:
    """Media that belong nowhere, times that the pictures show, and clocks that look wrong."""
    unsorted_media = deps.read(unsorted.count)
    if unsorted_media:
        yield ToDo(f"{many(unsorted_media, 'media', 'media')} without a deployment", "Sort them", stations_page(), {})
    stamps = current_proposals(SHORT_WAIT)
    if waiting := sum(len(stamp.times or stamp.open) for stamp in stamps or ()):
        text = f"{many(waiting, 'media', 'media')} without a time show it in the picture"
        yield ToDo(text, "Take it from there", stations_page(), {Stations.VIEW.name: FROM_PICTURES})
    doubts = {flag.deployment_id for flag in current_flags(SHORT_WAIT) or ()}
    if doubts:
        text = f"{many(len(doubts), 'camera needs', 'cameras need')} a look at the clock"
        yield ToDo(text, "Look at them", stations_page(), {Stations.VIEW.name: "Clocks"})


def _lines(figures: WaitingFigures) -> Iterator[ToDo]:
    if figures.unreviewed:
        yield ToDo(f"{figures.unreviewed:,} to review", "Review", detections_page(), _filter(Show.UNCERTAIN))
    if figures.crops_to_identify:
        words = many(figures.crops_to_identify, "crop") + " to identify"
        yield ToDo(words, "Who is this?", identify_page(), {})
    report = current_report(SHORT_WAIT)
    if report and report.conflicts:
        words = f"{many(len(report.conflicts), 'conflict')} between sightings"
        yield ToDo(words, "Solve", individuals_page(), {Individuals.VIEW.name: "Conflicts"})
    flanks = current_flanks(SHORT_WAIT)
    if flanks and flanks.proposals:
        words = f"{many(len(flanks.proposals), 'pair')} of flanks that may be one animal"
        yield ToDo(words, "Join", individuals_page(), {Individuals.VIEW.name: "Flanks"})
    yield from _about_stations()
    if figures.failed:
        words = many(figures.failed, "media", "media") + " could not be analysed"
        yield ToDo(words, "See them", detections_page(), _filter(Show.FAILED))
    if figures.refused:
        yield ToDo(f"{many(figures.refused, 'file')} refused", "See which and why", upload_page(), {})


def _filter(show: Show) -> dict[str, str]:
    return Detections.FILTER.to(show)
