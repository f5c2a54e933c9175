"""The catalogue: every decision about an individual has one clear outcome and is undone without a trace."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.survey.database import Survey
from app.survey.decisions import catalogue, identity
from app.survey.decisions.contradictions import Contradiction
from app.survey.decisions.kinds import CATALOGUE, IDENTITY, TAKING_OUT
from app.survey.decisions.refusals import BadDecision, DecisionConflict
from app.survey.decisions.stations import set_deployment
from app.survey.decisions.undoing import undo_last, undo_one
from app.survey.individuals import catalogue as catalogue_entries
from app.survey.individuals.catalogue import Order
from app.survey.individuals.naming import next_name
from app.survey.individuals.previews import merge_preview, split_preview
from app.survey.individuals.sightings import best_crops, movements, neighbours, sightings
from app.survey.media import events
from app.survey.media.stations import deployment_views
from app.survey.tables.decisions import Decision
from app.survey.tables.individuals import Individual, Sighting
from tests.support.catalogued import number, place, seen
from tests.support.surveys import copy_of, everything, file_of

OF_CATALOGUE = (*CATALOGUE.words, *TAKING_OUT.words)
KINDS = (*IDENTITY.words, *OF_CATALOGUE, "deployment")
STEPS = st.lists(st.tuples(st.sampled_from("mmsssrdwuu"), st.integers(0, 4), st.integers(0, 4)), max_size=18)


def owners(survey: Survey) -> dict[int, int]:
    with survey.read() as session:
        return {row.detection_id: row.individual_id for row in session.scalars(sa.select(Sighting))}


def step(session: sa.orm.Session, what: str, first: int, second: int) -> None:
    """One decision as a person could ask for it; what cannot be done raises and changes nothing."""
    if what == "m":
        catalogue.merge(session, "ana", first + 1, second + 1)
    elif what == "s":
        mine = [sighting.detection_id for sighting in sightings(session, first + 1)]
        catalogue.split(session, "ana", first + 1, mine[: second % 3])
    elif what == "r":
        catalogue.rename(session, "ana", first + 1, f"Name {second}")
    elif what == "d":
        catalogue.describe(session, "ana", first + 1, sex=["female", "male"][second % 2], notes=f"seen {second}")
    elif what == "w":
        mine = [sighting.detection_id for sighting in sightings(session, first + 1)]
        if mine:
            catalogue.take_out(session, "ana", mine[second % len(mine)])


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four individuals with three sightings each; crops 1 and 4, of two of them, were said to be different."""

    def fill(survey: Survey) -> None:
        for animal in range(4):
            for event in range(3):
                seen(survey, f"Animal {animal}", f"Ridge {event}", 700.0 * event + 90 * animal)
        with survey.write() as session:
            identity.say_pair(session, "ben", 1, 4, "different")

    return file_of(tmp_path_factory.mktemp("catalogue"), fill)


def steps_of(text: str) -> list[tuple[str, int, int]]:
    return [(what, int(first), int(second)) for what, first, second in map(str.split, text.split(", "))]


@given(steps=STEPS)
@example(steps_of("m 1 0, s 1 2, s 3 1, r 2 2, u 2 4, d 3 3, d 2 0, r 1 2, m 2 4, d 1 1, s 3 1, u 3 3, w 0 0"))
@example(steps_of("m 1 0, s 1 2, u 0 0"))
@settings(max_examples=40)
def test_any_sequence_of_decisions_is_undone_row_by_row(filled, steps):
    with copy_of(filled) as survey:
        states = [everything(survey)]
        for what, first, second in steps:
            before = everything(survey)
            try:
                with survey.write() as session:
                    if what == "u":
                        undone = undo_last(session, "ana", OF_CATALOGUE) if len(states) > 1 else None
                    else:
                        step(session, what, first, second)
            except (BadDecision, Contradiction):
                assert everything(survey) == before
                continue
            if what == "u":
                if undone is not None:
                    states.pop()
                    assert everything(survey) == states[-1]
            elif everything(survey) != before:
                states.append(everything(survey))
            with survey.read() as session:
                names = list(session.scalars(sa.select(sa.func.lower(Individual.name))))
            assert len(names) == len(set(names))
        for expected in reversed(states[:-1]):
            with survey.write() as session:
                undo_last(session, "ana", OF_CATALOGUE)
            assert everything(survey) == expected


