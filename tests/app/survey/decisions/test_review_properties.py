"""Whatever people decide, in whatever order: undoing it leaves every row as it was, and redoing brings it back."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from app.survey.database import Survey
from app.survey.decisions import boxes as review
from app.survey.decisions import catalogue, history, identity, many_boxes, species, undoing
from app.survey.decisions.contradictions import Contradiction
from app.survey.decisions.history import HistoryFilter
from app.survey.decisions.kinds import BOXES, CATALOGUE, IDENTITY, SPECIES, TAKING_OUT, TRIALS
from app.survey.decisions.kinds import PEOPLE as PEOPLE_SHOWN
from app.survey.decisions.refusals import BadDecision, DecisionConflict
from app.survey.decisions.trials import let_stand
from app.survey.decisions.undoing import undo_last
from app.survey.detections import results
from app.survey.detections.features import feature_version
from app.survey.individuals import rankings
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import Detection
from app.survey.tables.individuals import Individual
from app.survey.tables.media import Media, Stage
from app.survey.tables.species import SpeciesHint
from app.survey.trials import trials
from modal_backend.contracts import Box, Category, Provenance
from modal_backend.models.species.hints import VERSION
from modal_backend.registry import CLOSER, LOCAL
from tests.support.surveys import add_media, copy_of, describe, file_of, found
from tests.support.surveys import everything as rows

REFUSED = (BadDecision, Contradiction, DecisionConflict)
PEOPLE = ("ana", "ben")
KINDS = (
    *BOXES.words,
    *PEOPLE_SHOWN.words,
    *IDENTITY.words,
    *CATALOGUE.words,
    *TAKING_OUT.words,
    *SPECIES.words,
    *TRIALS.words,
)
TRIED = Provenance("embedded", CLOSER, "test", "1" * 64, "test")
Act = Callable[[Session, str, random.Random], object]


def everything(survey: Survey) -> dict[str, list[str]]:
    """All rows that decisions touch and what waits in Identify, once the jobs that are due have left images ready."""
    with survey.write() as session:
        session.execute(sa.update(Media).where(Media.stage == Stage.DETECTED).values(stage=Stage.READY))
        waiting = rankings.waiting(session, feature_version(session, LOCAL))
    return {**rows(survey), "waiting": [str(crop) for crop in waiting]}


def media(session: Session, dice: random.Random) -> int:
    return dice.choice(session.scalars(sa.select(Media.id)).all())


def several(session: Session, dice: random.Random) -> list[int]:
    ids = session.scalars(sa.select(Media.id)).all()
    return dice.sample(ids, dice.randint(1, len(ids)))


def box(session: Session, dice: random.Random) -> int:
    return dice.choice(session.scalars(sa.select(Detection.id)).all())


def somebody(session: Session, dice: random.Random) -> int:
    return dice.choice(session.scalars(sa.select(Individual.id)).all() or [0])


def place(dice: random.Random) -> Box:
    return Box(dice.uniform(0, 0.6), dice.uniform(0, 0.6), dice.uniform(0.1, 0.4), dice.uniform(0.1, 0.4))


def category(dice: random.Random) -> str:
    return dice.choice(list(Category))


ACTS: list[Act] = [
    lambda s, who, d: review.accept_media(s, who, media(s, d), d.random()),
    lambda s, who, d: review.judge_media(s, who, media(s, d), d.choice(["blank", "unsure"])),
    lambda s, who, d: review.correct_box(s, who, box(s, d), verdict=d.choice(["rejected", None])),
    lambda s, who, d: review.correct_box(s, who, box(s, d), category=category(d)),
    lambda s, who, d: review.correct_box(s, who, box(s, d), species=d.choice(["Sus scrofa", "Axis axis", ""])),
    lambda s, who, d: review.correct_box(s, who, box(s, d), box=place(d)),
    lambda s, who, d: review.draw_box(s, who, media(s, d), place(d), category(d)),
    lambda s, who, d: many_boxes.judge_all(
        s, who, several(s, d), d.choice(["accepted", "blank", "unsure"]), d.random()
    ),
    lambda s, who, d: many_boxes.label_all(s, who, several(s, d), d.random(), species="Bubo bubo"),
    lambda s, who, d: many_boxes.label_all(s, who, several(s, d), d.random(), category=category(d)),
    lambda s, who, d: many_boxes.whole_pictures(s, who, several(s, d)),
    lambda s, who, d: many_boxes.take_hints(s, who, several(s, d), d.random()),
    lambda s, who, d: identity.new_individual(s, who, box(s, d)),
    lambda s, who, d: identity.say_same(s, who, box(s, d), box(s, d)),
    lambda s, who, d: identity.say_same(s, who, box(s, d), box(s, d), together=[box(s, d)]),
    lambda s, who, d: identity.set_identity_state(s, who, box(s, d), "unsure", together=[box(s, d)]),
    lambda s, who, d: identity.say_pair(s, who, box(s, d), box(s, d), "different"),
    lambda s, who, d: identity.set_flank(s, who, box(s, d), d.choice(["left", "right"])),
    lambda s, who, d: identity.set_identity_state(s, who, box(s, d), d.choice(["unsure", "unidentifiable"])),
    lambda s, who, d: catalogue.merge(s, who, somebody(s, d), somebody(s, d)),
    lambda s, who, d: catalogue.take_out(s, who, box(s, d)),
    lambda s, who, d: species.add_label(s, who, d.choice(["Bubo bubo", "Lutra lutra"])),
    lambda s, who, d: species.remove_label(s, who, d.choice(["Panthera leo", "Bubo bubo"])),
    lambda s, who, d: many_boxes.reject_repeated(s, who, [box(s, d), box(s, d)]),
    lambda s, who, d: review.show_people(s, who, media(s, d), d.choice([True, False])),
    lambda s, who, _d: let_stand(s, who, 1),
]


def play(survey: Survey, acts: list[int], seed: int, people: tuple[str, ...] = PEOPLE) -> list[dict]:
    """Decide in this order; returns the state before each decision that was made."""
    dice, states = random.Random(seed), []
    for number, act in enumerate(acts):
        before = everything(survey)
        try:
            with survey.write() as session:
                ACTS[act](session, people[number % len(people)], dice)
                made = session.scalar(sa.select(sa.func.count()).select_from(Decision))
        except REFUSED:
            assert everything(survey) == before
            continue
        if made > len(states):
            states.append(before)
    return states


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four media: two animals, one, nothing, a person. A detector on trial finds something else on three of them."""

    def fill(survey: Survey) -> None:
        person = found(0.7, category=Category.PERSON)
        for number, boxes in enumerate([[found(0.8), found(0.3, x=0.6)], [found(0.6)], [], [person]]):
            add_media(survey, boxes, minutes=number)
        with survey.write() as session:
            animals = session.scalars(sa.select(Detection.id).where(Detection.category == Category.ANIMAL)).all()
            session.add_all(
                SpeciesHint(detection_id=id, feature_id=id, version=VERSION, name="fox", score=0.9) for id in animals
            )
            trial = trials.start(session, "ana", CLOSER, 50, all_images=True).id
            version = results.model_version(session, "detect", TRIED, 0.5)
            for media_id, boxes in enumerate([[found(0.7, x=0.5)], [], [found(0.9)]], start=1):
                trials.keep(session, trial, media_id, version, None, boxes)
        for animal in animals:
            describe(survey, animal, animal)

    return file_of(tmp_path_factory.mktemp("four"), fill)


