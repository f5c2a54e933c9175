"""Which crops a person wants to identify: all that wait, or those of a station, an import, a species, some media."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from app.survey.tables.deployments import Deployment
from app.survey.tables.detections import Detection, DetectionReview
from app.survey.tables.individuals import Sighting
from app.survey.tables.media import ListedFile, Media


@dataclass(frozen=True, slots=True)
class Subject:
    """What to identify; None leaves a thing open.

    Attributes:
        media_ids: of these media, named or not.
        individual_id: the crops of an individual, to look at them again.
    """

    station: str | None = None
    import_id: int | None = None
    species: str | None = None
    media_ids: tuple[int, ...] = ()
    individual_id: int | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self == Subject()

    @property
    def named_too(self) -> bool:
        """Whether crops that have a name are looked at again."""
        return bool(self.media_ids) or self.individual_id is not None


def crops_of(subject: Subject) -> sa.Select[int]:
    """The detections of a subject, as a query."""
    crops = sa.select(Detection.id).join(Media, Media.id == Detection.media_id)
    if subject.station is not None:
        crops = crops.join(Deployment, Deployment.id == Media.deployment_id).where(
            Deployment.station == subject.station
        )
    if subject.import_id is not None:
        listed = sa.select(ListedFile.media_id).where(ListedFile.import_id == subject.import_id)
        crops = crops.where(Media.id.in_(listed))
    if subject.species is not None:
        crops = crops.join(DetectionReview, DetectionReview.detection_id == Detection.id).where(
            DetectionReview.species == subject.species
        )
    if subject.media_ids:
        crops = crops.where(Media.id.in_(subject.media_ids))
    if subject.individual_id is not None:
        crops = crops.join(Sighting, Sighting.detection_id == Detection.id).where(
            Sighting.individual_id == subject.individual_id
        )
    return crops
