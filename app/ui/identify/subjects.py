"""What to identify: chosen over the match view, or by the link that led here; always said, and left with one press."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.survey.individuals.subjects import Subject
from app.ui.shared import counts
from app.ui.shared.address import Identify, Parameter, go
from app.ui.shared.pick import pick
from app.ui.shared.words import many, plain

CHOSEN = (Identify.STATION, Identify.IMPORT, Identify.SPECIES, Identify.MEDIA, Identify.INDIVIDUAL)


def chosen_subject() -> Subject:
    """What to identify, from the address."""
    return Subject(
        station=Identify.STATION.read(),
        import_id=Identify.IMPORT.read(),
        species=Identify.SPECIES.read(),
        media_ids=Identify.MEDIA.read(),
        individual_id=Identify.INDIVIDUAL.read(),
    )


def subject_bar(subject: Subject, waiting: int, state: str) -> None:
    """What is looked at, how many crops of it wait, and the choice of something else. state: of the survey."""
    with st.popover(plain(_words(subject, state)), icon=":material/filter_alt:", width="content"):
        _choose(subject, state)
    if not subject.everything:
        st.markdown(f"{many(waiting, 'crop')} of these to decide", width="content")
        if st.button("All crops again", icon=":material/close:", type="tertiary"):
            go(dict.fromkeys((Identify.QUERY, *CHOSEN)))


def _choose(subject: Subject, state: str) -> None:
    imports = dict(counts.imports(state))
    stations, labels, known = counts.subjects(state)
    picked: dict[Parameter[Any], Any] = {
        Identify.STATION: pick("Station", stations, subject.station),
        Identify.IMPORT: pick("Import", list(imports), subject.import_id, imports),
        Identify.SPECIES: pick("Species", labels, subject.species),
        Identify.INDIVIDUAL: pick("Look again at", list(known), subject.individual_id, known),
    }
    if any(parameter.read() != value for parameter, value in picked.items()):
        go({Identify.QUERY: None, Identify.MEDIA: None, **picked})


def _words(subject: Subject, state: str) -> str:
    """The choice in words."""
    parts = [part for part in (subject.species, subject.station) if part]
    if subject.import_id is not None:
        parts.append(dict(counts.imports(state)).get(subject.import_id, f"import {subject.import_id}"))
    if subject.individual_id is not None:
        parts.append(counts.subjects(state)[2].get(subject.individual_id, "nobody any more"))
    if subject.media_ids:
        parts.append(many(len(subject.media_ids), "chosen image or video", "chosen images and videos"))
    return ", ".join(parts) or "Everything that waits"
