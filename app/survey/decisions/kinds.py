"""Every kind of decision there is: what History says of it, which Undo button takes it back, what it may change.

A new kind is one entry here: a line in the family it belongs to, or a family of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from app.survey.media.clocks import settle_times
from app.survey.results.stored import settle_results
from app.survey.roles import Role
from app.survey.tables.base import Base
from app.survey.tables.decisions import Decision
from app.survey.tables.deployments import Deployment, DeploymentReview
from app.survey.tables.detections import Detection, DetectionReview, MediaReview, PeopleShown
from app.survey.tables.individuals import Individual, Naming, PairVerdict, Sighting
from app.survey.tables.media import ImportBatch, Media
from app.survey.tables.notes import NoteClusterReview, NoteFileReview
from app.survey.tables.plausibility import AcceptedConflict, SpeedLimit
from app.survey.tables.results import ResultsReview
from app.survey.tables.species import SpeciesLabel
from app.survey.tables.stamps import MediaTime
from app.survey.tables.trials import TrialReview
from app.survey.tables.videos import FrameDetection, VideoAnswer, VideoReview, VideoRunChoice
from app.survey.trials.standing import settle_trials
from app.survey.videos.runs import settle_chosen


class Undo(StrEnum):
    """The Undo buttons. History takes back every kind; a family with no button is taken back there alone."""

    DETECTIONS = "detections"
    IDENTIFY = "identify"
    INDIVIDUALS = "individuals"
    VIDEO_COUNT = "video count"
    VIDEOS = "videos"
    VIDEO_ANSWERS = "video answers"
    STATIONS = "stations"
    NOTE_CLUSTERS = "note clusters"
    RESULTS = "results"
    TRIALS = "trials"


@dataclass(frozen=True, slots=True)
class Family:
    """Kinds of decision that change the same tables and are taken back in the same places.

    Args:
        words: what History says, by the kind's name (at most 24 letters).
        tables: the tables whose rows these decisions may add, change or remove. The images whose scores are computed
            again are those that a changed row names by media_id or detection_id.
        undo: the Undo buttons that take them back.
        shows: the fields of a decision's view whose value History adds to the words.
        settle: what has to follow whenever rows of these decisions were changed, also by undo and redo.
        least: the role that makes them, takes them back and makes them again.
    """

    words: Mapping[str, str]
    tables: tuple[type[Base], ...]
    undo: tuple[Undo, ...] = ()
    shows: tuple[str, ...] = ()
    settle: Callable[[Session, Decision], None] | None = None
    least: Role = Role.REVIEWER


BOXES = Family(
    {
        "accept": "accepted the boxes",
        "blank": "blank",
        "unsure": "unsure",
        "reject": "deleted a box",
        "reject repeated": "deleted a repeated box",
        "restore": "brought a box back",
        "category": "category",
        "species": "species",
        "hint": "took the species hints",
        "move": "moved a box",
        "draw": "drew a box",
        "whole": "the whole picture is one animal",
    },
    tables=(Detection, DetectionReview, FrameDetection, MediaReview, Sighting),
    undo=(Undo.DETECTIONS, Undo.VIDEOS),
    shows=("species", "category"),
)
PEOPLE = Family(
    {"show people": "people shown", "blur people": "people blurred again"},
    tables=(PeopleShown,),
    undo=(Undo.DETECTIONS,),
)
IDENTITY = Family(
    {
        "same": "same animal",
        "different": "different animals",
        "pair unsure": "not sure whether the same",
        "new": "new individual",
        "unidentifiable": "nobody can tell who it is",
        "identity unsure": "not sure who",
        "flank": "flank",
        "naming": "chose how individuals are named",
    },
    tables=(Individual, Naming, Sighting, PairVerdict, DetectionReview),
    undo=(Undo.IDENTIFY, Undo.INDIVIDUALS),
    shows=("flank",),
)
TAKING_OUT = Family({"take out": "took a sighting out"}, tables=(Sighting,), undo=(Undo.IDENTIFY, Undo.INDIVIDUALS))
CATALOGUE = Family(
    {
        "rename": "renamed an individual",
        "describe": "described an individual",
        "merge": "merged two individuals",
        "join flanks": "joined two flanks",
        "split": "split an individual",
    },
    tables=(Individual, Sighting),
    undo=(Undo.INDIVIDUALS,),
)
PLAUSIBILITY = Family(
    {
        "accept conflict": "accepted a conflict",
        "speed limit": "set a speed limit",
        "boxed twice": "one animal boxed twice",
    },
    tables=(AcceptedConflict, SpeedLimit, Sighting, DetectionReview),
    undo=(Undo.INDIVIDUALS,),
)
STATIONS = Family(
    {
        "deployment": "described a deployment",
        "clock": "corrected a clock",
        "file times": "took times from files",
        "stamp times": "took times from the pictures",
        "new deployment": "new deployment",
        "rename deployment": "renamed a deployment",
        "rename station": "renamed a station",
        "move media": "moved media",
        "split deployment": "split a deployment",
        "join deployments": "joined deployments",
        "delete deployment": "deleted a deployment",
        "stations file": "took a file of stations",
    },
    tables=(Deployment, DeploymentReview, Media, MediaTime, ImportBatch),
    undo=(Undo.INDIVIDUALS, Undo.STATIONS),
    shows=("deployment", "what"),
    settle=settle_times,
)
SPECIES = Family(
    {"list species": "added to the species list", "unlist species": "removed from the species list"},
    tables=(SpeciesLabel,),
    shows=("species",),
)
COUNTS = Family(
    {"count": "corrected the count"}, tables=(VideoReview, MediaReview), undo=(Undo.VIDEO_COUNT, Undo.VIDEOS)
)
RUNS = Family(
    {"clip run": "chose the run that counts"},
    tables=(VideoRunChoice,),
    settle=lambda session, decision: settle_chosen(session, decision.changes),
)
ANSWERS = Family({"delete answer": "deleted an answer"}, tables=(VideoAnswer,), undo=(Undo.VIDEO_ANSWERS,))
NOTES = Family(
    {"delete notes": "deleted a file of notes", "restore notes": "brought a file of notes back"},
    tables=(NoteFileReview,),
    shows=("notes",),
)
RESULTS = Family(
    {"bring in results": "brought in results"},
    tables=(ResultsReview,),
    undo=(Undo.RESULTS,),
    shows=("results",),
    settle=lambda session, decision: settle_results(session, decision.changes),
)
IDENTITIES = Family(
    {"identities file": "took over what people saw"},
    tables=(
        Individual,
        Sighting,
        Detection,
        DetectionReview,
        MediaReview,
        Deployment,
        DeploymentReview,
        ResultsReview,
    ),
    undo=(Undo.INDIVIDUALS,),
    shows=("results",),
    settle=lambda session, decision: settle_results(session, decision.changes),
)
TRIALS = Family(
    {"let it stand": "let a tried model stand"},
    tables=(TrialReview,),
    undo=(Undo.TRIALS,),
    shows=("model",),
    settle=lambda session, decision: settle_trials(session, decision.changes),
    least=Role.ADMIN,
)
NOTE_CLUSTERS = Family(
    {
        "name cluster": "named a cluster of notes",
        "hide cluster": "hid a cluster of notes",
        "show cluster": "showed a cluster again",
        "merge clusters": "merged a cluster into",
    },
    tables=(NoteClusterReview,),
    undo=(Undo.NOTE_CLUSTERS,),
    shows=("cluster",),
)

FAMILIES = (
    BOXES, PEOPLE, IDENTITY, TAKING_OUT, CATALOGUE, PLAUSIBILITY, STATIONS, SPECIES, COUNTS, RUNS, ANSWERS, NOTES,
    NOTE_CLUSTERS, RESULTS, IDENTITIES, TRIALS,
)  # fmt: skip
FAMILY_OF: dict[str, Family] = {kind: family for family in FAMILIES for kind in family.words}
TABLES: dict[str, type[Base]] = {table.__tablename__: table for family in FAMILIES for table in family.tables}


def taken_back_by(button: Undo | None) -> list[str]:
    """The kinds of decision that an Undo button takes back; None stands for that of History, which takes back all."""
    return [kind for kind, family in FAMILY_OF.items() if button is None or button in family.undo]


def least_role(kind: str) -> Role:
    """Who may make such a decision, take it back or make it again; an admin for one that this program does not know."""
    return FAMILY_OF[kind].least if kind in FAMILY_OF else Role.ADMIN


def words(kind: str) -> str:
    """What History says of a kind; the name of one that this program does not know."""
    return FAMILY_OF[kind].words[kind] if kind in FAMILY_OF else kind


def shown_values(kind: str, view: Mapping[str, Any]) -> list[str]:
    """The values that History adds to the words of a decision; "none" for one that was emptied."""
    family = FAMILY_OF.get(kind)
    return [str(view[field] or "none") for field in (family.shows if family else ()) if field in view]


def settle(session: Session, decision: Decision) -> None:
    """Do what has to follow when rows of such a decision were changed."""
    family = FAMILY_OF.get(decision.kind)
    if family is not None and family.settle is not None:
        family.settle(session, decision)
