"""What scores mean: start values, fits to decisions, what is told before there are enough of them."""

from __future__ import annotations

import numpy as np
import pytest
import sqlalchemy as sa

from app.matching import calibrate
from app.matching.trust import calibration_state
from app.survey.database import Survey
from app.survey.decisions import identity
from app.survey.decisions.kinds import IDENTITY
from app.survey.decisions.undoing import undo_last
from app.survey.individuals import calibrations
from app.survey.individuals.calibrations import SCALE
from app.survey.tables.models import Calibration as Stored
from modal_backend.models.probability import calibration_fit
from modal_backend.models.probability.calibration import (
    FUSED,
    FUSED_MATCHED_COARSE,
    PARTS,
    Calibration,
    fuse,
    fusion_weight,
    sigmoid,
    stand_out,
    start,
    start_values,
)
from modal_backend.models.probability.calibration_fit import fit
from modal_backend.registry import EMBEDDING, LOCAL, LOCAL_FINE, MATCH_FEATURES
from tests.support.surveys import add_media, found

SCORES = {LOCAL: np.geomspace(0.1, 1e5, 200), EMBEDDING: np.linspace(0, 0.9999, 200), FUSED: np.linspace(-9, 9, 200)}


@pytest.mark.parametrize("model", [LOCAL, EMBEDDING, FUSED])
def test_start_curves_rise_and_never_say_never(model: str):
    probability = start(model).probability(SCORES[model])
    assert (np.diff(probability) >= 0).all()
    assert 0 < probability[0] < 0.05
    assert 0.95 < probability[-1] < 1
    odds = start(model).log_odds(SCORES[model])
    assert len(np.unique(odds)) > 100


def test_every_profile_has_start_values_with_their_source():
    assert set(start_values()["models"]) == {LOCAL, LOCAL_FINE, EMBEDDING, MATCH_FEATURES, *PARTS}
    assert "Amur tigers" in start_values()["source"]


def test_a_curve_survives_being_stored():
    curve = start(LOCAL)
    again = Calibration.from_json(LOCAL, curve.as_json())
    assert again.probability(SCORES[LOCAL]) == pytest.approx(curve.probability(SCORES[LOCAL]), abs=1e-3)


def test_fusion_is_the_weighted_mean_of_log_odds_and_leaves_one_model_alone():
    even = {LOCAL: 1.0, EMBEDDING: 1.0}
    assert fuse({LOCAL: np.array([2.0]), EMBEDDING: np.array([-1.0])}, even) == pytest.approx([0.5])
    assert fuse({LOCAL: np.array([2.0]), EMBEDDING: np.array([-1.0])}, {**even, LOCAL: 2.0}) == pytest.approx([1.0])
    assert fuse({LOCAL: np.array([2.0])}, even) == pytest.approx([2.0])
    silent = {LOCAL: np.array([2.0, 1.0]), EMBEDDING: np.array([np.nan, 3.0])}
    assert fuse(silent, even) == pytest.approx([2.0, 2.0])


def test_a_query_that_resembles_everybody_says_less_about_each_of_them():
    named = np.ones(13, bool)
    clear, vague = np.array([2.0, *[-5.0] * 12]), np.array([2.0, *[1.0] * 12])
    assert stand_out(clear, named)[0] > 2.0 > stand_out(vague, named)[0]
    alone = stand_out(np.array([2.0]), named[:1])
    assert alone == pytest.approx([2.0])
    mixed = np.random.default_rng(1).normal(-3, 2, 13)
    assert np.array_equal(np.argsort(stand_out(mixed, named)), np.argsort(mixed))
    nameless = stand_out(np.full(6, 2.0), np.zeros(6, bool))
    assert nameless == pytest.approx(np.full(6, 2.0))


