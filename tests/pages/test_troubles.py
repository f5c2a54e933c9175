"""A database that is away is a sentence on the page, which comes back by itself; another error stays one."""

from __future__ import annotations

import psycopg
import pytest
import sqlalchemy as sa

from app import deps
from tests.pages.test_every_page import data_dir, page  # noqa: F401 (a fixture)


@pytest.mark.parametrize("message", ["connection refused", "terminating connection due to administrator command"])
def test_a_page_says_that_the_database_does_not_answer(data_dir, monkeypatch, message):  # noqa: F811
    def away() -> None:
        raise sa.exc.OperationalError("SELECT 1", {}, psycopg.OperationalError(message))

    monkeypatch.setattr(deps, "survey", away)
    test = page("history")
    assert not test.exception
    assert "comes back by itself" in test.warning[0].value


def test_another_error_of_the_database_is_shown_as_one(data_dir, monkeypatch):  # noqa: F811
    def broken() -> None:
        raise sa.exc.ProgrammingError("SELECT x", {}, psycopg.errors.UndefinedColumn("no x"))

    monkeypatch.setattr(deps, "survey", broken)
    assert page("history").exception
