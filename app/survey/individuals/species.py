"""The species of an individual: what a person said of it, else what was said of most of its crops."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.survey.tables.detections import DetectionReview
from app.survey.tables.individuals import Individual, Sighting


def stated_species() -> sa.ColumnElement[str | None]:
    """The species as a column of a query over Individual; of two labels as often the first by the alphabet."""
    review, sighting = aliased(DetectionReview), aliased(Sighting)
    of_its_crops = (
        sa.select(review.species)
        .join(sighting, sighting.detection_id == review.detection_id)
        .where(sighting.individual_id == Individual.id, review.species.is_not(None))
        .group_by(review.species)
        .order_by(sa.func.count().desc(), review.species)
        .limit(1)
        .correlate(Individual)
        .scalar_subquery()
    )
    return sa.func.coalesce(Individual.species, of_its_crops)


def species_of(session: Session, individual_ids: Collection[int] | None = None) -> dict[int, str | None]:
    """The species of individuals by their ids; of all when none are given."""
    rows = sa.select(Individual.id, stated_species().label("species"))
    if individual_ids is not None:
        rows = rows.where(Individual.id.in_(individual_ids))
    return {row.id: row.species for row in session.execute(rows)}