def test_a_model_weighs_as_much_as_its_probabilities_tell_about_the_pairs():
    assert fusion_weight(0.09, 0.1) == fusion_weight(0.2, 0.1) == pytest.approx(0.2)  # no better than the base rate
    assert fusion_weight(0.045, 0.1) == pytest.approx(1.0)
    assert fusion_weight(0.018, 0.1) == pytest.approx(2.0)
    assert fusion_weight(0.0, 0.1) == pytest.approx(7.0)
    assert start(LOCAL_FINE).weight > start(LOCAL).weight > start(EMBEDDING).weight
    sharp, blurred = pairs(100, 5.0), pairs(100, 5.0)
    noise = np.random.default_rng(3).normal(0, 2, len(blurred[0]))
    blurred = (np.expm1(np.maximum(np.log1p(blurred[0]) + noise, 0)), *blurred[1:])
    weights = [fit(LOCAL, *examples, start(LOCAL)).curve.weight for examples in (sharp, blurred)]
    assert weights[0] > 1.3 * weights[1]
    kept = Calibration.from_json(LOCAL, fit(LOCAL, *sharp, start(LOCAL)).curve.as_json())
    assert kept.weight == pytest.approx(weights[0], abs=1e-3)
    assert Calibration.from_json(LOCAL, {"knots": [], "slope": 1.0, "bias": 0.0}).weight == start(LOCAL).weight