def test_a_name_given_up_by_a_rename_is_never_given_again(survey):
    seen(survey, "T-001", "Ridge", 0)
    other = seen(survey, "Olga", "Ridge", 90)
    with survey.write() as session:
        catalogue.rename(session, "ana", 1, "Machli")
        assert next_name(session) == "T-002"
        with pytest.raises(BadDecision, match="never used twice"):
            catalogue.rename(session, "ana", 2, "t-001")
    with survey.read() as session:
        assert list(catalogue_entries.names(session).values()) == ["Machli", "Olga"]
        assert catalogue_entries.merged_into(session, 3).name == "Machli"
        assert [entry.name for entry in catalogue_entries.entries(session, "T-001")] == ["Machli"]
    assert owners(survey)[other] == 2


def test_a_rename_that_only_changes_capitals_leaves_no_second_row(survey):
    seen(survey, "machli", "Ridge", 0)
    with survey.write() as session:
        catalogue.rename(session, "ana", 1, "Machli")
        assert session.scalar(sa.select(sa.func.count(Individual.id))) == 1
        with pytest.raises(BadDecision, match="called Machli already"):
            catalogue.rename(session, "ana", 1, " Machli ")


def test_a_merge_in_a_loop_of_three_is_refused_with_the_remedy(survey):
    for name in ("A", "B", "C"):
        seen(survey, name, "Ridge", 0)
    with survey.write() as session:
        catalogue.merge(session, "ana", 2, 1)
        catalogue.merge(session, "ana", 3, 2)
    before = everything(survey)
    with pytest.raises(Contradiction, match="Undo that merge first"), survey.write() as session:
        catalogue.merge(session, "ana", 1, 3)
    assert everything(survey) == before
    with survey.read() as session:
        assert catalogue_entries.merged_into(session, 1).name == "C"


def test_a_card_opened_before_somebody_else_changed_it_overwrites_nothing(survey):
    seen(survey, "A", "Ridge", 0)
    shown = {"sex": None, "notes": None}
    with survey.write() as session:
        catalogue.describe(session, "ana", 1, seen=shown, sex="female")
    with pytest.raises(Contradiction, match="Somebody set sex of A to female"), survey.write() as session:
        catalogue.describe(session, "ben", 1, seen=shown, sex="male")
    with survey.write() as session:
        catalogue.describe(session, "ben", 1, seen=shown, notes="collared")
    with survey.read() as session:
        card = catalogue_entries.individual(session, 1)
        assert (card.sex, card.notes) == ("female", "collared")


@pytest.mark.parametrize("values", [{"sex": "hermaphrodite"}, {"colour": "orange"}, {"sex": "unknown"}])
def test_a_description_that_cannot_be_or_changes_nothing_is_refused(survey, values):
    seen(survey, "A", "Ridge", 0)
    with pytest.raises(BadDecision), survey.write() as session:
        catalogue.describe(session, "ana", 1, **values)


def test_two_reviewers_who_merge_and_split_at_once_leave_one_clear_outcome_each(survey):
    for name in ("A", "B", "C"):
        for event in range(2):
            seen(survey, name, f"Ridge {event}", 600.0 * event)
    asked = [lambda s: catalogue.merge(s, "ana", 1, 2), lambda s: catalogue.merge(s, "ben", 3, 2)] * 4
    asked += [lambda s: catalogue.split(s, "cyd", 2, [3])] * 4
    outcomes: list[str] = []

    def run(action):
        try:
            with survey.write() as session:
                action(session)
            outcomes.append("done")
        except (BadDecision, Contradiction) as told:
            outcomes.append(type(told).__name__)

    threads = [threading.Thread(target=run, args=(action,)) for action in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == len(asked)
    assert outcomes.count("done") in (1, 2)
    with survey.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Sighting)) == 6
        done = session.scalar(sa.select(sa.func.count(Decision.id)).where(Decision.kind.in_(OF_CATALOGUE)))
        assert done == outcomes.count("done")