orders = st.lists(st.integers(0, len(ACTS) - 1), min_size=1, max_size=12)


@settings(max_examples=25)
@given(acts=orders, seed=st.integers(0, 10_000))
def test_undoing_all_decisions_newest_first_passes_every_state_on_the_way_back(four, acts, seed):
    with copy_of(four) as survey:
        states = play(survey, acts, seed)
        for expected in reversed(states):
            with survey.write() as session:
                newest = session.scalar(sa.select(sa.func.max(Decision.id)).where(Decision.undone_at.is_(None)))
                undoing.undo_one(session, newest, "ana")
            assert everything(survey) == expected


@settings(max_examples=25)
@given(acts=orders, seed=st.integers(0, 10_000))
def test_redoing_everything_after_undoing_everything_is_where_it_was(four, acts, seed):
    with copy_of(four) as survey:
        count = len(play(survey, acts, seed, ("ana",)))
        decided = everything(survey)
        for _ in range(count):
            with survey.write() as session:
                assert undo_last(session, "ana", KINDS)
        for number in range(count):
            with survey.write() as session:
                assert undoing.redo_last(session, "ana", KINDS, f"{seed}-{number}")
        assert everything(survey) == decided
        with survey.write() as session:
            assert undoing.redo_last(session, "ana", KINDS, f"{seed}-more") is None


def every_standing(survey: Survey, dice: random.Random) -> list[int]:
    with survey.read() as session:
        standing = [entry.id for entry in history.entries(session, HistoryFilter(standing=True))]
    dice.shuffle(standing)
    return standing


@settings(max_examples=25)
@given(acts=orders, seed=st.integers(0, 10_000))
@example(acts=[0, 4, 2, 3, 2, 0], seed=522)
def test_undo_in_any_order_is_refused_or_done_and_in_the_end_nothing_is_left(four, acts, seed):
    with copy_of(four) as survey:
        before = everything(survey)
        play(survey, acts, seed)
        while standing := every_standing(survey, random.Random(seed)):
            undone = 0
            for number in standing:
                held = everything(survey)
                try:
                    with survey.write() as session:
                        undoing.undo_one(session, number, "ben")
                    undone += 1
                except DecisionConflict:
                    assert everything(survey) == held
            assert undone, "none of the decisions that stand can be undone"
        assert everything(survey) == before


def test_undo_back_to_takes_ones_own_decisions_back_and_leaves_those_of_others(four):
    with copy_of(four) as survey:
        with survey.read() as session:
            ids = session.scalars(sa.select(Media.id)).all()
        with survey.write() as session:
            first = review.judge_media(session, "ana", ids[0], "unsure")
            review.judge_media(session, "ben", ids[1], "unsure")
            review.judge_media(session, "ana", ids[2], "blank")
        with survey.write() as session:
            assert len(undoing.undo_back_to(session, first.id, "ana")) == 2
        with survey.read() as session:
            standing = history.entries(session, HistoryFilter(standing=True))
        assert [(entry.who, entry.kind) for entry in standing] == [("ben", "unsure")]
