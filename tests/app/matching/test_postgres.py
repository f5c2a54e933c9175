"""Undecided crops that look alike vote on a PostgreSQL server as they do on SQLite."""

from __future__ import annotations

from app.matching.gallery import Gallery
from app.matching.matched import voted_on
from app.survey.database import Survey
from app.survey.decisions import identity
from app.survey.individuals.rankings import Scope
from tests.app.matching.test_look_alikes import by_way_of, survey_of
from tests.app.matching.test_matched import keep
from tests.app.survey.test_postgres import pytestmark, survey  # noqa: F401


def test_what_an_undecided_crop_was_compared_with_counts_for_the_one_it_looks_like(survey: Survey):  # noqa: F811
    query, raja, rani, look_alike = survey_of(survey)
    gallery = Gallery(survey)
    for crop in (query, look_alike):
        gallery.rank(crop, Scope(), matching=True, last=True)
    assert by_way_of(survey, query) == {}
    keep(survey, {(look_alike, raja): 2, (look_alike, rani): 90})
    with survey.read() as session:
        assert voted_on(session, look_alike, Scope()) == [query]
    gallery.rank(query, Scope(), matching=True, last=True)
    assert by_way_of(survey, query) == {rani: [look_alike]}
    with survey.write() as session:
        identity.new_individual(session, "ana", query)
    with survey.read() as session:
        assert voted_on(session, look_alike, Scope()) == []
