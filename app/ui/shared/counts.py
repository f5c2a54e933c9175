"""Counts over the whole survey, counted again only when something has changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

import streamlit as st
from sqlalchemy.orm import Session

from app import deps
from app.exchange.sizes import sizes
from app.survey.calls.overview import WaitingFigures, waiting_figures
from app.survey.decisions import history
from app.survey.decisions.kinds import STATIONS
from app.survey.detections import hints
from app.survey.detections.features import embeddings_of, feature_version, local_model, newest_version
from app.survey.individuals import naming, rankings
from app.survey.individuals.catalogue import names
from app.survey.individuals.subjects import Subject
from app.survey.media import browse, looks, species
from app.survey.media.browse import MediaFilter, Show
from app.survey.media.progress import labels
from modal_backend.models.probability.calibration import FUSED
from modal_backend.registry import EMBEDDING, LOCAL, MATCH_FEATURES

T = TypeVar("T")
KEPT = 64
SECONDS = 600


def survey_state() -> str:
    """Names the present state of the survey: it changes with every file, result, decision and undo."""
    with deps.survey().read() as session:
        return f"{deps.survey_mark()}-{browse.change_mark(session)}-{rankings.stamp(session)}"


def beside(key: tuple[Hashable, ...], figures: Callable[[Session], T], wait_seconds: float) -> T | None:
    """Figures of this session's survey that are made beside the page; None while they are.

    Args:
        key: the kind, then what the figures depend on.
        figures: makes them, in a thread that knows nothing of the session or its person.
    """
    survey = deps.survey()

    def work() -> T:
        with survey.read() as session:
            return figures(session)

    return deps.computed().ask((*key, deps.survey_mark()), work, wait_seconds)


def decisions_mark() -> str:
    """Names the decisions that stand: it changes with every decision, undo and redo, and with nothing else."""
    with deps.survey().read() as session:
        return rankings.decisions_stamp(session)


def stations_state() -> str:
    """Names the state of what is known of stations: changes with every file, look and decision about stations."""
    with deps.survey().read() as session:
        return f"{deps.survey_mark()}-{history.mark(session, STATIONS.words)}-{looks.mark(session)}"


@st.cache_data(max_entries=KEPT, ttl=SECONDS, show_spinner=False)
def kinds(state: str, within: MediaFilter) -> dict[str, int]:
    """How many media each kind has within the rest of a filter. state: of the survey, part of the key."""
    del state
    with deps.survey().read() as session:
        return browse.summary(session, within.threshold, within)


@st.cache_data(max_entries=KEPT, ttl=SECONDS, show_spinner=False)
def places(state: str) -> list[tuple[int, str, int]]:
    """Deployments with the number of their media. state: of the survey, part of the key."""
    del state
    with deps.survey().read() as session:
        return browse.deployments(session)


@st.cache_data(max_entries=KEPT, ttl=SECONDS, show_spinner=False)
def being_looked_at(state: str) -> int:
    """How many media no model has looked at yet. state: of the survey, part of the key."""
    del state
    with deps.survey().read() as session:
        return browse.being_looked_at(session)


@st.cache_data(max_entries=KEPT, ttl=SECONDS, show_spinner=False)
def imports(state: str) -> list[tuple[int, str]]:
    """Ids and labels of the latest imports, newest first. state: of the survey, part of the key."""
    del state
    with deps.survey().read() as session:
        return labels(session)


@st.cache_data(max_entries=KEPT, ttl=SECONDS, show_spinner=False)
def subjects(state: str) -> tuple[list[str], list[str], dict[int, str]]:
    """The stations, the species labels in use, and the names of the individuals by id. state: of the survey."""
    del state
    with deps.survey().read() as session:
        labels = [label.name for label in species.choices(session) if label.used]
        return browse.stations(session), labels, names(session)


@st.cache_data(max_entries=KEPT, ttl=SECONDS, show_spinner=False)
def rankers(state: str) -> list[str]:
    """The models whose rankings can be chosen, all together first. state: of the survey, part of the key."""
    del state
    with deps.survey().read() as session:
        matcher = [MATCH_FEATURES] if newest_version(session, (MATCH_FEATURES,)) is not None else []
        return [FUSED, local_model(session), *(embeddings_of(session) or [EMBEDDING]), *matcher]


@st.cache_data(max_entries=KEPT, ttl=SECONDS, show_spinner=False)
def name_scheme(state: str) -> tuple[str, int, str]:
    """Prefix and digits of the names to come, and the next name. state: of the survey, part of the key."""
    del state
    with deps.survey().read() as session:
        return *naming.scheme(session), naming.next_name(session)


@st.cache_data(max_entries=KEPT, ttl=SECONDS, show_spinner=False)
def animals_of_import(state: str, import_id: int) -> int:
    """How many media of an import have an animal. state: of the survey, part of the key."""
    del state
    with deps.survey().read() as session:
        detector = browse.detector(session)
        threshold = detector.threshold if detector and detector.threshold else 0.5
        return browse.count(session, MediaFilter(Show.ANIMAL, threshold, import_id=import_id))


def hinted() -> list[tuple[str, int]]:
    """The species hints that nobody has answered, with the number of boxes; hints come after what else there is."""
    with deps.survey().read() as session:
        newest = hints.newest(session)
    return _hinted(survey_state(), newest)


@st.cache_data(max_entries=KEPT, ttl=SECONDS, show_spinner=False)
def _hinted(state: str, newest: int) -> list[tuple[str, int]]:
    del state, newest
    with deps.survey().read() as session:
        return hints.names(session)


@st.cache_data(max_entries=KEPT, ttl=SECONDS, show_spinner=False)
def export_sizes(state: str) -> dict[str, int]:
    """How many bytes each export will have, about. state: of the survey, part of the key."""
    del state
    with deps.survey().read() as session:
        return sizes(session)


@st.cache_data(max_entries=KEPT, ttl=SECONDS, show_spinner=False)
def figures(state: str) -> WaitingFigures:
    """What came in, what waits, what went wrong. state: of the survey, part of the key."""
    del state
    with deps.survey().read() as session:
        return waiting_figures(session)


@st.cache_data(max_entries=KEPT, ttl=SECONDS, show_spinner=False)
def crops_waiting(state: str, most: int, subject: Subject) -> tuple[list[int], int]:
    """The crops of a subject that wait for an identity (at most `most`), and how many there are in all.

    state: of the survey, part of the key.
    """
    del state
    with deps.survey().read() as session:
        version = feature_version(session, LOCAL)
        if version is None:
            return [], 0
        found = rankings.waiting(session, version, limit=most, subject=subject)
        whole = subject.everything
        return found, rankings.waiting_count(session, version) if whole else len(found)