def test_a_decision_in_the_middle_of_the_history_is_taken_back_or_says_what_stands_on_it(survey):
    first = seen(survey, "A", "Ridge 0", 0)
    second = seen(survey, "A", "Ridge 1", 900)
    with survey.write() as session:
        sex = catalogue.describe(session, "ana", 1, sex="female").id
        split = catalogue.split(session, "ana", 1, [second]).id
        catalogue.take_out(session, "ana", second)
    with pytest.raises(DecisionConflict, match="newer"), survey.write() as session:
        undo_one(session, split, "ben")
    with survey.write() as session:
        undo_one(session, sex, "ben")
    with survey.read() as session:
        assert catalogue_entries.individual(session, 1).sex is None
        kinds = [(entry.kind, entry.undone_by) for entry in catalogue_entries.history(session, 1)]
    assert ("describe", "ben") in kinds
    assert owners(survey) == {first: 1}


def test_the_history_of_a_split_off_individual_begins_with_the_split(survey):
    for event in range(2):
        seen(survey, "A", f"Ridge {event}", 600.0 * event)
    with survey.write() as session:
        catalogue.split(session, "ana", 1, [2])
        catalogue.merge(session, "ana", 2, 1)
    with survey.read() as session:
        assert [entry.kind for entry in catalogue_entries.history(session, 2)][:2] == ["merge", "split"]


def test_crops_somebody_moved_meanwhile_are_not_split_or_taken_out(survey):
    for event in range(3):
        seen(survey, "A", f"Ridge {event}", 600.0 * event)
    with survey.write() as session:
        catalogue.split(session, "ben", 1, [2])
    with pytest.raises(BadDecision, match="do not belong to A any more"), survey.write() as session:
        catalogue.split(session, "ana", 1, [2])
    with pytest.raises(Contradiction, match="another individual"), survey.write() as session:
        catalogue.take_out(session, "ana", 2, individual_id=1)


def test_a_merge_preview_counts_what_moves_and_what_speaks_against_it(survey):
    seen(survey, "A", "Ridge", 0)
    seen(survey, "B", "Valley", 10)
    seen(survey, "B", "Valley", 2000)
    place(survey, "Ridge", 0.0, 0.0)
    place(survey, "Valley", 0.5, 0.0)
    with survey.write() as session:
        identity.say_pair(session, "ben", 1, 3, "different")
    with survey.read() as session:
        preview = merge_preview(session, 1, 2)
        assert (preview.moved.sightings, preview.rest.sightings, preview.contradicted) == (2, 1, 1)
        assert [conflict.kind for conflict in preview.conflicts] == ["too fast"]
        assert split_preview(session, 2, [2]).rest.sightings == 1


def test_entries_count_sightings_and_stations_and_sort(survey):
    for event in range(3):
        seen(survey, "B", f"Ridge {event % 2}", 600.0 * event)
    seen(survey, "A", "Ridge 0", None)
    with survey.read() as session:
        listed = catalogue_entries.entries(session)
        assert [(entry.name, entry.sightings, entry.stations) for entry in listed] == [("A", 1, 1), ("B", 3, 2)]
        assert listed[0].first_seen is None
        assert [entry.name for entry in catalogue_entries.entries(session, order=Order.SIGHTINGS)] == ["B", "A"]
        assert [entry.name for entry in catalogue_entries.entries(session, "b")] == ["B"]


