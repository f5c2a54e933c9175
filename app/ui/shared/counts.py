"""Counts over the whole survey, counted again only when something has changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import streamlit as st
from sqlalchemy.orm import Session

from app import deps
from app.exchange.sizes import sizes
from app.survey.calls.overview import WaitingFigures, waiting_figures
from app.survey.decisions import history
from app.survey.decisions.kinds import STATIONS
from app.survey.detections import hints
from app.survey.detections.features import embeddings_of, feature_version, local_model, newest_version
from app.survey.detections.results import threshold_of
from app.survey.individuals import naming, rankings
from app.survey.individuals.catalogue import names
from app.survey.individuals.subjects import Subject
from app.survey.media import browse, looks, species
from app.survey.media.browse import MediaFilter, Show
from app.survey.media.progress import labels
from app.ui.shared.troubles import drawn_again
from modal_backend.models.probability.calibration import FUSED
from modal_backend.registry import EMBEDDING, LOCAL, MATCH_FEATURES

P = ParamSpec("P")
T = TypeVar("T")
KEPT = 64
SECONDS = 600


def survey_state() -> str:
    """Names the present state of the survey: it changes with every file, result, decision and undo."""
    with deps.survey().read() as session:
        return f"{deps.survey_mark()}-{browse.change_mark(session)}-{rankings.stamp(session)}"


def by_state(figures: Callable[Concatenate[Session, P], T]) -> Callable[Concatenate[str, P], T]:
    """Figures that are kept for a state of the survey, which callers give first: see `survey_state`."""

    @st.cache_data(max_entries=KEPT, ttl=SECONDS, show_spinner=False)
    @wraps(figures)
    def read(state: str, *args: P.args, **values: P.kwargs) -> T:
        del state
        return deps.read(figures, *args, **values)

    return read


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


@drawn_again("0.4s")
def wait_for(figures: Callable[[], object | None], text: str) -> None:
    """Draw the page again when figures that are made beside it have come. text: said until then."""
    if figures() is not None:
        st.rerun()
    st.caption(text)


def decisions_mark() -> str:
    """Names the decisions that stand: it changes with every decision, undo and redo, and with nothing else."""
    return deps.read(rankings.decisions_stamp)


def stations_state() -> str:
    """Names the state of what is known of stations: changes with every file, look and decision about stations."""
    with deps.survey().read() as session:
        return f"{deps.survey_mark()}-{history.mark(session, STATIONS.words)}-{looks.mark(session)}"


@by_state
def kinds(session: Session, within: MediaFilter) -> dict[str, int]:
    """How many media each kind has within the rest of a filter."""
    return browse.summary(session, within.threshold, within)


@by_state
def places(session: Session) -> list[tuple[int, str, int]]:
    """Deployments with the number of their media."""
    return browse.deployments(session)


@by_state
def being_looked_at(session: Session) -> int:
    """How many media no model has looked at yet."""
    return browse.being_looked_at(session)


@by_state
def imports(session: Session) -> list[tuple[int, str]]:
    """Ids and labels of the latest imports, newest first."""
    return labels(session)


@by_state
def subjects(session: Session) -> tuple[list[str], list[str], dict[int, str]]:
    """The stations, the species labels in use, and the names of the individuals by id."""
    labels = [label.name for label in species.choices(session) if label.used]
    return browse.stations(session), labels, names(session)


@by_state
def rankers(session: Session) -> list[str]:
    """The models whose rankings can be chosen, all together first."""
    matcher = [MATCH_FEATURES] if newest_version(session, (MATCH_FEATURES,)) is not None else []
    return [FUSED, local_model(session), *(embeddings_of(session) or [EMBEDDING]), *matcher]


@by_state
def name_scheme(session: Session) -> tuple[str, int, str]:
    """Prefix and digits of the names to come, and the next name."""
    return *naming.scheme(session), naming.next_name(session)


@by_state
def animals_of_import(session: Session, import_id: int) -> int:
    """How many media of an import have an animal."""
    return browse.count(session, MediaFilter(Show.ANIMAL, threshold_of(browse.detector(session)), import_id=import_id))


def hinted() -> list[tuple[str, int]]:
    """The species hints that nobody has answered, with the number of boxes; hints come after what else there is."""
    newest = deps.read(hints.newest)
    return _hinted(survey_state(), newest)


@by_state
def _hinted(session: Session, newest: int) -> list[tuple[str, int]]:
    del newest
    return hints.names(session)


@by_state
def export_sizes(session: Session) -> dict[str, int]:
    """How many bytes each export will have, about."""
    return sizes(session)


@by_state
def figures(session: Session) -> WaitingFigures:
    """What came in, what waits, what went wrong."""
    return waiting_figures(session)


@by_state
def crops_waiting(session: Session, most: int, subject: Subject) -> tuple[list[int], int]:
    """The crops of a subject that wait for an identity (at most `most`), and how many there are in all."""
    version = feature_version(session, LOCAL)
    if version is None:
        return [], 0
    found = rankings.waiting(session, version, limit=most, subject=subject)
    whole = subject.everything
    return found, rankings.waiting_count(session, version) if whole else len(found)
