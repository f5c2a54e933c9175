"""RAPID's finer profile in idle time: an import describes crops by the coarse one, which is fast; when nobody has asked
for anything for a while the worker describes them by the finer one as well, a few at a time, and stops when somebody
does. It ranks once it has seen every crop (`app/survey/detections/both_profiles.py`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.analysis import pictures
from app.analysis.context import Workshop
from app.analysis.crops import describe_finer
from app.analysis.model_choice import Choice
from app.ingest.refusals import Refused
from app.survey.detections import both_profiles, rapid_profile
from app.survey.media import imports
from app.survey.tables.detections import Feature

log = logging.getLogger("pugmark.worker")
# Nobody has asked for anything for so long: a person who works through a list of crops asks for each within it.
IDLE_SECONDS = 60.0
# A crop takes some 0.25 s of one core (decode, cut, SIFT): for a second at most anybody's work shares the machine.
AT_ONCE = 4
SLICE_SECONDS = 60.0
SLICE = int(SLICE_SECONDS * 20)


def job_id(session: Session, choice: Choice) -> str | None:
    """Names the slice that is due, by the newest version and how many crops wait; None when none is.

    The same state gives the same name: a slice that got nowhere is not tried again until something changes.
    """
    if choice.finer is None or imports.any_open(session) or both_profiles.more_than(session, both_profiles.MOST_CROPS):
        return None
    waits = {name: both_profiles.lacking_count(session, name) for name in (choice.finer, choice.local)}
    if not any(waits.values()):
        return None
    newest = session.scalar(sa.select(sa.func.max(Feature.id))) or 0
    return "-".join(["finer", *(f"{name}.{count}" for name, count in waits.items()), str(newest)])


def describe_slice(shop: Workshop, wanted: Callable[[], bool]) -> int:
    """Describe crops by the profile they lack until none does, a minute is over or `wanted()` says that somebody needs
    the worker; returns how many were. Raises BackendError."""
    choice, until, done = shop.choose(), time.monotonic() + SLICE_SECONDS, 0
    if choice.finer is None:
        return 0
    for name in (choice.finer, choice.local):
        with shop.survey.read() as session:
            ids = both_profiles.lacking(session, name, limit=SLICE)
        for group in pictures.batches(ids, AT_ONCE):
            if time.monotonic() > until or wanted():
                return done
            try:
                describe_finer(shop, pictures.crops_of_boxes(shop, group), name)
            except (Refused, OSError) as error:
                log.warning("Crops %s cannot be described by %s: %s", group, name, error)
                continue
            done += len(group)
    return done


def settle(shop: Workshop) -> bool:
    """Let that profile rank that has seen every crop; where the settings name one, that of the newest crop does.

    Returns whether that changed anything.
    """
    choice = shop.choose()

    def wanted(session: Session) -> str | None:
        return None if choice.finer is None else both_profiles.best(session, choice.local, choice.finer)

    with shop.survey.read() as session:
        if wanted(session) == rapid_profile.chosen(session):
            return False
    with shop.survey.write() as session:
        rapid_profile.choose(session, wanted(session))
    return True
