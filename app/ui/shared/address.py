"""The addresses of the pages: every parameter with its default, read without trust, and those that a widget keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, Literal, TypedDict, TypeVar

import streamlit as st

from app.survey.individuals.catalogue import Order
from app.survey.media.browse import Show

T = TypeVar("T")
FIRST_DAY, LAST_DAY = date(1980, 1, 1), date(2100, 1, 1)
LONGEST_NUMBER, LONGEST_TEXT = 9, 300
MOST_NUMBERS = 500


class Bound(TypedDict):
    """What binds a widget to the address."""

    key: str
    bind: Literal["query-params"]


@dataclass(frozen=True, slots=True)
class Parameter(Generic[T]):
    """A parameter that a page reads and writes itself.

    Args:
        name: as it stands in the address.
        default: what holds where the address says nothing, or nonsense.
        parse: the value of a text; raises ValueError for nonsense.
    """

    name: str
    default: T
    parse: Callable[[str], Any]

    def read(self) -> T:
        """The value in the address of this page, or the default."""
        text = st.query_params.get(self.name)
        try:
            return self.default if text is None else self.parse(text)
        except ValueError:
            return self.default

    def to(self, value: object) -> dict[str, str]:
        """The parameters of a link: this one with a value."""
        return {self.name: str(value)}


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """A parameter that a widget keeps: Streamlit reads, checks and writes it, and remembers it under the same name.

    So no two pages may share a name: the choice of one page would be the value of another one's widget.
    """

    name: str
    default: T

    def bound(self) -> Bound:
        """What the widget gets besides its own arguments."""
        return {"key": self.name, "bind": "query-params"}


def go(changes: Mapping[Parameter[Any], object]) -> None:
    """Change parameters of this page, None takes one away, and draw the page again."""
    for parameter, value in changes.items():
        if value is None:
            st.query_params.pop(parameter.name, None)
        else:
            st.query_params[parameter.name] = str(value)
    st.rerun()


def number(text: str) -> int:
    """A whole number from 0 on. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER):
        raise ValueError(text)
    return int(text)


def page_number(text: str) -> int:
    """A number from 1 on. Raises ValueError."""
    return max(number(text), 1)


def share(text: str) -> float:
    """A number from 0 to 1. Raises ValueError."""
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value


def day(text: str) -> date:
    """A day of this or the last century. Raises ValueError."""
    value = date.fromisoformat(text)
    if not FIRST_DAY <= value <= LAST_DAY:
        raise ValueError(text)
    return value


def words(text: str) -> str:
    """A name. Raises ValueError when it is empty or far too long."""
    if not text.strip() or len(text) > LONGEST_TEXT:
        raise ValueError(text)
    return text


def numbers(text: str) -> tuple[int, ...]:
    """Whole numbers with commas between them, at most 500. Raises ValueError."""
    return tuple(number(part) for part in text.split(",")[:MOST_NUMBERS])


class Detections:
    """/detections"""

    FILTER = Parameter("filter", Show.ALL, Show)
    THRESHOLD: Parameter[float | None] = Parameter("t", None, share)
    DEPLOYMENT: Parameter[int | None] = Parameter("deployment", None, number)
    EVENT: Parameter[int | None] = Parameter("event", None, number)
    STATION: Parameter[str | None] = Parameter("station", None, words)
    SPECIES: Parameter[str | None] = Parameter("species", None, words)
    HINT: Parameter[str | None] = Parameter("hint", None, words)
    SINCE: Parameter[date | None] = Parameter("since", None, day)
    UNTIL: Parameter[date | None] = Parameter("until", None, day)
    REVIEWER: Parameter[str | None] = Parameter("by", None, words)
    IMPORT: Parameter[int | None] = Parameter("import", None, number)
    REVIEW: Parameter[str] = Parameter("review", "", words)
    FIRST: Parameter[str] = Parameter("first", "", words)
    MEDIA: Parameter[int | None] = Parameter("media", None, number)
    PAGE = Parameter("page", 1, page_number)


class Identify:
    """/identify"""

    QUERY: Parameter[int | None] = Parameter("q", None, number)
    STATION: Parameter[str | None] = Parameter("of-station", None, words)
    IMPORT: Parameter[int | None] = Parameter("of-import", None, number)
    SPECIES: Parameter[str | None] = Parameter("of-species", None, words)
    MEDIA: Parameter[tuple[int, ...]] = Parameter("of-media", (), numbers)
    INDIVIDUAL: Parameter[int | None] = Parameter("of-individual", None, number)
    SAME_STATION = Choice("same-station", False)
    ONE_FLANK = Choice("flank", True)
    OTHER_EVENTS = Choice("events", True)
    NAMED_ONLY = Choice("named", False)
    SAME_SPECIES = Choice("same-species", True)
    TAKEN = Choice("taken", 0)
    MODEL = Choice("model", "")
    EVERY_IMAGE = Choice("images", False)
    REJECTED = Choice("rejected", False)
    QUEUE = Choice("queue", 0)


class Individuals:
    """/individuals"""

    ID: Parameter[int | None] = Parameter("id", None, number)
    VIEW = Choice("view", "Catalogue")
    SECTION = Choice("section", "Crops")
    SEARCH = Choice("search", "")
    ORDER = Choice("order", Order.NAME)
    PAGE = Choice("catalogue-page", 1)
    CONFLICTS_PAGE = Choice("conflict-page", 1)
    FLANKS_PAGE = Choice("flank-page", 1)
    HISTORY_ROWS = Choice("rows", 1)


class CaptureDesign:
    """The design of a capture history, the same on /individuals and /export."""

    DAYS = Choice("days", 5)
    START: Choice[date | None] = Choice("start", None)
    OCCASIONS: Choice[int | None] = Choice("occasions", None)
    FLANK = Choice("flank-used", "any")
    SPECIES: Choice[str | None] = Choice("capture-species", None)


class Stations:
    """/stations"""

    VIEW = Choice("stations-view", "Stations")
    DEPLOYMENT: Parameter[int | None] = Parameter("deployment", None, number)
    MEDIA: Parameter[int | None] = Parameter("media", None, number)


class Videos:
    """/videos"""

    MEDIA: Parameter[int | None] = Parameter("media", None, number)
    PAGE = Parameter("page", 1, page_number)
    SHOW = Choice("videos", "All")


class FieldNotes:
    """/field-notes"""

    RUN: Parameter[int | None] = Parameter("run", None, number)
    VIEW = Choice("notes-view", "Keywords")
    CATEGORY = Choice("category", "All")
    THIS_CATEGORY = Choice("this-category", "")
    OTHER_CATEGORY = Choice("other-category", "")


class History:
    """/history"""

    MEDIA: Parameter[int | None] = Parameter("media", None, number)
    INDIVIDUAL: Parameter[int | None] = Parameter("individual", None, number)
    WHO: Choice[str | None] = Choice("who", None)
    KIND: Choice[str | None] = Choice("kind", None)
    PAGE = Choice("history-page", 1)


class Operations:
    """/operations"""

    PERIOD = Choice("period", "24 hours")


ADDRESSES = (Detections, Identify, Individuals, CaptureDesign, Stations, Videos, FieldNotes, History, Operations)
