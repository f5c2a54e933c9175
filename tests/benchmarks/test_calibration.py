"""Does a curve that decisions have moved stay as good as the start curve? Tigers and cows, on queries kept back.

The start curve of either set comes from the other one, as a new survey's does. Decisions are drawn from half of a set's
queries: fairly, only pairs that are the same, or only pairs the start curve was sure about. Brier score and expected
calibration error (ten bins) are those of the other half, means of eight draws.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.evaluation import splits
from app.evaluation.described import describe
from app.evaluation.identification import read_rows
from app.evaluation.rankers import rank
from modal_backend.models.probability.calibration import Calibration
from modal_backend.models.probability.calibration_fit import fit, isotonic

pytestmark = pytest.mark.benchmark

MODELS = ("rapid-448", "pocket-embedding", "xfeat")
DECISIONS = (10, 40, 100, 400)
WAYS = ("fair", "same only", "easy only")
DRAWS = 8
SURE = 3.0

# Query, raw score and whether it is the same animal, a row a candidate.
Rows = NDArray[np.float64]


def rows_of(table: Path, model: str) -> Rows:
    """Every identity of a gallery as a candidate of every query: the last days of cows, single pictures of tigers."""
    rows = read_rows(table)
    described = describe(rows, table.parent, model)
    days = all(splits.occasion_of(row) for row in rows)
    cut = splits.last_occasions(rows) if days else splits.one_picture(rows, 0)
    found = []
    for query, (ranking, _) in zip(cut.queries, rank(model, rows, described, cut), strict=True):
        found += [(query, score, name == rows[query]["identity"]) for name, score in ranking]
    return np.array(found, float)


def chosen(rows: Rows, start: Calibration, way: str) -> Rows:
    """The rows that somebody who decides in this way decides about."""
    if way == "same only":
        return rows[rows[:, 2] > 0]
    return rows[np.abs(start.log_odds(rows[:, 1])) > SURE] if way == "easy only" else rows


def errors(curve: Calibration, rows: Rows) -> tuple[float, float]:
    """Brier score and expected calibration error of a curve's probabilities."""
    chance, same = curve.probability(rows[:, 1]), rows[:, 2]
    tenth = np.minimum((chance * 10).astype(int), 9)
    parts = [tenth == number for number in np.unique(tenth)]
    gap = sum(abs(chance[part].mean() - same[part].mean()) * part.mean() for part in parts)
    return float(np.mean((chance - same) ** 2)), float(gap)


def compared(model: str, rows: Rows, start: Calibration, way: str, decisions: int) -> NDArray[np.float64]:
    """Brier score of the start curve and of the moved one, then the calibration error of both."""
    figures = []
    for seed in range(DRAWS):
        draw = np.random.default_rng([seed, decisions])
        queries = draw.permutation(np.unique(rows[:, 0]))
        mine = np.isin(rows[:, 0], queries[: len(queries) // 2])
        decided = draw.permutation(chosen(rows[mine], start, way))[:decisions]
        found = fit(model, decided[:, 1], decided[:, 2] > 0, decided[:, 0].astype(np.int64), start)
        assert found is not None
        before, after = errors(start, rows[~mine]), errors(found.curve, rows[~mine])
        figures.append((before[0], after[0], before[1], after[1]))
    return np.mean(figures, axis=0)


def table(of: dict[str, dict[str, Rows]]) -> Iterator[tuple[str, str, str, int, NDArray[np.float64]]]:
    """The figures of every set, model, way to decide and number of decisions. of: rows by set and model."""
    for name, other in (tuple(of), tuple(reversed(of))):
        for model, way, decisions in product(of[name], WAYS, DECISIONS):
            start = isotonic(model, of[other][model][:, 1], of[other][model][:, 2] > 0)
            yield name, model, way, decisions, compared(model, of[name][model], start, way, decisions)


def test_decisions_do_not_make_the_probabilities_of_other_animals_worse(real_data):
    sets = {"tigers": real_data / "tigers" / "tigers.csv", "cows": real_data / "reid_holstein" / "reid.csv"}
    of = {name: {model: rows_of(path, model) for model in MODELS} for name, path in sets.items()}
    worse = []
    for name, model, way, decisions, figures in table(of):
        print(f"{name:7} {model:17} {way:10} {decisions:4}  " + "  ".join(f"{figure:.4f}" for figure in figures))
        if figures[1] > figures[0] + 0.0005 or figures[3] > figures[2] + 0.005:
            worse.append((name, model, way, decisions))
    assert worse == []
