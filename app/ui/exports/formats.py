"""Every export format: who reads it, what it holds, what is missing for it, and a download that holds up nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass

import streamlit as st

from app import deps
from app.exchange.camtrap_dp import METHODS, SAMPLING
from app.exchange.camtrap_dp import refusal as refused
from app.exchange.coordinates import survey_species
from app.exchange.csv_text import NO_SIGHTING
from app.exchange.formats import FORMATS, Format
from app.exchange.images_zip import SORTED_BY
from app.exchange.sensitive import is_sensitive
from app.exchange.sizes import size_text
from app.exchange.wishes import wish_of
from app.survey.capture.effort import NoEffort
from app.survey.capture.history import CaptureHistory, Design
from app.survey.exports.written import ExportView
from app.survey.individuals.catalogue import names
from app.survey.media import stations
from app.ui.exports.files import export_button, file_state, files_section, of, recent
from app.ui.individuals.capture import COUNTING, chosen_design, current_history
from app.ui.shared import counts
from app.ui.shared.address import Individuals
from app.ui.shared.navigation import individuals_page
from app.ui.shared.words import many, plain

# What people come for, with the names they look for; the headings of the page in its order.
SECTIONS = {
    "Sightings": "CSV, Excel",
    "Maps and print": "QGIS, Google Earth, PDF",
    "Databases": "Camtrap DP for GBIF, Agouti",
    "Boxes and images": "Timelapse, COCO, pictures in folders",
    "Capture-recapture": "secr, camtrapR, MARK",
    "Occupancy": "unmarked, PRESENCE",
    "Archive": "all in one zip",
}


@dataclass(frozen=True, slots=True)
class Now:
    """What all rows of the page share, read once. exact: whether exact places may leave; sizes: bytes by format."""

    exact: bool
    files: list[ExportView]
    sizes: dict[str, int]


def export_view() -> None:
    """What was written, where to find which format, and the formats."""
    files = recent()
    files_section(files)
    st.markdown(" · ".join(f"[{title}](#{_anchor(title)}) :small[{formats}]" for title, formats in SECTIONS.items()))
    now = Now(places(), files, counts.export_sizes(counts.survey_state()))
    with deps.survey().read() as session:
        known = names(session)
        placed = bool(stations.places(stations.deployment_views(session)))
    nobody = "" if known else "Nobody is named yet."
    _heading("Sightings")
    for key in ("sightings", "sightings-xlsx"):
        row(FORMATS[key], now, nobody, None)
    _heading("Maps and print")
    row(FORMATS["stations"], now, "" if placed else "No station has coordinates.", None)
    row(FORMATS["catalogue"], now, nobody, None)
    _heading("Databases")
    statement = camtrap(now)
    _heading("Boxes and images")
    for key in ("megadetector", "coco"):
        row(FORMATS[key], now, "", None)
    images(now, bool(known))
    crops(known, now)
    design = by_occasions(now)
    _heading("Archive")
    row(FORMATS["everything"], now, "", design, **statement)


def by_occasions(now: Now) -> Design:
    """The formats that count by occasions, with their design; returns that."""
    _heading("Capture-recapture")
    design = chosen_design()
    history = current_history(design)
    if history is None:
        counts.wait_for(lambda: current_history(design), COUNTING)
    elif isinstance(history, NoEffort):
        st.warning(str(history))
    else:
        days = int(history.days_worked().sum())
        st.caption(
            f"{many(len(history.individuals), 'individual')} · {many(len(history.stations), 'station')} · "
            f"{many(history.occasions, 'occasion')} of {many(design.occasion_days, 'day')} from {history.start} · "
            f"{many(days, 'station-day')}"
        )
        for note in history.notes:
            st.caption(f":material/info: {plain(note)}")
    for key in ("secr", "camtrapr", "mark", "history"):
        row(FORMATS[key], now, refusal(FORMATS[key], history), design)
    _heading("Occupancy")
    st.caption("By the occasions of the design above.")
    for key in ("occupancy", "operation"):
        row(FORMATS[key], now, refusal(FORMATS[key], history), design)
    st.page_link(individuals_page(), label="Stations and effort", icon=":material/edit_location:",
                 query_params={Individuals.VIEW.name: "Capture history"})  # fmt: skip
    return design


def _heading(title: str) -> None:
    st.subheader(title, anchor=_anchor(title))


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def places() -> bool:
    """Whether exact places of sensitive species may leave; the rule in words."""
    species = deps.read(survey_species)
    listed = [label for label in species if is_sensitive(label)]
    st.caption(
        "While a sensitive species is in the survey, all places are rounded to 0.1° (about 11 km) in every file, "
        "pictures lose theirs, and capture-recapture files keep distances in metres from a hidden origin. Sensitive "
        "here: " + (plain(", ".join(listed)) + ", and " if listed else "") + "every individual without a species."
    )
    return st.toggle("Exact places of sensitive species too: I may share them", key="exact")


def refusal(kind: Format, history: CaptureHistory | NoEffort | None) -> str:
    """Why this format cannot be written now, or nothing."""
    if history is None:
        return COUNTING
    if isinstance(history, NoEffort):
        return "The design above holds no effort."
    if kind.key in ("occupancy", "operation"):
        return ""
    if not history.captures:
        return NO_SIGHTING
    if kind.key == "secr":
        days = history.days_worked().sum(axis=1)
        missing = [
            name for name, worked in zip(history.stations, days, strict=True)
            if worked and name not in history.places
        ]  # fmt: skip
        if missing:
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            return f"Stations without coordinates: {', '.join(missing[:5])}{more}."
    return ""


def row(kind: Format, now: Now, why_not: str, design: Design | None, **details: str) -> None:
    """One format: who reads it, what it holds, its file."""
    wish = {"exact": "yes" if now.exact else "", **details}
    if design is not None:
        wish |= {
            "days": str(design.occasion_days), "start": str(design.start or ""), "flank": design.flank,
            "occasions": str(design.occasions or ""), "species": design.species or "",
        }  # fmt: skip
    settings = {key: value for key, value in wish.items() if value}
    file = of(now.files, kind.key, settings)
    with st.container(border=True, key=f"format-{kind.key}"):
        left, right = st.columns([5, 1], vertical_alignment="center")
        with left:
            st.markdown(f"**{kind.title}** · {kind.reads}")
            size = now.sizes.get(kind.key)
            held = kind.holds if size is None else f"{kind.holds} {size_text(size)}."
            st.caption(plain(why_not or held))
        with right:
            export_button(kind, settings, file, ready=not why_not)
        file_state(kind, settings, file)


def images(now: Now, named: bool) -> None:
    """Images in folders, by species or by individual."""
    sorted_by = st.segmented_control("Folders by", SORTED_BY, default=SORTED_BY[0], key="sorted-by") or SORTED_BY[0]
    why_not = "Nobody is named yet." if sorted_by == "individual" and not named else ""
    row(FORMATS["images"], now, why_not, None, by=sorted_by)


def camtrap(now: Now) -> dict[str, str]:
    """Camtrap DP, with what only a person can say about the project; returns that."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        title = st.text_input("Project title", "Camera-trap survey", key="project", width=260)
        sampling = st.selectbox(
            "Stations were chosen", SAMPLING, index=None, key="sampling", placeholder="how?", width=200,
            format_func=lambda choice: re.sub("([A-Z])", r" \1", choice).lower(),
        )  # fmt: skip
        method = st.selectbox(
            "Cameras recorded", METHODS, index=None, key="method", placeholder="when?", width=200,
            format_func=lambda choice: {"activityDetection": "on activity", "timeLapse": "at intervals"}[choice],
        )  # fmt: skip
        zone = st.text_input(
            "Clocks set to UTC", key="zone", placeholder="+05:30", width=140,
            help="Used for files that do not say their offset themselves",
        )  # fmt: skip
        address = st.text_input(
            "Media lie at", key="media-url", placeholder="https://example.org/media", width=240,
            help="The address of a folder in which others find the files, below it as they were taken in here. Empty: "
            "the package names their paths, and the files stay here. Files that may show a person are never public.",
        )  # fmt: skip
    details = {
        "title": title, "sampling": sampling or "", "method": method or "", "utc_offset": zone.strip(),
        "media_url": address.strip(), "who": deps.reviewer(),
    }  # fmt: skip
    why_not = "Say above how stations were chosen and when cameras recorded."
    if sampling and method:
        why_not = deps.read(refused, wish_of(details).statement)
    row(FORMATS["camtrap-dp"], now, why_not, None, **details)
    return details


def crops(known: dict[int, str], now: Now) -> None:
    """The crops of one individual."""
    chosen = st.selectbox(
        "Whose crops",
        list(known),
        index=None,
        format_func=lambda number: known[number],
        placeholder="Choose",
        width=260,
    )
    why_not = "" if chosen is not None else "Choose an individual above."
    who = {} if chosen is None else {"individual": str(chosen), "name": known[chosen]}
    row(FORMATS["crops"], now, why_not, None, **who)
