"""Keywords that say the same, shown as one: nested and overlapping phrases of the same notes, and inflections.

"camera", "strap" and "strap loose" next to "camera strap loose" tell a reader nothing more: the longest phrase that
explains them stands for them, and they are listed under it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd
from scipy.cluster.hierarchy import DisjointSet

from app.notes.result import RunResult

# Share of the notes of a shorter phrase that a longer one has to be in to explain it.
EXPLAINED = 0.7
# Share of the notes of each of two overlapping phrases that both are in.
TOGETHER = 0.8


@dataclass(frozen=True)
class Family:
    """A keyword with what it explains.

    Attributes:
        others: the shorter, overlapping and inflected keywords it stands for, the most telling first.
        figures: its row of `RunResult.keywords`.
        times: how many times as often it stands in notes of its category as in others, None where it is only here.
    """

    keyword: str
    category: str
    others: tuple[str, ...]
    figures: pd.Series
    times: float | None


def families(result: RunResult, category: str) -> list[Family]:
    """The keywords of one category without repetition, the most telling first."""
    table = result.keywords[result.keywords["category"] == category]
    rows = {str(row["keyword"]): row for _, row in table.iterrows()}
    place = {word: at for at, word in enumerate(rows)}
    found = [_family(result, category, sorted(group, key=place.__getitem__), rows) for group in _groups(result, rows)]
    return sorted(found, key=lambda family: min(place[word] for word in (family.keyword, *family.others)))


def stems(phrase: str) -> tuple[str, ...]:
    """The words of a phrase without the endings of the English plural and genitive."""
    return tuple(map(_stem, phrase.split()))


def _groups(result: RunResult, words: Sequence[str] | dict[str, pd.Series]) -> list[set[str]]:
    sets, sharing = DisjointSet(words), defaultdict(list)
    for word in words:
        for stem in set(stems(word)):
            sharing[stem].append(word)
    for candidates in sharing.values():
        for first, second in combinations(candidates, 2):
            if not sets.connected(first, second) and _mean_the_same(result, first, second):
                sets.merge(first, second)
    return list(sets.subsets())


def _mean_the_same(result: RunResult, first: str, second: str) -> bool:
    """Whether two keywords that share a word mean the same, by their words and the notes they are in.

    A name takes in its parts, and nothing takes in a name: "met Gauri" says more than who it was.
    """
    short, long = sorted((first, second), key=lambda word: len(word.split()))
    if stems(short) == stems(long):
        return True
    nested = f" {' '.join(stems(short))} " in f" {' '.join(stems(long))} "
    if short in result.names or (long in result.names and not nested):
        return short in result.names and long in result.names and nested
    in_short, in_long = set(result.notes_with(short)), set(result.notes_with(long))
    both = len(in_short & in_long)
    if nested:
        return both >= EXPLAINED * len(in_short)
    return both >= TOGETHER * max(len(in_short), len(in_long))


def _family(result: RunResult, category: str, words: list[str], rows: dict[str, pd.Series]) -> Family:
    """words: of the family, the most telling first."""
    keyword = max(words, key=lambda word: (len(word.split()), rows[word]["support_in"]))
    notes = result.counts["categories"]
    here, elsewhere = notes[category], sum(notes.values()) - notes[category]
    row = rows[keyword]
    times = (row["support_in"] / here) / (row["support_out"] / elsewhere) if row["support_out"] else None
    return Family(keyword, category, tuple(word for word in words if word != keyword), row, times)


def _stem(word: str) -> str:
    word = word.removesuffix("'s")
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
