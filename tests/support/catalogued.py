"""Individuals for tests: sightings at stations with places and times, named by a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from app.settings import Settings
from app.survey.database import Survey, open_survey
from app.survey.decisions import identity
from app.survey.tables.deployments import Deployment
from app.survey.tables.individuals import Individual, Sighting
from tests.support.surveys import add_media, found

DAY = 24 * 60.0


@contextmanager
def opened(folder: Path) -> Iterator[Survey]:
    """An empty survey for a whole module, which its tests only read."""
    survey = open_survey(Settings(PUGMARK_DATA_DIR=folder, PUGMARK_REVIEWER="ana", _env_file=None))
    yield survey
    survey.close()


def seen(survey: Survey, name: str, station: str, minutes: float | None, *, flank: str = "left", boxes: int = 1) -> int:
    """One image at a station with an individual of this name; returns the detection. minutes: after START."""
    _, ids = add_media(survey, [found(x=0.1 + 0.3 * n) for n in range(boxes)], folder=station, minutes=minutes)
    with survey.write() as session:
        individual = session.scalar(sa.select(Individual).where(Individual.name == name))
        if individual is None:
            identity.new_individual(session, "ana", ids[0], name=name)
        else:
            session.add(Sighting(detection_id=ids[0], individual_id=individual.id, who="ana"))
        identity.set_flank(session, "ana", ids[0], flank)
    return ids[0]


def place(survey: Survey, station: str, latitude: float, longitude: float) -> int:
    """Give a station's deployment coordinates; returns the deployment's id."""
    with survey.write() as session:
        row = session.scalar(sa.select(Deployment).where(Deployment.station == station))
        row.latitude, row.longitude = latitude, longitude
        return row.id


def number(survey: Survey, name: str) -> int:
    """The id of an individual."""
    with survey.read() as session:
        return session.scalar(sa.select(Individual.id).where(Individual.name == name))
