"""The clusters of a run as people left them: named, merged, hidden; what is in none is a cluster called Other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from app.notes.result import RunResult
from app.survey.tables.notes import NoteClusterReview

OTHER = -1


@dataclass(frozen=True)
class Cluster:
    """A cluster with all that was merged into it.

    Attributes:
        number: of the cluster that stands for it, OTHER for keywords that the run put in none.
        numbers: its own and those of the clusters merged into it.
        keywords: those in most notes first.
        stability: share of its pairs of keywords that stay together when a fifth of them is left out; None for OTHER.
    """

    number: int
    name: str
    numbers: tuple[int, ...]
    keywords: tuple[str, ...]
    hidden: bool
    stability: float | None

    def notes(self, result: RunResult) -> list[int]:
        """Ids of its notes, those with most of its keywords first."""
        held = Counter(number for keyword in self.keywords for number in result.notes_with(keyword))
        return [number for number, _ in held.most_common()]


def clusters(result: RunResult, reviews: Mapping[int, NoteClusterReview]) -> list[Cluster]:
    """All clusters that stand for themselves, the largest first and OTHER last."""
    table = result.clusters
    labels = {int(number): str(label) for number, label in zip(table["cluster"], table["label"], strict=True)}
    members: dict[int, list[int]] = {number: [number] for number in sorted(labels) if _into(reviews, number) is None}
    for number in labels:
        into = _into(reviews, number)
        if into is not None:
            members.setdefault(into, [into]).append(number)
    found = [_cluster(result, reviews, numbers, labels) for numbers in members.values()]
    return sorted(found, key=lambda cluster: (cluster.number == OTHER, -len(cluster.keywords), cluster.number))


def _into(reviews: Mapping[int, NoteClusterReview], number: int) -> int | None:
    return reviews[number].into if number in reviews else None


def _cluster(
    result: RunResult, reviews: Mapping[int, NoteClusterReview], numbers: list[int], labels: Mapping[int, str]
) -> Cluster:
    """numbers: of the cluster that stands for it, then of those merged into it."""
    number, table = numbers[0], result.clusters
    words = [str(word) for word in table.loc[table["cluster"].isin(numbers), "keyword"]]
    support = {word: sum(result.supports.get(word, {}).values()) for word in words}
    review = reviews.get(number)
    computed = "Other" if number == OTHER else labels.get(number, "")
    return Cluster(
        number,
        (review.name if review else None) or computed,
        tuple(numbers),
        tuple(sorted(words, key=lambda word: (-support[word], word))),
        bool(review and review.hidden),
        result.stability.get(number),
    )