def pairs(queries: int, shift: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Raw scores of RAPID whose true log-odds are 3 (log(1 + score) - shift), ten candidates a query."""
    draw = np.random.default_rng(seed)
    at = draw.uniform(0, 8, 10 * queries)
    same = draw.random(len(at)) < sigmoid(3 * (at - shift))
    return np.expm1(at), same, np.repeat(np.arange(queries), 10)


def change(curve: Calibration) -> float:
    """The largest change of a probability against the start curve."""
    return float(np.abs(curve.probability(SCORES[LOCAL]) - start(LOCAL).probability(SCORES[LOCAL])).max())


def test_few_decisions_hardly_bend_the_curve_and_more_bend_it_more():
    changes = [change(fit(LOCAL, *pairs(queries, 6.0), start(LOCAL)).curve) for queries in (1, 4, 40, 400)]
    assert changes == sorted(changes)
    assert changes[0] < 0.02
    assert changes[2] > 0.1
    nothing = fit(LOCAL, np.zeros(0), np.zeros(0, bool), np.zeros(0, np.int64), start(LOCAL))
    assert nothing.curve == start(LOCAL)
    assert (nothing.kind, nothing.brier, nothing.reliability) == ("start", None, [])


@pytest.mark.parametrize("same", [True, False])
def test_pairs_of_one_kind_alone_say_nothing_about_shares(same: bool):
    scores, truth, queries = pairs(400, 6.0)
    found = fit(LOCAL, scores[truth == same], truth[truth == same], queries[truth == same], start(LOCAL))
    assert found.kind == "start"
    assert found.curve.log_odds(SCORES[LOCAL]) == pytest.approx(start(LOCAL).log_odds(SCORES[LOCAL]))


def test_pairs_that_were_never_in_doubt_leave_the_curve_where_it_is():
    scores, truth, queries = pairs(400, 5.0)
    easy = np.abs(start(LOCAL).log_odds(scores)) > 3
    truth = start(LOCAL).log_odds(scores) > 0
    assert change(fit(LOCAL, scores[easy], truth[easy], queries[easy], start(LOCAL)).curve) < 0.08


def test_a_pair_that_many_features_join_stays_likely_after_forty_decisions():
    """After 43 decisions a pair with 79 agreeing features showed .25, and a first candidate fell from .92 to .15."""
    decided = np.array([300.0] * 3 + [30.0] * 40)
    same = np.array([True] * 3 + [False] * 40)
    moved = fit(LOCAL, decided, same, np.arange(43), start(LOCAL)).curve
    sure = np.expm1(6.0)
    assert start(LOCAL).probability(sure) > 0.9
    assert moved.probability(sure) > 0.85


def test_a_curve_moved_by_decisions_still_rises():
    draw = np.random.default_rng(1)
    scores = np.expm1(draw.uniform(0, 8, 200))
    upside_down = draw.random(200) < 1 - start(LOCAL).probability(scores)
    curve = fit(LOCAL, scores, upside_down, np.arange(200), start(LOCAL)).curve
    assert (np.diff(curve.log_odds(SCORES[LOCAL])) >= 0).all()


def test_with_enough_decisions_the_curve_moves_to_them():
    scores, same, queries = pairs(400, 6.0)
    own = fit(LOCAL, scores, same, queries, start(LOCAL))
    assert own.kind == "updated"
    unseen, truth, _ = pairs(300, 6.0, seed=1)
    error = np.mean((own.curve.probability(unseen) - truth) ** 2)
    assert error < 0.8 * np.mean((start(LOCAL).probability(unseen) - truth) ** 2)
    assert own.brier == pytest.approx(error, rel=0.3)
    assert own.brier < own.brier_line


def test_a_model_without_a_start_curve_gets_one_from_enough_decisions():
    few = fit("megadescriptor", np.linspace(0, 0.9, 10), np.arange(10) > 5, np.arange(10), None)
    assert few is None
    scores = np.linspace(0.0, 0.9, 100)
    own = fit("megadescriptor", scores, scores > 0.5, np.arange(100), None)
    assert own.kind == "logistic"
    assert own.curve.probability(0.9) > 0.9 > 0.1 > own.curve.probability(0.1)


def test_where_the_start_values_are_right_they_are_kept_or_matched():
    draw = np.random.default_rng(3)
    scores = np.expm1(draw.uniform(0, 8, 600))
    same = draw.random(600) < start(LOCAL).probability(scores)
    kept = fit(LOCAL, scores, same, np.repeat(np.arange(60), 10), start(LOCAL))
    assert kept.brier <= np.mean((start(LOCAL).probability(scores) - same) ** 2)


def test_reliability_counts_every_pair_once():
    points = calibration_fit.reliability(np.array([0.05, 0.06, 0.95]), np.array([False, True, True]))
    assert points == [(pytest.approx(0.055), 0.5, 2), (0.95, 1.0, 1)]


def figures(score: float) -> dict[str, object]:
    """What the match view keeps with a decision."""
    models = {LOCAL: {"score": score, "probability": 0.5}, EMBEDDING: {"score": 0.5, "probability": 0.5}}
    return {
        "scale": SCALE,
        "model": FUSED,
        "score": 0.0,
        "models": {**models, FUSED: {"score": score / 100, "probability": 0.5}},
    }


def decide(survey: Survey, count: int) -> None:
    """Pairs said to be the same (high scores) and different (low ones) in turn."""
    with survey.read() as session:
        before = calibrations.decided_queries(session)
    for number in range(before, before + count):
        first, second = (add_media(survey, [found()], minutes=90.0 * number + half)[1][0] for half in (0, 30))
        with survey.write() as session:
            if number % 2:
                identity.say_same(session, "ana", first, second, view=figures(300.0 + number))
            else:
                identity.say_pair(session, "ana", first, second, "different", view=figures(20.0 + number))


def test_decided_pairs_carry_the_figures_they_were_decided_with(survey: Survey):
    decide(survey, 2)
    with survey.read() as session:
        assert [(pair.score, pair.same) for pair in calibrations.decided_pairs(session, LOCAL)] == [
            (20.0, False),
            (301.0, True),
        ]
        assert [pair.score for pair in calibrations.decided_pairs(session, FUSED)] == [0.2, 3.01]
    with survey.write() as session:
        undo_last(session, "ana", IDENTITY.words)
    with survey.read() as session:
        assert [pair.same for pair in calibrations.decided_pairs(session, LOCAL)] == [False]


def test_figures_of_another_scale_are_not_mixed_in(survey: Survey):
    first, second = (add_media(survey, [found()], minutes=minutes)[1][0] for minutes in (0, 90))
    with survey.write() as session:
        old = {name: value for name, value in figures(300.0).items() if name != "scale"}
        identity.say_same(session, "ana", first, second, view=old)
    with survey.read() as session:
        assert calibrations.decided_queries(session) == 1
        assert calibrations.decided_pairs(session, LOCAL) == calibrations.decided_pairs(session, EMBEDDING) == []


def test_fused_figures_of_before_are_not_mixed_in_but_those_of_single_models_are(survey: Survey):
    first, second = (add_media(survey, [found()], minutes=minutes)[1][0] for minutes in (0, 90))
    with survey.write() as session:
        identity.say_same(session, "ana", first, second, view={**figures(300.0), "scale": 2})
    with survey.read() as session:
        assert [pair.score for pair in calibrations.decided_pairs(session, LOCAL)] == [300.0]
        assert calibrations.decided_pairs(session, FUSED) == []


def test_the_matchers_figures_of_smaller_crops_are_not_mixed_in_alone_or_fused(survey: Survey):
    first, second = (add_media(survey, [found()], minutes=minutes)[1][0] for minutes in (0, 90))
    models = {model: {"score": 0.5, "probability": 0.5} for model in (LOCAL, EMBEDDING, MATCH_FEATURES, FUSED)}
    view = {"model": FUSED, "score": 0.5, "models": models}
    for scale, matcher in ((3, []), (SCALE, [0.5])):
        with survey.write() as session:
            identity.say_same(session, "ana", first, second, view={**view, "scale": scale})
        with survey.read() as session:
            for model in (MATCH_FEATURES, FUSED_MATCHED_COARSE):
                assert [pair.score for pair in calibrations.decided_pairs(session, model)] == matcher
            assert [pair.score for pair in calibrations.decided_pairs(session, LOCAL)] == [0.5]


def test_the_state_says_how_many_decisions_are_in_a_probability(survey: Survey):
    with survey.read() as session:
        assert "no decided pair was ranked by this model yet" in calibration_state(session, FUSED).sentence
    decide(survey, 12)
    with survey.read() as session:
        assert calibrate.is_due(session)
    calibrate.calibrate(survey)
    with survey.read() as session:
        state = calibration_state(session, FUSED)
        assert not calibrate.is_due(session)
        assert calibrate.in_use(session)[LOCAL].probability(50.0) == pytest.approx(
            start(LOCAL).probability(50.0), abs=0.05
        )
    assert state.own
    assert (state.queries, state.same, state.different) == (12, 6, 6)
    assert state.sentence == (
        "Probabilities rest on curves measured on Amur tigers and Holstein cows, moved by 12 decisions of this survey."
    )


def test_decisions_of_one_kind_are_said_to_be_so(survey: Survey):
    for number in range(10):
        first, second = (add_media(survey, [found()], minutes=90.0 * number + half)[1][0] for half in (0, 30))
        with survey.write() as session:
            identity.say_same(session, "ana", first, second, view=figures(300.0 + number))
    calibrate.calibrate(survey)
    with survey.read() as session:
        state = calibration_state(session, LOCAL)
    assert not state.own
    assert "10 decisions so far, but no pair was said to be different yet." in state.sentence


def test_with_many_decisions_the_survey_has_curves_of_its_own(survey: Survey):
    decide(survey, 60)
    calibrate.calibrate(survey)
    with survey.read() as session:
        state = calibration_state(session, LOCAL)
        curve = calibrate.in_use(session)[LOCAL]
    assert state.own
    assert state.queries == 60
    assert sum(count for _, _, count in state.reliability) == 60
    assert curve.probability(20.0) < 0.5 < curve.probability(300.0)
    assert "60 decisions of this survey" in state.sentence


def test_a_curve_of_an_earlier_version_is_made_anew(survey: Survey):
    decide(survey, 60)
    calibrate.calibrate(survey)
    with survey.write() as session:
        assert not calibrate.is_due(session)
        session.execute(sa.update(Stored).values(kind="isotonic"))
        assert calibrate.is_due(session)
