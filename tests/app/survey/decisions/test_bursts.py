"""Crops of one burst are decided together; who is compared alone stays alone."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.actions.identify import apply_identity
from app.survey.database import Survey
from app.survey.decisions import identity
from app.survey.decisions.bursts import GAP, burst_of
from app.survey.decisions.undoing import undo_last
from app.survey.media.events import regroup
from app.survey.tables.deployments import Deployment
from app.survey.tables.detections import DetectionReview
from app.survey.tables.individuals import Sighting
from tests.app.survey.decisions.test_identity import KINDS, named
from tests.support.asked import Asked
from tests.support.surveys import add_media, describe, everything, found

SECOND = 1 / 60


@pytest.fixture
def burst(survey: Survey) -> list[int]:
    """Crops of pictures taken after 0, 1 and 3 seconds (one event), and after a minute (the same event)."""
    return taken(survey, (0, 1, 3, 60))


def taken(survey: Survey, seconds: tuple[float, ...], animals: int = 1) -> list[int]:
    """A described crop of each picture, taken so many seconds after the first, all of one event."""
    made = []
    for after in seconds:
        boxes = [found(x=0.1 + 0.3 * number) for number in range(animals)]
        _, ids = add_media(survey, boxes, minutes=after * SECOND)
        for detection_id in ids:
            describe(survey, detection_id, detection_id)
        made.append(ids[0])
    with survey.write() as session:
        regroup(session, set(session.scalars(sa.select(Deployment.id))), 300)
    return made


def together(survey: Survey, crop: int) -> list[int]:
    with survey.read() as session:
        return burst_of(session, crop)


def test_a_burst_is_what_was_taken_at_most_five_seconds_apart(survey, burst):
    assert GAP.total_seconds() == 5
    assert [together(survey, crop) for crop in burst] == [burst[1:3], [burst[0], burst[2]], burst[:2], []]


def test_no_crop_is_taken_along_where_two_animals_are_in_view(survey):
    assert together(survey, taken(survey, (0, 1), animals=2)[0]) == []


def test_a_picture_with_two_animals_ends_a_burst(survey):
    first = taken(survey, (0,))
    taken(survey, (1,), animals=2)
    taken(survey, (2,))
    assert together(survey, first[0]) == []


def test_crops_that_somebody_has_decided_about_are_left_out(survey, burst):
    with survey.write() as session:
        identity.say_pair(session, "ben", burst[0], burst[1], "different")
        identity.set_identity_state(session, "ben", burst[2], "unidentifiable")
    assert together(survey, burst[0]) == []


def test_a_crop_labelled_as_another_species_is_left_out(survey, burst):
    with survey.write() as session:
        session.add_all(
            DetectionReview(detection_id=crop, species=label, who="ben", decided_at=1.0)
            for crop, label in zip(burst[:2], ("Panthera tigris", "Sus scrofa"), strict=True)
        )
    assert together(survey, burst[0]) == [burst[2]]


def decide(survey: Survey, number: int, kind: str, query_id: int, **more: object) -> list[str]:
    action = {"n": number, "uuid": f"ana-{number}", "kind": kind, "query_id": query_id, **more}
    return apply_identity(survey, Asked(), "ana", [action], number - 1, {}).messages


def test_one_decision_names_the_whole_burst_and_one_undo_takes_it_back(survey, burst):
    before = everything(survey)
    messages = decide(survey, 1, "new", burst[0], together=burst[1:])
    assert messages == ["New individual T-001, 3 crops of one burst. Z takes it back."]
    assert [named(survey, crop) for crop in burst] == ["T-001", "T-001", "T-001", None]
    with survey.write() as session:
        undo_last(session, "ana", KINDS)
    assert everything(survey) == before


def test_the_same_as_a_named_one_names_the_burst_too_but_not_what_is_said_to_be_another(survey, burst):
    (other,) = taken(survey, (600,))
    with survey.write() as session:
        identity.new_individual(session, "ana", other, name="Machli")
        identity.say_pair(session, "ben", burst[2], other, "different")
    messages = decide(survey, 1, "same", burst[0], candidate_id=other, together=burst[1:3])
    assert messages == ["Named 2 crops of one burst. Z takes it back."]
    assert [named(survey, crop) for crop in burst] == ["Machli", "Machli", None, None]


def test_a_crop_alone_and_crops_of_no_burst_are_not_taken_along(survey, burst):
    assert decide(survey, 1, "new", burst[0], together=[burst[3]]) == ["New individual T-001. Z takes it back."]
    decide(survey, 2, "identity unsure", burst[1], together=[burst[2]])
    with survey.read() as session:
        assert list(session.scalars(sa.select(Sighting.detection_id))) == [burst[0]]
        later = sa.select(DetectionReview.detection_id).where(DetectionReview.identity == "unsure")
        assert set(session.scalars(later)) == set(burst[1:3])
