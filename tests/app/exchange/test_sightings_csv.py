"""Sightings as a table: the species that Detections shows, and the temperature that was read from the picture."""

from __future__ import annotations

import csv
import io

from app.exchange import sightings_csv
from app.survey.database import Survey
from app.survey.tables.detections import DetectionReview
from app.survey.tables.stamps import StampReading
from tests.support.catalogued import seen


def test_the_species_of_the_box_stands_where_the_individual_has_none_and_the_temperature_beside_it(survey: Survey):
    detection_id = seen(survey, "Machli", "Ridge", 0)
    with survey.write() as session:
        session.merge(DetectionReview(detection_id=detection_id, species="Panthera tigris", who="ana"))
        session.add(StampReading(media_id=1, grammar="1", celsius=-3.5))
    with survey.read() as session:
        (row,) = csv.DictReader(io.StringIO(sightings_csv.table(session)))
    assert (row["species"], row["celsius"]) == ("Panthera tigris", "-3.5")
