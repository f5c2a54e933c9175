"""How well a model tells individuals apart: rankings for a labelled table of crops, and their scores.

The table is a CSV with the columns path (relative to the CSV), identity and split (query or gallery); with a column
event or taken_at (ISO 8601) events are known as well. With a column day or occasion (in an order that sorts) it needs
no split: every identity's last two are asked about, the ones before are the gallery.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.evaluation import splits
from app.evaluation.described import Described, describe
from app.evaluation.rankers import MODELS, Named, rank
from app.evaluation.shortlist_recall import SHARE, shortlist_recall
from app.evaluation.splits import Split
from modal_backend.models.matcher.matched import Matched
from modal_backend.models.probability.calibration import PARTS, has_start, start

FUSED = "fused"
THRESHOLD = 0.5
MATCHED = "xfeat"
ERRORS = ("brier", "calibration_error")
CMC_RANKS = 20
DRAWS = 5

Row = Mapping[str, str]


class UnusableTable(ValueError):
    """The CSV cannot be read as a table of path, identity and split."""


def rank_csv(csv_path: Path, model: str) -> dict[str, Any]:
    """Rank the gallery's identities for every query of the table.

    Returns {"model", "version", "preprocessing", "weights_sha256", "gallery": pictures used, "queries":
    [{"path", "ranking": [[identity, score], ...], "known_probability": 0 to 1 or None}], "failed": [{"path",
    "reason"}]}. A picture that cannot be read is listed under "failed" and the run goes on; without a gallery
    every ranking is empty. Each crop counts as an event of its own. Raises UnusableTable for a CSV without the
    columns, ValueError for an unknown model, WeightsMissing.
    """
    rows = _table(csv_path, model)
    described = describe(rows, csv_path.parent, model)
    return _document(model, rows, described, splits.as_given(rows))


def evaluate_csv(csv_path: Path, model: str, draws: int = DRAWS) -> tuple[dict[str, Any], dict[str, Any]]:
    """The document of `rank_csv`, with events where they are known, and its scores under every split.

    The scores: those of `score` for the split as given; "random", "one_picture" and, where events are known,
    "event_disjoint": {figure: mean over the draws, figure_worst: of the worst draw}; "draws"; "events": how they were
    told. With the matcher fused every split also "..._together": the queries wait together, and those of another
    occasion or event that look like one count for it. Raises as `rank_csv`.
    """
    rows = _table(csv_path, model)
    described = describe(rows, csv_path.parent, model)
    kept = [number for number in range(len(rows)) if described.has(number)]
    table = [rows[number] for number in kept]
    within = _only(described, kept) if described.failed else described
    found = splits.events_of(table, _vectors(table, csv_path.parent, within)) if table else None
    apart = _occasion_numbers(table) if found is None or table[0].get("occasion") else found[0]
    moments = -np.arange(1, len(rows) + 1)
    moments[kept] = apart
    document = _document(model, rows, described, splits.as_given(rows), moments)
    figures = score(document, rows)
    cuts = _across_occasions(table, draws)
    cuts["random"] = [splits.at_random(table, seed) for seed in range(draws)]
    cuts["one_picture"] = [splits.one_picture(table, seed) for seed in range(draws)]
    if found is not None:
        events, figures["events"] = found
        cuts["event_disjoint"] = [splits.event_disjoint(table, events, seed) for seed in range(draws)]
    for name, of_kind in cuts.items():
        figures[name] = _mean(model, table, within, of_kind, apart)
        if MATCHED in PARTS.get(model, ()):
            figures[f"{name}_together"] = _mean(model, table, within, of_kind, apart, wait_together=True)
    if model == FUSED and table:
        recalls = [shortlist_recall(table, within, cut) for cut in cuts["random"]]
        figures["shortlist_share"] = SHARE
        figures["shortlist_recall"] = float(np.mean(recalls))
        figures["shortlist_recall_worst"] = min(recalls)
    figures["draws"] = draws
    return document, figures


def read_rows(csv_path: Path) -> list[dict[str, str]]:
    """Rows of the table. Raises UnusableTable naming what is missing or the split nobody knows."""
    with csv_path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        columns = set(reader.fieldnames or ())
        occasions = bool(columns & {"day", "occasion"})
        missing = {"path", "identity"} - columns if occasions else {"path", "identity", "split"} - columns
        if missing:
            raise UnusableTable(f"{csv_path.name} lacks the columns {', '.join(sorted(missing))}.")
        rows = list(reader)
    if "split" not in columns:
        asked = set(splits.last_occasions(rows).queries)
        rows = [{**row, "split": "query" if number in asked else "gallery"} for number, row in enumerate(rows)]
    for line, row in enumerate(rows, start=2):
        if row["split"] not in ("query", "gallery"):
            raise UnusableTable(f"{csv_path.name}, line {line}: split is {row['split']!r}; write query or gallery.")
    return rows


def score(predictions: Mapping[str, Any], rows: Sequence[Row]) -> dict[str, Any]:
    """Figures for predictions as rank_csv gives them, against the table's rows.

    Of queries whose identity is in the gallery: top1, top5, map (mean over queries of 1 / rank of the right
    identity, 0 when it is not ranked) and cmc (share right within rank 1, 2, ...). Of known_probability:
    auroc of known against unknown queries, accepted_known and refused_unknown at THRESHOLD, and accuracy, the mean of
    the two. None where there is nothing to count. queries are those answered, of those asked.
    """
    gallery = {row["identity"] for row in rows if row["split"] == "gallery"}
    truth = {row["path"]: row["identity"] for row in rows if row["split"] == "query"}
    answered = [(truth[query["path"]], query) for query in predictions["queries"] if query["path"] in truth]
    figures = _figures([(who, query["ranking"], query.get("known_probability")) for who, query in answered], gallery)
    figures["of"] = sum(identity in gallery for identity in truth.values())
    figures["failed"] = len(predictions.get("failed", ()))
    return figures


def _figures(answers: Sequence[tuple[str, Sequence[Any], float | None]], gallery: set[str]) -> dict[str, Any]:
    ranks: list[int | None] = []
    known: list[float] = []
    unknown: list[float] = []
    for identity, ranking, probability in answers:
        if probability is not None:
            (known if identity in gallery else unknown).append(float(probability))
        if identity in gallery:
            names = [str(name) for name, _ in ranking]
            ranks.append(names.index(identity) + 1 if identity in names else None)
    accepted = sum(value >= THRESHOLD for value in known) / len(known) if known else None
    refused = sum(value < THRESHOLD for value in unknown) / len(unknown) if unknown else None
    return {
        "queries": len(ranks),
        "top1": _share(ranks, 1),
        "top5": _share(ranks, 5),
        "map": sum(1 / rank for rank in ranks if rank) / len(ranks) if ranks else None,
        "cmc": [_share(ranks, rank) for rank in range(1, CMC_RANKS + 1)] if ranks else [],
        "auroc": _auroc(known, unknown),
        "accepted_known": accepted,
        "refused_unknown": refused,
        "accuracy": None if accepted is None or refused is None else (accepted + refused) / 2,
    }


def _across_occasions(table: Sequence[Row], draws: int) -> dict[str, list[Split]]:
    """The last occasions against those before, and one picture against other occasions.

    Empty for a table whose rows name no occasion.
    """
    if not table or not all(splits.occasion_of(row) for row in table):
        return {}
    return {
        "last_occasions": [splits.last_occasions(table)],
        "last_occasions_fifth_unknown": [splits.last_occasions(table, seed) for seed in range(draws)],
        "one_picture_other_occasions": [splits.one_picture_other_occasions(table, seed) for seed in range(draws)],
    }


def _occasion_numbers(table: Sequence[Row]) -> NDArray[np.int64]:
    names = sorted({row.get("occasion", "") for row in table})
    return np.array([names.index(row.get("occasion", "")) for row in table], np.int64)


def _mean(
    model: str,
    rows: Sequence[Row],
    described: Described,
    cuts: Sequence[Split],
    events: NDArray[np.int64],
    *,
    wait_together: bool = False,
) -> dict[str, Any]:
    """Means and worst values of the figures over several splits; a figure no split has is None.

    Args:
        events, wait_together: see `rank`.
    """
    every = []
    for cut in cuts:
        gallery = {rows[row]["identity"] for row in cut.gallery}
        answers = rank(model, rows, described, cut, events, wait_together=wait_together)
        named = [(rows[row]["identity"], *answer) for row, answer in zip(cut.queries, answers, strict=True)]
        every.append(_figures(named, gallery) | _errors(model, named))
    means: dict[str, Any] = {}
    for name in ("queries", "top1", "top5", "map", "auroc", "accepted_known", "refused_unknown", "accuracy", *ERRORS):
        values = [scores[name] for scores in every if scores[name] is not None]
        means[name] = float(np.mean(values)) if values else None
        if name not in ("queries",):
            worst = max if name in ERRORS else min
            means[f"{name}_worst"] = float(worst(values)) if values else None
    curves = [scores["cmc"] for scores in every if scores["cmc"]]
    means["cmc"] = np.mean(curves, axis=0).tolist() if curves else []
    return means


def _errors(model: str, answers: Sequence[tuple[str, Named, float | None]]) -> dict[str, float | None]:
    """Brier score and calibration error (ten bins) of the start curve's probabilities of all ranked pairs."""
    pairs = [(score, name == identity) for identity, ranking, _ in answers for name, score in ranking]
    if not pairs or not has_start(model):
        return dict.fromkeys(ERRORS)
    chance, same = start(model).probability([score for score, _ in pairs]), np.array([pair for _, pair in pairs], float)
    tenth = np.minimum((chance * 10).astype(int), 9)
    parts = [tenth == number for number in np.unique(tenth)]
    gap = sum(abs(chance[part].mean() - same[part].mean()) * part.mean() for part in parts)
    return {"brier": float(np.mean((chance - same) ** 2)), "calibration_error": float(gap)}


