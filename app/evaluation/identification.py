"""How well a model tells individuals apart: rankings for a labelled table of crops, and their scores.

The table is a CSV with the columns path (relative to the CSV), identity and split (query or gallery).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modal_backend.contracts import Picture

MODELS = ("rapid", "pocket-embedding")
THRESHOLD = 0.5
CMC_RANKS = 20

Row = Mapping[str, str]
Answer = dict[str, Any]


class UnusableTable(ValueError):
    """The CSV cannot be read as a table of path, identity and split."""


def rank_csv(csv_path: Path, model: str) -> dict[str, Any]:
    """Rank the gallery's identities for every query of the table.

    Returns {"model", "version", "preprocessing", "weights_sha256", "gallery": pictures used, "queries":
    [{"path", "ranking": [[identity, score], ...], "known_probability": 0 to 1 or None}], "failed": [{"path",
    "reason"}]}. A picture that cannot be read is listed under "failed" and the run goes on; without a gallery
    every ranking is empty. Raises UnusableTable for a CSV without the columns, ValueError for an unknown
    model, WeightsMissing.
    """
    if model not in MODELS:
        raise ValueError(f"There is no model {model!r} to evaluate; choose one of {', '.join(MODELS)}.")
    rows = read_rows(csv_path)
    failed: list[dict[str, str]] = []
    run = _rapid if model == "rapid" else _pocket_embedding
    about, answers, used = run(rows, csv_path.parent, failed)
    return {"model": model, **about, "gallery": used, "queries": answers, "failed": failed}


def read_rows(csv_path: Path) -> list[dict[str, str]]:
    """Rows of the table. Raises UnusableTable naming what is missing or the split nobody knows."""
    with csv_path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = {"path", "identity", "split"} - set(reader.fieldnames or ())
        if missing:
            raise UnusableTable(f"{csv_path.name} lacks the columns {', '.join(sorted(missing))}.")
        rows = list(reader)
    for line, row in enumerate(rows, start=2):
        if row["split"] not in ("query", "gallery"):
            raise UnusableTable(f"{csv_path.name}, line {line}: split is {row['split']!r}; write query or gallery.")
    return rows


def _rapid(rows: Sequence[Row], folder: Path, failed: list[dict[str, str]]) -> tuple[dict[str, str], list[Answer], int]:
    from modal_backend.models import rapid
    from modal_backend.models.rapid_gallery import RapidGallery

    features = _each_picture(rows, folder, rapid.extract, failed)
    gallery = RapidGallery()
    for number, row in enumerate(rows):
        if row["split"] == "gallery" and number in features:
            gallery.add(number, features[number], row["identity"])
    answers = []
    for number, row in enumerate(rows):
        if row["split"] == "query" and number in features:
            ranking = gallery.rank(features[number])
            named = [(rank.identity, rank.score) for rank in ranking.identities]
            answers.append(_answer(row["path"], named, ranking.known_probability))
    about = {"version": rapid.VERSION, "preprocessing": rapid.PREPROCESSING, "weights_sha256": ""}
    return about, answers, len(gallery)


def _pocket_embedding(
    rows: Sequence[Row], folder: Path, failed: list[dict[str, str]]
) -> tuple[dict[str, str], list[Answer], int]:
    import numpy as np

    from modal_backend.models.cosine_ranking import cues_of, known_curve, rank_by_cosine
    from modal_backend.models.pocket_embedding import DIMENSION, PocketEmbedding

    model = PocketEmbedding()
    model.load()
    vectors = _each_picture(rows, folder, lambda picture: model.embed([picture])[0], failed)
    kept = [number for number, row in enumerate(rows) if row["split"] == "gallery" and number in vectors]
    gallery = np.stack([vectors[number] for number in kept]) if kept else np.zeros((0, DIMENSION), np.float32)
    identities = [rows[number]["identity"] for number in kept]
    curve = known_curve(gallery, identities)
    answers = []
    for number, row in enumerate(rows):
        if row["split"] == "query" and number in vectors:
            ranking = rank_by_cosine(vectors[number], gallery, identities)
            cues = cues_of(ranking)
            answers.append(_answer(row["path"], ranking, None if cues is None else curve.probability(cues)))
    about = {
        "version": model.VERSION,
        "preprocessing": model.PREPROCESSING,
        "weights_sha256": model.weights_sha256,
    }
    return about, answers, len(kept)


def _answer(path: str, ranking: Sequence[tuple[str, float]], known_probability: float | None) -> Answer:
    return {"path": path, "ranking": [list(pair) for pair in ranking], "known_probability": known_probability}


def _each_picture(
    rows: Sequence[Row], folder: Path, read: Callable[[Picture], Any], failed: list[dict[str, str]]
) -> dict[int, Any]:
    values: dict[int, Any] = {}
    for number, row in enumerate(rows):
        try:
            picture = _picture(folder / row["path"])
        except (OSError, ValueError, SyntaxError) as error:
            failed.append({"path": row["path"], "reason": f"The picture cannot be read: {error}"})
            continue
        values[number] = read(picture)
    return values


def _picture(path: Path) -> Picture:
    import numpy as np
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def score(predictions: Mapping[str, Any], rows: Sequence[Row]) -> dict[str, Any]:
    """Figures for predictions as rank_csv gives them, against the table's rows.

    Of queries whose identity is in the gallery: top1, top5, map (mean over queries of 1 / rank of the right
    identity, 0 when it is not ranked) and cmc (share right within rank 1, 2, ...). Of known_probability:
    auroc of known against unknown queries, accepted_known and refused_unknown at THRESHOLD. None where there
    is nothing to count. queries are those answered, of those asked.
    """
    gallery = {row["identity"] for row in rows if row["split"] == "gallery"}
    truth = {row["path"]: row["identity"] for row in rows if row["split"] == "query"}
    ranks: list[int | None] = []
    known: list[float] = []
    unknown: list[float] = []
    for query in predictions["queries"]:
        identity = truth.get(query["path"])
        if identity is None:
            continue
        probability = query.get("known_probability")
        if probability is not None:
            (known if identity in gallery else unknown).append(float(probability))
        if identity in gallery:
            names = [str(name) for name, _ in query["ranking"]]
            ranks.append(names.index(identity) + 1 if identity in names else None)
    return {
        "queries": len(ranks),
        "of": sum(identity in gallery for identity in truth.values()),
        "top1": _share(ranks, 1),
        "top5": _share(ranks, 5),
        "map": sum(1 / rank for rank in ranks if rank) / len(ranks) if ranks else None,
        "cmc": [_share(ranks, rank) for rank in range(1, CMC_RANKS + 1)] if ranks else [],
        "auroc": _auroc(known, unknown),
        "accepted_known": sum(value >= THRESHOLD for value in known) / len(known) if known else None,
        "refused_unknown": sum(value < THRESHOLD for value in unknown) / len(unknown) if unknown else None,
        "failed": len(predictions.get("failed", ())),
    }


def _share(ranks: Sequence[int | None], within: int) -> float | None:
    return sum(rank is not None and rank <= within for rank in ranks) / len(ranks) if ranks else None


def _auroc(known: Sequence[float], unknown: Sequence[float]) -> float | None:
    if not known or not unknown:
        return None
    wins = sum((a > b) + 0.5 * (a == b) for a in known for b in unknown)
    return wins / (len(known) * len(unknown))