def test_a_corrected_clock_shifts_sightings_and_first_seen_and_is_undone(survey):
    seen(survey, "A", "Ridge", 0)
    deployment = place(survey, "Ridge", 10.0, 10.0)
    with survey.write() as session:
        events.regroup(session, [deployment], 60)
    with survey.read() as session:
        before = sightings(session, 1)[0].taken_at
    state = everything(survey)
    with survey.write() as session:
        set_deployment(session, "ana", deployment, clock_offset_seconds=3600)
    with survey.read() as session:
        assert (sightings(session, 1)[0].taken_at - before).total_seconds() == 3600
        assert (catalogue_entries.entry(session, 1).first_seen - before).total_seconds() == 3600
    with survey.write() as session:
        undo_last(session, "ana", KINDS)
    assert everything(survey) == state


@pytest.mark.parametrize(
    "values",
    [
        {"latitude": 91.0, "longitude": 0.0},
        {"latitude": 10.0},
        {"first_day": "2024-03-31", "last_day": "2024-03-01"},
        {"first_day": "31.3.2024", "last_day": "2024-04-01"},
        {"broken_from": "2024-03-01"},
    ],
)
def test_what_cannot_be_about_a_deployment_is_refused_in_words(survey, values):
    seen(survey, "A", "Ridge", 0)
    before = everything(survey)
    with pytest.raises(BadDecision, match="Ridge"), survey.write() as session:
        set_deployment(session, "ana", 1, **values)
    assert everything(survey) == before


def test_neighbours_are_those_seen_at_the_same_station_within_the_hours(survey):
    seen(survey, "A", "Ridge", 0)
    seen(survey, "B", "Ridge", 120)
    seen(survey, "C", "Ridge", 60 * 30)
    seen(survey, "D", "Valley", 30)
    with survey.read() as session:
        mine = sightings(session, number(survey, "A"))
        near = neighbours(session, mine, 6)
        assert [(neighbour.name, neighbour.times, neighbour.stations) for neighbour in near] == [("B", 1, ("Ridge",))]
        assert near[0].closest.total_seconds() == 7200
        assert {neighbour.name for neighbour in neighbours(session, mine, 48)} == {"B", "C"}


def test_neighbours_use_corrected_clocks(survey):
    seen(survey, "A", "Ridge", 0)
    seen(survey, "B", "Ridge/b", 600)
    with survey.write() as session:
        session.execute(sa.text("update deployment set station='Ridge'"))
        second = session.scalar(sa.text("select id from deployment where name='Ridge/b'"))
        set_deployment(session, "ana", second, clock_offset_seconds=-600 * 60)
    with survey.read() as session:
        (near,) = neighbours(session, sightings(session, 1), 1)
    assert near.closest.total_seconds() == 0


def test_movements_know_distance_only_between_stations_with_coordinates(survey):
    for event, station in enumerate(("Ridge", "Ridge", "Valley", "Ford")):
        seen(survey, "A", station, 600.0 * event)
    place(survey, "Ridge", 0.0, 0.0)
    place(survey, "Valley", 0.0, 0.1)
    with survey.read() as session:
        moves = movements(sightings(session, 1), deployment_views(session))
    assert [(move.left.station, move.arrived.station) for move in moves] == [("Ridge", "Valley"), ("Valley", "Ford")]
    assert moves[0].kilometres == pytest.approx(11.1195, rel=1e-4)
    assert moves[0].hours == pytest.approx(10.0)
    assert moves[1].kilometres is None


def test_best_crops_show_one_of_each_event_before_a_second(survey):
    for minutes in (0, 1 / 60, 2 / 60, 900):
        seen(survey, "A", "Ridge", minutes)
    with survey.write() as session:
        events.regroup(session, [1], 60)
    with survey.read() as session:
        best = best_crops(sightings(session, 1), each=2)
    assert list(best) == ["left"]
    assert len({crop.unit for crop in best["left"]}) == 2