def _table(csv_path: Path, model: str) -> list[dict[str, str]]:
    if model not in MODELS:
        raise ValueError(f"There is no model {model!r} to evaluate; choose one of {', '.join(MODELS)}.")
    return read_rows(csv_path)


def _document(
    model: str,
    rows: Sequence[Row],
    described: Described,
    split: Split,
    events: NDArray[np.int64] | None = None,
) -> dict[str, Any]:
    asked = [row for row in split.queries if described.has(row)]
    answers = rank(model, rows, described, Split(split.gallery, asked), events)
    return {
        "model": model,
        **described.about,
        "gallery": sum(described.has(row) for row in split.gallery),
        "queries": [
            {"path": rows[row]["path"], "ranking": [list(pair) for pair in ranking], "known_probability": known}
            for row, (ranking, known) in zip(asked, answers, strict=True)
        ],
        "failed": described.failed,
    }


def _only(described: Described, kept: Sequence[int]) -> Described:
    """The same for a table of these rows alone."""
    local = {place: described.local[row] for place, row in enumerate(kept) if row in described.local}
    vectors = {place: described.vectors[row] for place, row in enumerate(kept) if row in described.vectors}
    points = {place: described.matched.points[row] for place, row in enumerate(kept) if row in described.matched.points}
    return Described(described.about, local, vectors, Matched(points))


def _vectors(rows: Sequence[Row], folder: Path, described: Described) -> Any:
    """Embeddings of all rows where the table itself does not tell events; None where it does."""
    if all(row.get("event") for row in rows) or all(row.get("taken_at") for row in rows):
        return None
    values = described.vectors or describe(rows, folder, PARTS["fused"][1]).vectors
    return np.stack([values[row] for row in range(len(rows))])


def _share(ranks: Sequence[int | None], within: int) -> float | None:
    return sum(rank is not None and rank <= within for rank in ranks) / len(ranks) if ranks else None


def _auroc(known: Sequence[float], unknown: Sequence[float]) -> float | None:
    from sklearn.metrics import roc_auc_score

    if not known or not unknown:
        return None
    return float(roc_auc_score([True] * len(known) + [False] * len(unknown), [*known, *unknown]))
