"""Candidates beside their evidence: never below what the agreeing features prove, with the names of now."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
import sqlalchemy as sa

from app import deps
from app.survey.decisions import identity
from app.survey.detections import results
from app.survey.detections.evidence import EvidenceView
from app.survey.individuals import rankings
from app.survey.individuals.rankings import Scope
from app.ui.identify.candidates import ranked_queries
from app.ui.identify.details import Shown, detailed, raise_to_proven
from modal_backend.contracts import Provenance
from modal_backend.models.probability.calibration import FUSED
from tests.support.surveys import add_media, found

SEEN = EvidenceView([], whole=85, animal=79, background=3, problem=None)
CHANCE = replace(SEEN, animal=5)
BY_MATCHER = replace(SEEN, animal=200, by="matcher", chance=90)


@pytest.mark.parametrize("evidence", [SEEN, replace(BY_MATCHER, other=SEEN), replace(SEEN, other=BY_MATCHER)])
def test_a_pair_that_79_features_join_is_not_shown_as_unlikely(evidence):
    candidate = {"probability": 0.25}
    raise_to_proven(candidate, evidence)
    assert candidate["probability"] >= 0.95
    assert candidate["proven"] == 79


@pytest.mark.parametrize(
    "evidence",
    [
        None,
        replace(SEEN, animal=5),
        replace(SEEN, warning=(79, 5)),
        replace(BY_MATCHER, other=replace(SEEN, animal=5)),
    ],
)
def test_chance_a_background_and_the_matchers_count_prove_nothing(evidence):
    candidate = {"probability": 0.25}
    raise_to_proven(candidate, evidence)
    assert candidate == {"probability": 0.25}


def test_a_higher_probability_and_one_that_is_not_known_stay():
    for probability in (0.999, None):
        candidate = {"probability": probability}
        raise_to_proven(candidate, SEEN)
        assert candidate == {"probability": probability}


@pytest.fixture
def ranked_crops(survey, monkeypatch) -> list[int]:
    """Three crops of three days; each of the first two is ranked with the third, which has a name since."""
    monkeypatch.setattr(deps, "box_crop_url", lambda box: f"/crops/{box.id}")
    *queries, other = (add_media(survey, [found()], minutes=600.0 * day)[1][0] for day in range(3))
    with survey.write() as session:
        version = results.model_version(session, "rank", Provenance("embedded", FUSED, "1", "", "none"))
        crop = {"crop_id": other, "score": 0.5, "probability": 0.9, "matches": 30}
        values = {"candidates": [crop], "known_probability": 0.5, "gallery_size": 2, "in_scope": 1, "settled": True}
        for query in queries:
            rankings.store_ranking(session, query, version.id, Scope(), stamp=rankings.stamp(session), **values)
        identity.new_individual(session, "ana", other)
    return [*queries, other]


def test_an_older_order_keeps_its_candidates_with_the_names_of_now_and_is_marked(survey, ranked_crops):
    query, _, other = ranked_crops
    with survey.read() as session:
        (ranked,) = ranked_queries(session, [query, 999], FUSED, Scope())
        (shown,) = detailed(session, [ranked], by_image=False, one_flank=True, show_rejected=False)
    assert [(candidate["id"], candidate["name"]) for candidate in shown.candidates] == [(other, "T-001")]
    assert (shown.query["ranked"], shown.query["settled"]) == (False, False)


def test_the_crops_that_follow_are_read_with_the_one_on_the_screen_in_as_many_questions(survey, ranked_crops):
    asked = []
    listening = sa.event.listens_for(survey.engine, "after_cursor_execute")
    listening(lambda *arguments: asked.append(arguments[2]))
    counts = []
    for queries in (ranked_crops[:1], ranked_crops[:2]):
        asked.clear()
        with survey.read() as session:
            ranked = ranked_queries(session, queries, FUSED, Scope())
            shown = detailed(session, ranked, by_image=False, one_flank=True, show_rejected=False)
        assert [(detail.query["id"], [two["id"] for two in detail.candidates]) for detail in shown] == [
            (query, ranked_crops[2:]) for query in queries
        ]
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_evidence_is_sent_as_plain_values_with_the_other_one_inside():
    sent = Shown({}, [], {7: replace(BY_MATCHER, other=SEEN)}).evidence_sent()[7]
    assert sent == asdict(replace(BY_MATCHER, other=SEEN))
