"""What to identify: all that waits, or the crops of a station, an import, a species, some media, an individual."""

from __future__ import annotations

from app.survey.decisions import boxes, identity
from app.survey.detections.features import feature_version
from app.survey.individuals import rankings
from app.survey.individuals.subjects import Subject
from modal_backend.registry import LOCAL
from tests.support.surveys import add_media, describe, found


def test_a_subject_narrows_what_waits_and_a_second_look_takes_named_crops_too(survey):
    ridge, (first,) = add_media(survey, [found()], folder="Ridge 1")
    _, (second,) = add_media(survey, [found()], folder="Ford 2", minutes=60)
    for number, crop in enumerate((first, second)):
        describe(survey, crop, seed=number)
    with survey.write() as session:
        boxes.correct_box(session, "ana", second, species="Tiger")
        individual = identity.new_individual(session, "ana", first).individual_id
        version = feature_version(session, LOCAL)

        def waiting(**choice):
            return rankings.waiting(session, version, subject=Subject(**choice))

        assert waiting() == [second]
        assert waiting(station="Ford 2") == waiting(species="Tiger") == [second]
        assert waiting(station="Ridge 1") == waiting(import_id=99) == []
        assert waiting(media_ids=(ridge,)) == waiting(individual_id=individual) == [first]
