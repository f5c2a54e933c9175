"""Which detector and which embeddings are used: what the settings name, or on `auto` the best whose weights are there.

The worker decides; it writes its choice beside the survey, so that every page can show it without asking Modal.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from app import files
from app.settings import AUTO, Backend, Settings
from app.survey.database import Survey
from app.survey.detections import rapid_profile
from app.survey.detections.features import alike_to, newest_version
from app.survey.trials import trials
from modal_backend.backend import Backend as ModelBackend
from modal_backend.errors import BackendUnavailable
from modal_backend.registry import (
    DETECTOR,
    EMBEDDING,
    LOCAL,
    LOCAL_FINE,
    MATCH_FEATURES,
    MEGADETECTOR,
    MODELS,
    Task,
    of_task,
)
from modal_backend.weights.files import runnable_here

DETECTORS = (MEGADETECTOR, "megadetector-v5b", "megadetector-apa-e", "megadetector-apa-c")
EMBEDDINGS = ("megadescriptor", "megadescriptor-b-224", "megadescriptor-t-224")
SECONDS_KNOWN, SECONDS_SILENT = 600.0, 30.0
# Models that come with the install: a backend may know their present version before they answer.
SHIPPED = (LOCAL, LOCAL_FINE, EMBEDDING, MATCH_FEATURES)


@dataclass(frozen=True, slots=True)
class Choice:
    """Names of the models in use, and in one sentence why these. local: the survey's profile of RAPID. later: models
    that describe a crop when nothing else is to be done."""

    detector: str = DETECTOR
    embeddings: tuple[str, ...] = (EMBEDDING,)
    reason: str = "These come with the install."
    local: str = LOCAL
    later: tuple[str, ...] = ()

    @property
    def describing(self) -> tuple[str, ...]:
        """The models that describe every crop."""
        return (*self.embeddings, self.local)

    @property
    def picture_side(self) -> int:
        """Pixels of the long side that a picture needs for the detector."""
        return max(1024, MODELS[self.detector].side)


def choose(settings: Settings, there: Collection[str]) -> Choice:
    """What the settings ask for. there: names of the models whose weights and packages are at hand."""
    embedded = settings.active_backend is Backend.EMBEDDED
    detector, embeddings = settings.detector, settings.embeddings
    reasons = []
    if detector == AUTO:
        detector = next((name for name in DETECTORS if name in there), DETECTOR)
        reasons.append(_detector_reason(detector))
    else:
        reasons.append("The detector is set by PUGMARK_DETECTOR.")
    if embeddings == (AUTO,):
        # On a CPU the small network first: the large one takes seconds a crop.
        wanted = reversed(EMBEDDINGS) if embedded else EMBEDDINGS
        best = next((name for name in wanted if name in there), None)
        embeddings = (EMBEDDING, best) if best else (EMBEDDING,)
    else:
        reasons.append("The embeddings are set by PUGMARK_EMBEDDING.")
    local = LOCAL if settings.local_features == AUTO else settings.local_features
    return Choice(detector, embeddings, " ".join(reasons), local, (MATCH_FEATURES,))


def usual_profile(settings: Settings) -> str:
    """The profile of RAPID for a survey of up to 2,000 crops, where the settings name none.

    On Modal crops and features travel: RAPID 448 needs wider crops and sends back four times as many features.
    """
    return LOCAL_FINE if settings.active_backend is Backend.EMBEDDED else LOCAL


def of_survey(choice: Choice, session: Session, settings: Settings) -> Choice:
    """The choice with the profile of RAPID that this survey uses, and a detector that stands after a trial.

    The detector that the settings name goes before one that was tried.
    """
    choice = replace(choice, local=rapid_profile.chosen(session) or choice.local)
    stands = trials.chosen(session) if settings.detector == AUTO else None
    if stands is None or stands not in MODELS:
        return choice
    return replace(choice, detector=stands, reason="The detector was tried here, and a person let it stand.")


def versions_in_use(session: Session, backend: ModelBackend, model: str) -> list[int] | None:
    """Ids of the versions of this model whose features count; None where only its answers tell.

    Raises:
        BackendError: the model cannot be loaded.
    """
    known = model in SHIPPED and newest_version(session, (model,)) is not None
    provenance = backend.known_provenance(model) if known else None
    return None if provenance is None else alike_to(session, provenance)


def detectors_there(settings: Settings) -> list[str]:
    """Names of the detectors that can be tried: those whose weights are there, as far as that is known."""
    detectors = of_task(Task.DETECT)
    there: Collection[str] = runnable_here()
    if settings.active_backend is Backend.MODAL:
        there = _kept(settings).get("there") or detectors
    return [name for name in detectors if name in there or not MODELS[name].files]


def _detector_reason(detector: str) -> str:
    if detector == DETECTOR:
        return "MegaDetector's weights are not there, so the pocket detector is used."
    return f"{MODELS[detector].title}: its weights are there."


class Chooser:
    """The choice of one worker. Embedded: made once. Modal: asked for again after ten minutes. Safe in threads.

    ask: gives the names of the models whose weights are there. survey: its profile of RAPID is looked up every time.
    """

    def __init__(self, settings: Settings, ask: Callable[[], Collection[str]], survey: Survey | None = None) -> None:
        self._settings, self._ask, self._survey = settings, ask, survey
        self._choice: Choice | None = None
        self._ask_again = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> Choice:
        """The choice; while Modal does not tell which weights are there, the last one it allowed, else pocket."""
        with self._lock:
            embedded = self._settings.active_backend is Backend.EMBEDDED
            if (self._choice is None or not embedded) and time.monotonic() >= self._ask_again:
                self._look()
            choice = self._choice or shown(self._settings)
        if self._survey is None:
            return choice
        with self._survey.read() as session:
            return of_survey(choice, session, self._settings)

    def _look(self) -> None:
        asks = self._settings.detector == AUTO or self._settings.embeddings == (AUTO,)
        try:
            there = self._ask() if asks else ()
        except BackendUnavailable:
            self._ask_again = time.monotonic() + SECONDS_SILENT
            return
        self._ask_again = time.monotonic() + SECONDS_KNOWN
        self._choice = choose(self._settings, there)
        kept = asdict(self._choice) | {"there": sorted(there)}
        files.write_json(files.model_choice_path(self._settings.data_dir), kept)


def shown(settings: Settings) -> Choice:
    """The choice as pages show it: the worker's, else what this machine would choose. Reads one small file."""
    if settings.active_backend is Backend.EMBEDDED:
        return choose(settings, runnable_here())
    try:
        kept = _kept(settings)
        return Choice(kept["detector"], tuple(kept["embeddings"]), kept["reason"], kept["local"])
    except KeyError:
        if settings.detector != AUTO:
            return choose(settings, ())
        return Choice(reason="A worker will ask Modal which weights are there.")


def _kept(settings: Settings) -> dict[str, Any]:
    """What the worker wrote down when it last chose; empty where it has not, or nobody can read it."""
    try:
        return dict(json.loads(files.model_choice_path(settings.data_dir).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def words(choice: Choice) -> str:
    """The choice in a few words: detector, embeddings, and RAPID's profile unless it is the usual one."""
    fine = [rapid_profile.TITLES[choice.local]] if choice.local != LOCAL else []
    return ", ".join([short_name(choice.detector), *map(short_name, choice.embeddings), *fine])


def short_name(name: str) -> str:
    """A model in a few words."""
    entry = MODELS[name]
    return name.replace("-", " ") if entry.version == "1" else f"{entry.title.split(' (')[0]}"
