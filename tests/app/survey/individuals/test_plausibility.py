"""Conflicts: what time, place and earlier decisions say against an identity, and how each is solved for good."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.survey.decisions import catalogue, identity
from app.survey.decisions.kinds import CATALOGUE, PLAUSIBILITY, TAKING_OUT
from app.survey.decisions.plausibility import accept_conflict, drop_second_box, set_speed_limit
from app.survey.decisions.refusals import BadDecision
from app.survey.decisions.stations import set_deployment
from app.survey.decisions.undoing import undo_last
from app.survey.detections import results
from app.survey.detections.boxes import box
from app.survey.individuals import plausibility, rankings
from app.survey.individuals.travel_speeds import speed_of, speeds
from app.survey.media import events
from app.survey.tables.deployments import Deployment
from app.survey.tables.individuals import Sighting
from tests.support.catalogued import place, seen
from tests.support.surveys import LOCAL, add_media, everything, found

NORTH = 1 / 111.195  # degrees of latitude in a kilometre


def report(survey) -> plausibility.Report:
    with survey.read() as session:
        return plausibility.report(session)


def kinds(survey) -> list[str]:
    return [conflict.kind for conflict in report(survey).conflicts]


def regroup(survey) -> None:
    with survey.write() as session:
        events.regroup(session, list(session.scalars(sa.select(Deployment.id))), 60)


def two_stations(survey, kilometres: float, minutes: float) -> None:
    seen(survey, "A", "Ridge", 0)
    seen(survey, "A", "Valley", minutes)
    place(survey, "Ridge", 0.0, 0.0)
    place(survey, "Valley", kilometres * NORTH, 0.0)


@pytest.mark.parametrize(
    ("kilometres", "minutes", "expected"),
    [(20, 60, ["too fast"]), (9, 60, []), (20, 180, []), (5, 1, ["at once"]), (0.05, 1, []), (20, 120, ["too fast"])],
)
def test_a_journey_is_a_conflict_when_it_is_faster_than_the_limit(survey, kilometres, minutes, expected):
    two_stations(survey, kilometres, minutes)
    if minutes == 120:
        with survey.write() as session:
            set_speed_limit(session, "ana", "", 9.0, "our own")
    assert kinds(survey) == expected


def test_a_conflict_carries_its_figures(survey):
    two_stations(survey, 30, 60)
    (conflict,) = report(survey).conflicts
    assert conflict.kilometres == pytest.approx(30, rel=1e-3)
    assert (conflict.hours, conflict.limit.kmh) == (1.0, 10.0)
    assert conflict.kmh == pytest.approx(30, rel=1e-3)


def test_the_limit_is_that_of_the_species_with_its_source_until_a_person_sets_another(survey):
    two_stations(survey, 8, 60)
    assert kinds(survey) == []
    with survey.write() as session:
        catalogue.describe(session, "ana", 1, species="Panthera tigris")
    assert kinds(survey) == ["too fast"]
    with survey.read() as session:
        assert "Sunquist" in speed_of("Panthera tigris ", speeds(session)).source
    with survey.write() as session:
        set_speed_limit(session, "ana", "Panthera Tigris", 9.0, "our collared male, 2023")
    assert kinds(survey) == []
    with survey.write() as session:
        undo_last(session, "ana", PLAUSIBILITY.words)
    assert kinds(survey) == ["too fast"]


@pytest.mark.parametrize(("kmh", "reason"), [(0, "x"), (500, "x"), (5, "  ")])
def test_a_limit_without_source_or_sense_is_refused(survey, kmh, reason):
    with pytest.raises(BadDecision), survey.write() as session:
        set_speed_limit(session, "ana", "tiger", kmh, reason)


def test_stations_without_coordinates_are_told_and_only_the_same_moment_is_a_conflict(survey):
    seen(survey, "A", "Ridge", 0)
    seen(survey, "A", "Valley", 1)
    seen(survey, "A", "Ford", 60)
    seen(survey, "A", "Ford", None)
    reported = report(survey)
    assert [(conflict.kind, conflict.kilometres) for conflict in reported.conflicts] == [("at once", None)]
    assert reported.unplaced_stations == ["Ford", "Ridge", "Valley"]
    assert (reported.without_time, reported.without_station) == (1, 0)


def test_a_station_without_coordinates_in_between_does_not_hide_a_journey(survey):
    seen(survey, "A", "Ridge", 0)
    seen(survey, "A", "Ford", 30)
    seen(survey, "A", "Valley", 60)
    place(survey, "Ridge", 0.0, 0.0)
    place(survey, "Valley", 50 * NORTH, 0.0)
    assert kinds(survey) == ["too fast"]


def test_two_cameras_that_fire_in_turn_are_one_conflict(survey):
    for burst in range(4):
        seen(survey, "A", "Ridge", burst / 10)
        seen(survey, "A", "Valley", burst / 10 + 0.05)
    place(survey, "Ridge", 0.0, 0.0)
    place(survey, "Valley", 5 * NORTH, 0.0)
    regroup(survey)
    assert kinds(survey) == ["at once"]


def test_two_crops_of_one_image_are_a_conflict_until_one_is_split_off(survey):
    _, (first, second) = add_media(survey, [found(), found(x=0.6)])
    with survey.write() as session:
        identity.new_individual(session, "ana", first, name="A")
        session.add(Sighting(detection_id=second, individual_id=1, who="ana"))
    assert kinds(survey) == ["one picture"]
    with survey.write() as session:
        catalogue.split(session, "ana", 1, [second])
    assert kinds(survey) == []


def test_an_animal_boxed_twice_keeps_one_box_and_undo_brings_the_other_back(survey):
    _, (first, second) = add_media(survey, [found(), found(x=0.25)])
    with survey.write() as session:
        identity.new_individual(session, "ana", first, name="A")
        session.add(Sighting(detection_id=second, individual_id=1, who="ana"))
    before = everything(survey)
    with survey.write() as session:
        drop_second_box(session, "ana", second)
    assert kinds(survey) == []
    with survey.read() as session:
        assert box(session, second).verdict == "rejected"
        assert box(session, second).individual is None
    with survey.write() as session:
        undo_last(session, "ana", PLAUSIBILITY.words)
    assert everything(survey) == before


def test_decided_pairs_that_contradict_the_catalogue_are_listed(survey):
    first, second = (seen(survey, name, "Ridge", 600.0 * n) for n, name in enumerate(("A", "B")))
    with survey.write() as session:
        identity.say_pair(session, "ben", first, second, "different")
        catalogue.merge(session, "ana", 1, 2)
    assert kinds(survey) == ["said different"]
    with survey.write() as session:
        undo_last(session, "ana", (*CATALOGUE.words, *TAKING_OUT.words))
    assert kinds(survey) == []


def test_a_same_pair_torn_apart_by_a_split_is_listed(survey):
    first = seen(survey, "A", "Ridge", 0)
    _, (second,) = add_media(survey, [found()], folder="Ridge", minutes=600)
    with survey.write() as session:
        identity.say_same(session, "ana", second, first)
        catalogue.split(session, "ana", 1, [second])
    assert kinds(survey) == ["said same"]


def test_stored_match_figures_for_somebody_else_on_the_same_flank_are_listed(survey):
    mine, own = seen(survey, "A", "Ridge", 0), seen(survey, "A", "Ridge", 600)
    other, wrong_side = seen(survey, "B", "Ridge", 1200), seen(survey, "C", "Ridge", 1800, flank="right")

    def rank(best: int, score: float, matches: int) -> None:
        crops = [(best, score, matches), (own, 0.05, 3)]
        with survey.write() as session:
            version = results.model_version(session, "local features", LOCAL)
            candidates = [{"crop_id": crop, "score": likeness, "matches": many} for crop, likeness, many in crops]
            rankings.store_ranking(
                session, mine, version.id, rankings.Scope(), stamp="", gallery_size=4, in_scope=4,
                known_probability=None, candidates=candidates,
            )  # fmt: skip

    rank(other, 0.4, 30)
    (conflict,) = report(survey).conflicts
    assert (conflict.kind, conflict.first.detection_id, conflict.second.detection_id) == ("match figures", mine, other)
    for best, score, matches in ((wrong_side, 0.4, 30), (other, 0.1, 30), (other, 0.4, 5)):
        rank(best, score, matches)
        assert kinds(survey) == []


def test_an_accepted_conflict_does_not_come_back_with_another_image_of_the_same_events(survey):
    two_stations(survey, 5, 0.5)
    regroup(survey)
    (conflict,) = report(survey).conflicts
    with survey.write() as session:
        accept_conflict(session, "ana", conflict.kind, *conflict.pair, "The cameras see one path")
    seen(survey, "A", "Valley", 0.2)
    regroup(survey)
    assert (kinds(survey), report(survey).accepted) == ([], 1)
    seen(survey, "A", "Valley", 3000)
    seen(survey, "A", "Ridge", 3000.5)
    regroup(survey)
    assert kinds(survey) == ["at once"]


def test_accepting_is_a_decision_with_a_reason_and_an_undo(survey):
    two_stations(survey, 30, 60)
    (conflict,) = report(survey).conflicts
    before = everything(survey)
    with pytest.raises(BadDecision, match="Say why"), survey.write() as session:
        accept_conflict(session, "ana", conflict.kind, *conflict.pair, "  ")
    with survey.write() as session:
        accept_conflict(session, "ana", conflict.kind, *conflict.pair, "It was carried")
    assert kinds(survey) == []
    with survey.write() as session:
        undo_last(session, "ana", PLAUSIBILITY.words)
    assert everything(survey) == before
    assert kinds(survey) == ["too fast"]


def test_correcting_the_clock_of_a_deployment_solves_the_conflict(survey):
    two_stations(survey, 30, 60)
    with survey.write() as session:
        set_deployment(session, "ana", 2, clock_offset_seconds=5 * 3600)
    assert kinds(survey) == []


def test_a_split_solves_it_and_undo_brings_it_back(survey):
    two_stations(survey, 30, 60)
    with survey.write() as session:
        catalogue.split(session, "ana", 1, [2])
    assert kinds(survey) == []
    with survey.write() as session:
        undo_last(session, "ana", (*CATALOGUE.words, *TAKING_OUT.words))
    assert kinds(survey) == ["too fast"]
