"""From which confidence a box counts, the same for a page's filter and for what nobody has decided about."""

from __future__ import annotations

from app.settings import Settings
from app.survey.database import open_survey
from app.survey.detections.boxes import over_threshold
from app.survey.media import browse
from app.survey.media.browse import MediaFilter, Show
from app.survey.tables.detections import ModelVersion
from modal_backend.contracts import Category
from tests.support.surveys import add_media, found


def test_people_and_vehicles_count_from_a_third_of_the_threshold_and_animals_from_all_of_it(tmp_path):
    survey = open_survey(Settings(PUGMARK_DATA_DIR=tmp_path, _env_file=None))
    added = {kind: add_media(survey, [found(0.15, category=kind)]) for kind in Category}
    with survey.write() as session:
        for version in session.query(ModelVersion):
            version.threshold = 0.3
    with survey.read() as session:
        counted = over_threshold(session, [media_id for media_id, _ in added.values()])
        shown = {kind: browse.count(session, MediaFilter(show=Show(str(kind)), threshold=0.3)) for kind in (*Category,)}
    survey.close()
    assert counted == {*added[Category.PERSON][1], *added[Category.VEHICLE][1]}
    assert shown == {Category.ANIMAL: 0, Category.PERSON: 1, Category.VEHICLE: 1}
