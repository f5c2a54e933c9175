"""With a login: strangers stay outside, a viewer sees every page and changes nothing, and sign-ins are kept."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app import deps
from app.settings import load_settings
from app.survey.tables.base import Base
from app.survey.tables.media import ImportBatch, ImportState
from tests.pages.test_every_page import PAGES, data_dir, filled, page, six, words  # noqa: F401 (fixtures)


@pytest.fixture
def login(filled, monkeypatch):  # noqa: F811
    """Signs somebody in by their address; ana is an admin, whoever is at example.org a viewer."""
    monkeypatch.setenv("PUGMARK_ADMINS", "ana@example.org")
    monkeypatch.setenv("PUGMARK_VIEWERS", "example.org")
    load_settings.cache_clear()
    monkeypatch.setattr(deps, "login_is_set_up", lambda: True)

    def sign_in(address: str | None, **claims: object) -> None:
        account = {"is_logged_in": True, "email": address, **claims} if address else {}
        monkeypatch.setattr(deps, "account", lambda: account)

    return sign_in


def rows() -> dict[str, list[str]]:
    """Everything but the audit log."""
    tables = {name: table for name, table in Base.metadata.tables.items() if name != "audit_entry"}
    with deps.whole_survey().read() as session:
        return {name: [repr(tuple(row)) for row in session.execute(sa.select(table))] for name, table in tables.items()}


def audited() -> list[tuple[str, str]]:
    with deps.whole_survey().read() as session:
        return [tuple(row) for row in session.execute(sa.text("SELECT who, kind FROM audit_entry ORDER BY id"))]


@pytest.mark.parametrize(
    ("address", "claims", "shown"),
    [
        (None, {}, "Log in to go on"),
        ("eve@other.org", {}, "is on no list of this survey"),
        ("ana@example.org", {"email_verified": False}, "is on no list of this survey"),
    ],
    ids=["nobody", "stranger", "not verified"],
)
def test_whoever_is_on_no_list_sees_nothing_of_the_survey(login, address, claims, shown):
    login(address, **claims)
    test = page("detections")
    seen = words(test) + " ".join(element.value for element in test.error)
    assert shown in seen
    assert not test.get("dataframe")
    assert [button.label for button in test.button] in (["Log in"], ["Log in as somebody else"])
    assert audited() == ([(address, "refused")] if address else [])


@pytest.mark.parametrize("name", PAGES)
def test_a_viewer_changes_nothing_whatever_they_press(login, name):
    login("vera@example.org")
    before = rows()
    test = page(name)
    assert not test.exception
    for label in [button.label for button in test.button]:
        button = next((element for element in test.button if element.label == label and not element.disabled), None)
        if button is not None:
            button.click().run()
        assert not test.exception
    assert rows() == before
    assert audited() == [("vera@example.org", "signed in")]


def test_a_viewer_is_refused_in_words_to_run_a_stopped_import_again_from_any_page(login):
    with deps.whole_survey().write() as session:
        session.execute(sa.update(ImportBatch).values(state=ImportState.FAILED, error="The disk was full."))
    login("vera@example.org")
    for name in ("survey", "operations"):
        test = page(name)
        next(button for button in test.button if button.label == "Run again").click().run()
        assert not test.exception
        assert any("You are a viewer" in toast.value for toast in test.toast)


def test_an_admin_reads_in_history_who_signed_in_and_on_operations_who_they_are(login):
    login("ana@example.org", email_verified=True)
    test = page("history")
    assert list(test.dataframe[-1].value["who"]) == ["ana@example.org"]
    assert "You are ana@example.org, an admin" in words(page("operations")).replace("\\", "")


def test_without_a_login_operations_says_that_everybody_is_an_admin(filled):  # noqa: F811
    assert "everybody who reaches this dashboard is an admin, as ana" in words(page("operations"))
