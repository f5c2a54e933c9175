"""Ways to cut a labelled table of crops into gallery and queries: as given, at random, one picture each, by events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

Row = Mapping[str, str]

UNKNOWN_SHARE = 0.2
QUERY_SHARE = 0.25
QUERIES_OF_UNKNOWN = 2
MOST_QUERIES = 7
ASKED_OCCASIONS = 2
QUERIES_OF_OTHERS = 5
EVENT_GAP = timedelta(seconds=60)
ALIKE = 0.88

BY_COLUMN = "column event"
BY_TIME = "column taken_at, pictures of an identity less than 60 s apart are one event"
BY_LOOK = (
    "no column event or taken_at: pictures of an identity whose pocket embeddings are alike (cosine from 0.88 on, "
    "single linkage) are taken for one event; file numbers were not used"
)


@dataclass(frozen=True, slots=True)
class Split:
    """Rows of the table: what the gallery holds, and the queries; some of them are of identities it does not hold."""

    gallery: list[int]
    queries: list[int]


def as_given(rows: Sequence[Row]) -> Split:
    """What the column split says."""
    return Split(
        [number for number, row in enumerate(rows) if row["split"] == "gallery"],
        [number for number, row in enumerate(rows) if row["split"] == "query"],
    )


def at_random(rows: Sequence[Row], seed: int) -> Split:
    """A quarter of each identity's pictures are queries; a fifth of the identities are in no gallery."""
    draw = np.random.default_rng(seed)
    gallery, queries = [], []
    for mine, known in _drawn(rows, draw):
        asked = max(1, round(QUERY_SHARE * len(mine))) if len(mine) > 1 else 0
        gallery += mine[asked:] if known else []
        queries += mine[:asked] if known else mine[:QUERIES_OF_UNKNOWN]
    return Split(gallery, queries)


def one_picture(rows: Sequence[Row], seed: int) -> Split:
    """One picture of every identity is the gallery, up to MOST_QUERIES others are queries; nobody is unknown."""
    draw = np.random.default_rng(seed)
    gallery, queries = [], []
    for mine, _ in _drawn(rows, draw):
        gallery.append(mine[0])
        queries += mine[1 : 1 + MOST_QUERIES]
    return Split(gallery, queries)


def event_disjoint(rows: Sequence[Row], events: NDArray[np.int64], seed: int) -> Split:
    """One event of every identity that has several is asked about, the others are the gallery, which also holds the
    identities with one event alone. A fifth of the identities are in no gallery."""
    draw = np.random.default_rng(seed)
    gallery, queries = [], []
    for mine, known in _drawn(rows, draw):
        of_event = events[mine]
        kinds = np.unique(of_event)
        chosen = draw.choice(kinds)
        asked = [row for row, event in zip(mine, of_event, strict=True) if event == chosen] if len(kinds) > 1 else []
        gallery += [row for row in mine if row not in asked] if known else []
        queries += asked if known else mine[:QUERIES_OF_UNKNOWN]
    return Split(gallery, queries)


def occasion_of(row: Row) -> str:
    """The day of a row, or its occasion where it names no day; empty with neither."""
    return row.get("day") or row.get("occasion") or ""


def last_occasions(rows: Sequence[Row], seed: int | None = None) -> Split:
    """The last ASKED_OCCASIONS of every identity are asked about, its earlier ones are the gallery.

    seed: a fifth of the identities, drawn with it, are in no gallery; None: nobody is unknown.
    """
    out = set() if seed is None else _unknown(rows, np.random.default_rng(seed))
    gallery, queries = [], []
    for name, occasions in _occasions(rows).items():
        asked = occasions[-ASKED_OCCASIONS:]
        mine = [number for number, row in enumerate(rows) if row["identity"] == name]
        queries += [row for row in mine if occasion_of(rows[row]) in asked]
        gallery += [row for row in mine if occasion_of(rows[row]) not in asked and name not in out]
    return Split(sorted(gallery), sorted(queries))


def one_picture_other_occasions(rows: Sequence[Row], seed: int) -> Split:
    """One picture of every identity is the gallery, up to QUERIES_OF_OTHERS of its other occasions are queries."""
    draw = np.random.default_rng(seed)
    gallery, queries = [], []
    for mine, _ in _drawn(rows, draw):
        gallery.append(mine[0])
        others = [row for row in mine if occasion_of(rows[row]) != occasion_of(rows[mine[0]])]
        queries += others[:QUERIES_OF_OTHERS]
    return Split(gallery, queries)


def _occasions(rows: Sequence[Row]) -> dict[str, list[str]]:
    names = sorted({row["identity"] for row in rows})
    return {name: sorted({occasion_of(row) for row in rows if row["identity"] == name}) for name in names}


def _unknown(rows: Sequence[Row], draw: np.random.Generator) -> set[str]:
    names = sorted({row["identity"] for row in rows})
    return {str(name) for name in draw.permutation(names)[: round(UNKNOWN_SHARE * len(names))]}


def events_of(rows: Sequence[Row], vectors: NDArray[np.float32] | None) -> tuple[NDArray[np.int64], str] | None:
    """Number of each row's event, and how events were told; None where nothing tells them.

    Args:
        vectors: unit vectors (n, d), a row each, for tables without a column event or taken_at.
    """
    names = sorted({row["identity"] for row in rows})
    who = np.array([names.index(row["identity"]) for row in rows])
    if all(row.get("event") for row in rows):
        keys = [(row["identity"], row["event"]) for row in rows]
        return np.array([keys.index(key) for key in keys], np.int64), BY_COLUMN
    if all(row.get("taken_at") for row in rows):
        times = np.array([datetime.fromisoformat(row["taken_at"]) for row in rows])
        near = np.abs(times[:, None] - times[None]) < EVENT_GAP
        return _linked(near & (who[:, None] == who[None])), BY_TIME
    if vectors is None:
        return None
    return _linked((vectors @ vectors.T >= ALIKE) & (who[:, None] == who[None])), BY_LOOK


def _drawn(rows: Sequence[Row], draw: np.random.Generator) -> list[tuple[list[int], bool]]:
    """The rows of every identity in drawn order, and whether the gallery may hold it."""
    of: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        of.setdefault(row["identity"], []).append(number)
    order = draw.permutation(len(of))
    unknown = set(order[: round(UNKNOWN_SHARE * len(of))].tolist())
    return [
        ([int(row) for row in draw.permutation(mine)], place not in unknown) for place, mine in enumerate(of.values())
    ]


def _linked(near: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Groups of rows that are near each other, directly or over others (n)."""
    group = np.arange(len(near))
    for row in range(len(near)):
        joined = np.unique(group[near[row]])
        group[np.isin(group, joined)] = joined[0]
    return np.asarray(group, np.int64)
