"""One register of every kind of decision: nothing is decided, shown or taken back beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.survey.decisions import kinds
from app.survey.decisions.changes import Change
from app.survey.decisions.kinds import FAMILIES, FAMILY_OF, TABLES, Undo, shown_values, taken_back_by, words
from app.survey.tables.base import Base
from app.survey.tables.decisions import Decision
from app.survey.tables.species import SpeciesLabel

ROOT = Path(__file__).resolve().parents[4]


def test_a_kind_is_registered_once_fits_its_column_and_has_words():
    assert len(FAMILY_OF) == sum(len(family.words) for family in FAMILIES)
    longest = Decision.__table__.c.kind.type.length
    assert all(0 < len(kind) <= longest and words(kind) for kind in FAMILY_OF)


def test_a_kind_that_is_not_registered_is_refused(survey):
    with pytest.raises(ValueError, match="register it"), survey.write() as session:
        Change(session, "ana").record("guess")


def test_a_decision_may_change_the_tables_of_its_kind_and_no_others(survey):
    with survey.write() as session:
        change = Change(session, "ana")
        change.add(SpeciesLabel(name="Bubo bubo", common="", who="ana", decided_at=1.0))
        with pytest.raises(ValueError, match="may not change species_label"):
            change.record("count")


def test_a_new_family_is_undone_by_its_button_settled_and_shown_without_another_edit(survey, monkeypatch):
    settled = []
    family = kinds.Family(
        {"guess": "guessed a species"},
        tables=(SpeciesLabel,),
        undo=(Undo.DETECTIONS,),
        shows=("species",),
        settle=lambda _session, decision: settled.append(len(decision.changes)),
    )
    monkeypatch.setitem(FAMILY_OF, "guess", family)
    with survey.write() as session:
        change = Change(session, "ana")
        change.add(SpeciesLabel(name="Bubo bubo", common="", who="ana", decided_at=1.0))
        change.record("guess", view={"species": "Bubo bubo"})
    assert settled == [1]
    assert "guess" in taken_back_by(Undo.DETECTIONS)
    assert "guess" not in taken_back_by(Undo.IDENTIFY)
    assert (words("guess"), shown_values("guess", {"species": "Bubo bubo"})) == ("guessed a species", ["Bubo bubo"])


def test_every_undo_button_takes_something_back_and_history_takes_back_all():
    assert all(taken_back_by(button) for button in Undo)
    assert taken_back_by(None) == list(FAMILY_OF)


def test_the_tables_of_decisions_are_mapped_tables_by_name():
    assert all(issubclass(table, Base) and table.__tablename__ == name for name, table in TABLES.items())


def test_undo_has_one_way_in_for_pages_and_actions():
    inside = ("app/survey/decisions/", "app/actions/decide.py")
    users = [
        str(path.relative_to(ROOT))
        for folder in ("app", "pages")
        for path in (ROOT / folder).rglob("*.py")
        if "undoing" in path.read_text(encoding="utf-8")
    ]
    assert [path for path in users if not Path(path).as_posix().startswith(inside)] == []
