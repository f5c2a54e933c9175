"""How many pairs are left until the count is stable."""

from __future__ import annotations

from app.matching.stability import stability
from app.survey.database import Survey
from app.survey.decisions import identity
from app.survey.detections import results
from app.survey.individuals import rankings
from app.survey.individuals.rankings import Scope
from app.survey.media.events import regroup
from modal_backend.contracts import Provenance
from tests.support.surveys import add_media, describe, found

FUSED = Provenance("embedded", "fused", "1", "", "test")


def crops(survey: Survey, count: int) -> list[int]:
    made = [add_media(survey, [found()], minutes=60.0 * number)[1][0] for number in range(count)]
    for number, crop in enumerate(made):
        describe(survey, crop, number)
    return made


def rank(survey: Survey, query: int, candidates: dict[int, float]) -> None:
    """Store a fused ranking: probability by candidate."""
    with survey.write() as session:
        version = results.model_version(session, "fuse", FUSED)
        listed = [{"crop_id": crop, "identity": None, "probability": chance} for crop, chance in candidates.items()]
        rankings.store_ranking(
            session, query, version.id, Scope(), stamp="", gallery_size=9, in_scope=9, known_probability=None,
            candidates=listed,
        )  # fmt: skip


def test_before_anything_is_compared_nothing_is_claimed(survey: Survey):
    crops(survey, 3)
    with survey.read() as session:
        now = stability(session)
    assert (now.pairs, now.compared, now.not_compared) == (0, 0, 3)
    assert "not been compared" in now.sentence


def test_doubtful_pairs_count_and_sure_ones_do_not(survey: Survey):
    a, b, c, d = crops(survey, 4)
    rank(survey, a, {b: 0.99, c: 0.5, d: 0.01})
    rank(survey, b, {a: 0.99, c: 0.6, d: 0.02})
    rank(survey, c, {a: 0.5, b: 0.6, d: 0.3})
    rank(survey, d, {a: 0.01, b: 0.02, c: 0.3})
    with survey.read() as session:
        now = stability(session)
    assert now.pairs == 2  # a and b, taken together, against c; c against d
    assert (now.named, now.fewest, now.most) == (0, 1, 3)
    assert "2 pairs are left until the count is stable" in now.sentence
    assert "1 to 3" in now.sentence


def test_decisions_make_the_count_stable(survey: Survey):
    a, b, c = crops(survey, 3)
    rank(survey, a, {b: 0.5})
    rank(survey, b, {a: 0.5, c: 0.97})
    rank(survey, c, {b: 0.97})
    with survey.write() as session:
        identity.new_individual(session, "ana", a)
    with survey.read() as session:
        before = stability(session)
        assert (before.pairs, before.fewest, before.most) == (1, 1, 2)
    with survey.write() as session:
        identity.say_pair(session, "ana", a, b, "different")
    with survey.read() as session:
        after = stability(session)
    assert (after.pairs, after.fewest, after.most) == (0, 2, 2)
    assert "stable at 2 individuals" in after.sentence


def test_the_count_is_not_called_stable_while_crops_have_not_been_compared(survey: Survey):
    a, b, c, d = crops(survey, 4)
    rank(survey, a, {b: 0.01})
    rank(survey, b, {a: 0.01})
    with survey.read() as session:
        now = stability(session)
    assert (now.pairs, now.compared, now.not_compared, now.next_up) == (0, 2, 2, (c, d))
    assert (now.fewest, now.most) == (2, 4)
    assert "the count is not stable: it can become 2 to 4. 2 crops have not been compared yet" in now.sentence
    rank(survey, a, {b: 0.5})
    with survey.read() as session:
        now = stability(session)
    assert now.sentence.startswith("At least 1 pair is left until the count is stable")
    assert (now.fewest, now.most) == (1, 4)


def test_every_ranked_crop_counts_also_those_decided_since(survey: Survey):
    a, b, c = crops(survey, 3)
    for crop in (a, b, c):
        rank(survey, crop, {})
    with survey.write() as session:
        identity.new_individual(session, "ana", a)
        identity.set_identity_state(session, "ana", b, "unidentifiable")
    with survey.read() as session:
        now = stability(session)
    assert (now.named, now.compared, now.not_compared, now.most) == (1, 1, 0, 2)
    assert "stable at 2 individuals" in now.sentence


def test_crops_of_one_event_are_in_doubt_as_long_as_the_scope_does_not_compare_them(survey: Survey):
    made = [add_media(survey, [found()], minutes=0.1 * number)[1][0] for number in range(4)]
    for number, crop in enumerate(made):
        describe(survey, crop, number)
        rank(survey, crop, {})
    with survey.write() as session:
        regroup(session, [1], 60)
    with survey.read() as session:
        now = stability(session)
    assert (now.pairs, now.fewest, now.most) == (3, 1, 4)


def test_two_animals_on_one_picture_of_an_event_stay_two(survey: Survey):
    _, (a, b) = add_media(survey, [found(), found(x=0.6)])
    for crop in (a, b):
        describe(survey, crop, crop)
        rank(survey, crop, {})
    with survey.write() as session:
        regroup(session, [1], 60)
    with survey.read() as session:
        now = stability(session)
    assert (now.pairs, now.fewest, now.most) == (0, 2, 2)


def test_flanks_that_may_belong_together_are_told(survey: Survey):
    a, b = crops(survey, 2)
    for crop, flank in ((a, "left"), (b, "right")):
        with survey.write() as session:
            identity.new_individual(session, "ana", crop)
            identity.set_flank(session, "ana", crop, flank)
    with survey.read() as session:
        now = stability(session)
    assert now.flanks == 1
    assert "fall by 1 more" in now.sentence
