"""Notes with their keywords marked, and where they lead: media near them, stations, videos, individuals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape

import regex
import streamlit as st
from streamlit.navigation.page import StreamlitPage

from app import deps
from app.survey.notes import views
from app.survey.notes.near import A_DAY, media_near, notes_near
from app.survey.notes.views import NoteView
from app.ui.shared.address import Detections, Individuals, Videos
from app.ui.shared.navigation import detections_page, individuals_page, videos_page
from app.ui.shared.words import day, many, plain

LONGEST_SHOWN = 600
AROUND = 160
A_LIST = 20
MARK = "<style>mark { background: #E9A23B59; color: inherit; font-weight: 600; padding: 0 1px; }</style>"


def draw_notes_near(seen: Sequence[tuple[str, date]], individual: str | None = None) -> None:
    """The field notes of these stations within a day of these days, and those about the individual.

    Args:
        seen: names of stations or deployments, each with a day.
    """
    notes = deps.read(notes_near, seen, individual)
    about = f" or about {plain(individual)}" if individual else ""
    if not notes:
        st.caption(f"No field note within a day at the same station{about}.")
        return
    st.markdown(f"**Field notes** within a day at the same station{about} · {many(len(notes), 'note')}")
    st.html("".join(note_html(note, []) for note in notes[:A_LIST]))
    if len(notes) > A_LIST:
        with st.expander(f"{many(len(notes) - A_LIST, 'more note')}"):
            st.html("".join(note_html(note, []) for note in notes[A_LIST:]))


def note_html(note: NoteView, keywords: Sequence[str]) -> str:
    """One note with the keywords marked; every value is escaped."""
    computed = "computed from a video, not written by a person" if note.media_id else ""
    facts = " · ".join(escape(part) for part in (computed, note.date, note.station, note.individual) if part)
    return (
        f'<div style="border-left:2px solid #7F8A83;padding:2px 10px;margin:0 0 8px"><div>'
        f"{marked(note.text, keywords)}</div>"
        f'<div style="opacity:.75;font-size:.85em">{facts}</div></div>'
    )


def marked(text: str, keywords: Sequence[str]) -> str:
    """The text, escaped, around the first keyword when it is long, every keyword inside a mark."""
    pattern = _pattern(keywords) if keywords else None
    if len(text) > LONGEST_SHOWN:
        first = pattern.search(text) if pattern else None
        start = max((first.start() if first else 0) - AROUND, 0)
        text = ("…" if start else "") + text[start : start + LONGEST_SHOWN] + "…"
    parts, end = [], 0
    for match in pattern.finditer(text) if pattern else ():
        parts.append(escape(text[end : match.start()]) + f"<mark>{escape(match.group())}</mark>")
        end = match.end()
    return "".join(parts) + escape(text[end:])


def _pattern(keywords: Sequence[str]) -> regex.Pattern[str]:
    """Finds keywords as whole words; Chinese has no spaces between them."""
    words = [r"\s+".join(map(regex.escape, word.split())) for word in sorted(keywords, key=len, reverse=True)]
    words = [regex.sub(r"(?<=\p{Han})\\s\+(?=\p{Han})", "", word) for word in words]
    inside = r"[[\w\p{M}]--\p{Han}]"
    return regex.compile(rf"(?V1)(?<!{inside})(?:{'|'.join(words)})(?!{inside})", regex.IGNORECASE)


def lead_on(notes: Sequence[NoteView]) -> None:
    """Links to the media of the stations, the videos and the individuals of these notes."""
    with deps.survey().read() as session:
        found = views.links(session, notes)
        near = media_near(session, notes)
    if not (found.deployments or found.individuals or found.unknown_stations or found.videos):
        return
    if near:
        st.caption("Images and videos within a day of these notes, at their station")
        with st.container(horizontal=True):
            for place in near:
                station = Detections.STATION.to(place.station)
                label = f"{plain(place.station)}, {day(place.first + A_DAY)}: {place.media:,}"
                days = Detections.SINCE.to(place.first) | Detections.UNTIL.to(place.last)
                _link(detections_page(), label, "event", station | days)
    with st.container(horizontal=True):
        for number, name, media in found.deployments:
            label = f"{plain(name)}: {many(media, 'image')}"
            _link(detections_page(), label, "photo_camera", Detections.DEPLOYMENT.to(number))
        for number, name in found.videos:
            _link(videos_page(), plain(name), "movie", Videos.MEDIA.to(number))
        for number, name in found.individuals:
            _link(individuals_page(), plain(name), "pets", Individuals.ID.to(number))
    if found.unknown_stations:
        st.caption("Not in the survey under this name: " + plain(", ".join(found.unknown_stations)))


def _link(page: StreamlitPage, label: str, icon: str, query: dict[str, str]) -> None:
    st.page_link(page, label=label, icon=f":material/{icon}:", query_params=query, width="content")
