"""How new individuals are named: a prefix and a running number, set once for the whole survey."""

from __future__ import annotations

import re
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.decisions import Decision
from app.survey.tables.individuals import Individual, Naming

PREFIX, DIGITS = "T-", 3
ONLY = 1
SPACES_AND_HYPHENS = re.compile(r"[\s\-\u2010-\u2015\u2212]+")


def scheme(session: Session) -> tuple[str, int]:
    """Prefix and number of digits of the names to come."""
    row = session.get(Naming, ONLY)
    return (row.prefix, row.digits) if row else (PREFIX, DIGITS)


def next_name(session: Session) -> str:
    """The name after the highest number given with the survey's prefix; what was taken back is free again."""
    prefix, digits = scheme(session)
    numbered = re.compile(re.escape(SPACES_AND_HYPHENS.sub("", prefix).casefold()) + r"([0-9]{1,9})")
    numbers = [int(match[1]) for name in ever_given(session) if (match := numbered.fullmatch(heard(name)))]
    return f"{prefix}{max(numbers, default=0) + 1:0{digits}d}"


def heard(name: str) -> str:
    """What two names share that differ only by case, spaces or hyphens: people take them for the same."""
    return SPACES_AND_HYPHENS.sub("", name).casefold() or name


def alike(name: str, names: Iterable[str]) -> str | None:
    """The first of these names that people would take for this one; the same spelling before others."""
    found = sorted((other for other in names if heard(other) == heard(name)), key=lambda other: (other != name, other))
    return found[0] if found else None


def ever_given(session: Session) -> set[str]:
    """Every name an individual has, or had before it was renamed; those of decisions taken back are free again."""
    names = set(session.scalars(sa.select(Individual.name)))
    renamed = session.scalars(
        sa.select(Decision.changes).where(Decision.undone_at.is_(None), Decision.kind == "rename")
    )
    for changes in renamed:
        names.update(
            state["name"]
            for change in changes
            if change["table"] == Individual.__tablename__
            for state in (change["before"], change["after"])
            if state
        )
    return names
