"""How many pairs are left until the count is stable."""

from __future__ import annotations

from app.matching.stability import stability
from app.survey import identity, rankings, results
from app.survey.database import Survey
from app.survey.rankings import Scope
from modal_backend.contracts import Provenance
from tests.surveys import add_media, describe, found

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
