"""Words over time: how many notes of each month hold a keyword, and which words rise or fall from month to month."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from modal_backend.models.text.discriminative import Occurrences

# Below these the normal law is a poor guide to the trend of a word.
FEWEST_MONTHS = 3
FEWEST_HOLDERS = 5
MOST_SHOWN = 200


def trends(months: Sequence[str], held: Occurrences) -> pd.DataFrame:
    """Words that more, or fewer, of the notes hold from month to month: keyword, notes, z (above 0: it rises), q; the
    strongest first. Cochran's and Armitage's test for trend (1954, 1955), two-sided; q as in discriminative.py.

    Args:
        months: of each note, as 2024-03; empty where it is not known.
    """
    from scipy.stats import false_discovery_control, norm

    from modal_backend.models.text.discriminative import LEVEL

    at = np.array([number for number, month in enumerate(months) if month], np.int64)
    when = np.array([int(months[number][:4]) * 12 + int(months[number][5:7]) for number in at], float)
    empty = pd.DataFrame({"keyword": [], "notes": [], "z": [], "q": []})
    if len(set(when.tolist())) < FEWEST_MONTHS:
        return empty
    matrix = held.matrix[at]
    notes = np.asarray(matrix.sum(axis=0)).ravel()
    tested = np.flatnonzero((notes >= FEWEST_HOLDERS) & (notes < len(at)))
    if not len(tested):
        return empty
    share = notes[tested] / len(at)
    covariance = matrix[:, tested].T @ (when - when.mean()) / len(at)
    z = covariance / (when.std() * np.sqrt(share * (1 - share))) * np.sqrt(len(at))
    q = false_discovery_control(2 * norm.sf(np.abs(z)))
    table = pd.DataFrame(
        {"keyword": [held.terms[place] for place in tested], "notes": notes[tested].astype(int), "z": z, "q": q}
    )
    table = table[table["q"] < LEVEL].sort_values("z", key=lambda column: -column.abs(), ignore_index=True)
    return table.head(MOST_SHOWN)


def by_month(months: Sequence[str], held: Occurrences, words: Collection[str]) -> dict[str, dict[str, int]]:
    """By keyword and month, how many notes hold it."""
    place = {term: at for at, term in enumerate(held.terms)}
    found: dict[str, dict[str, int]] = {}
    columns = held.matrix.tocsc()
    for word in sorted(place.keys() & set(words)):
        rows = columns[:, [place[word]]].nonzero()[0]
        counts = pd.Series([months[row] for row in rows if months[row]], dtype=str).value_counts()
        found[word] = {str(month): int(count) for month, count in sorted(counts.items())}
    return found
