"""The stamp that every page asks for: each part of it is one look at an index."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.matching.feature_sync import changed_sightings
from app.survey.database import Survey
from app.survey.individuals import rankings


@pytest.mark.parametrize("ask", [rankings.stamp, lambda session: changed_sightings(session, (0, 0.0))])
def test_the_state_of_the_survey_is_read_from_indexes_alone(survey: Survey, ask):
    asked: list[tuple[str, tuple[object, ...]]] = []

    @sa.event.listens_for(survey.engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, values, *_rest):
        asked.append((statement, values))

    with survey.read() as session:
        ask(session)
    looks = [(statement, values) for statement, values in asked if "max(" in statement]
    assert looks
    with survey.engine.connect() as connection:
        for statement, values in looks:
            plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
            steps = [line for line in plan if not line.startswith(("SCALAR SUBQUERY", "SCAN CONSTANT ROW"))]
            assert all(line.startswith("SEARCH") for line in steps), (statement, plan)
