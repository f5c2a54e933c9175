"""Which profile of RAPID a survey uses: chosen once, before its first crop is described, and kept with the survey.

Up to MOST_CROPS crops that is RAPID 448, which is right more often; a bigger survey uses RAPID 224, which is faster and
takes a quarter of the room. A survey that grows keeps its profile, because the scores of the two are different scales.
A person, or the settings, may have all crops described by the other profile: it ranks once it has described every crop.
"""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.detections import Feature, ModelVersion
from app.survey.tables.media import ImportBatch, ImportState
from app.survey.tables.models import LocalProfile
from modal_backend.registry import LOCAL, LOCAL_FINE

ONLY = 1
AUTO = "auto"
CHOSEN = sa.select(LocalProfile.model).where(LocalProfile.id == ONLY)
TITLES = {LOCAL: "RAPID 224", LOCAL_FINE: "RAPID 448"}
# In memory 1,000 crops of RAPID 448 take 0.4 GB (measured: 397 MB for 1,000, 754 MB for 2,000, 1,657 MB for 5,000), and
# a query among 2,000 some 64 ms of one core (RAPID 224: 11 ms).
MOST_CROPS = 2_000


def chosen(session: Session) -> str | None:
    """Name of the profile that describes new crops and ranks; None where none was chosen yet."""
    return session.scalar(CHOSEN)


def coming(session: Session) -> str | None:
    """Name of the profile that is to take over once it has described every crop; None where there is none."""
    return session.scalar(sa.select(LocalProfile.next_model).where(LocalProfile.id == ONLY))


def choose(session: Session, model: str) -> None:
    """Describe and rank by this profile from now on."""
    row = session.get(LocalProfile, ONLY)
    if row is None:
        session.add(LocalProfile(id=ONLY, model=model, since=time.time()))
    elif row.model != model:
        row.model, row.since = model, time.time()
    if row is not None:
        row.next_model = None
    session.flush()


def change_to(session: Session, model: str) -> None:
    """Have every crop described by this profile, which takes over after that; the present one: leave it as it is."""
    row = session.get_one(LocalProfile, ONLY)
    row.next_model = model if model != row.model else None
    session.flush()


def settle(session: Session, setting: str, *, usual: str, importing: bool = False) -> None:
    """Choose the profile where none is chosen yet, and have the crops described by another one if the settings say so.

    Args:
        setting: "auto", or the name of a profile.
        usual: the profile that "auto" takes for a survey of up to MOST_CROPS crops.
        importing: the first crops are about to be described; as many are expected as the open imports list files.
    """
    described = _described(session)
    if not described:
        if importing:
            fits = _listed(session) <= MOST_CROPS
            choose(session, setting if setting != AUTO else usual if fits else LOCAL)
        return
    if chosen(session) is None:  # a survey of an earlier version of this program
        choose(session, max(described, key=lambda name: (described[name], name == LOCAL_FINE)))
    if setting != AUTO:
        change_to(session, setting)


def sentence(session: Session) -> str:
    """Which profile ranks, and why where that is not plain; empty while none is chosen."""
    model, after = chosen(session), coming(session)
    if model is None:
        return ""
    if after is not None:
        return f"{TITLES[model]} ranks until {TITLES[after]} has described every crop."
    if model == LOCAL:
        return f"{TITLES[model]} ranks; {TITLES[LOCAL_FINE]} is meant for surveys of up to {MOST_CROPS:,} crops."
    return f"{TITLES[model]} ranks."


def progress(session: Session) -> tuple[int, int] | None:
    """How many crops the coming profile has described, and how many the present one; None where none is to come."""
    model, after = chosen(session), coming(session)
    if model is None or after is None:
        return None
    described = _described(session)
    return described.get(after, 0), described.get(model, 0)


def is_large(session: Session) -> bool:
    """Whether RAPID has described more than MOST_CROPS crops."""
    crops = sa.select(Feature.detection_id).where(Feature.model_version_id.in_(_versions())).distinct()
    some = crops.limit(MOST_CROPS + 1).subquery()
    return (session.scalar(sa.select(sa.func.count()).select_from(some)) or 0) > MOST_CROPS


def _described(session: Session) -> dict[str, int]:
    """Crops by the name of the profile that has described them; without profiles that have described none."""
    rows = (
        sa.select(ModelVersion.model, sa.func.count(sa.distinct(Feature.detection_id)).label("crops"))
        .join(Feature, Feature.model_version_id == ModelVersion.id)
        .where(ModelVersion.id.in_(_versions()))
        .group_by(ModelVersion.model)
    )
    return {row.model: row.crops for row in session.execute(rows)}


def _versions() -> sa.Select[Any]:
    return sa.select(ModelVersion.id).where(ModelVersion.model.in_(TITLES))


def _listed(session: Session) -> int:
    is_open = ImportBatch.state.in_([ImportState.QUEUED, ImportState.RUNNING])
    return session.scalar(sa.select(sa.func.sum(ImportBatch.listed)).where(is_open)) or 0
