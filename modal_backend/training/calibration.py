"""Make the start values of the calibration: `python -m modal_backend.training.calibration --csv FILE --out FILE`.

Many random galleries are drawn from labelled crops: 4 to 24 identities with 1 to 6 pictures each, some of the queries
from identities outside, in three of ten galleries nobody named. The candidates a person would be shown are the pairs.
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from modal_backend.contracts import LocalFeatures, Vector
from modal_backend.models.embeddings.pocket_embedding import NAME as EMBEDDING
from modal_backend.models.embeddings.pocket_embedding import PocketEmbedding
from modal_backend.models.matcher.features import NAME as XFEAT
from modal_backend.models.matcher.features import XFeatReader
from modal_backend.models.matcher.matched import Matched
from modal_backend.models.probability.calibration import (
    FUSED,
    FUSED_FINE,
    FUSED_MATCHED,
    Calibration,
    fuse,
    fusion_weight,
    stand_out,
)
from modal_backend.models.probability.calibration_fit import isotonic
from modal_backend.models.rapid import features as rapid
from modal_backend.models.rapid.gallery import RapidGallery

SHOWN = 12
# RAPID 448 and the matcher weigh so many times what they earn in these galleries, where frames of one event flatter the
# others: across days and events they explain more. First place of their fusion with the embedding, before and after:
# cows with one picture .417 and .432, last two days .792 and .805; tigers with one picture .846 and .849, by event .788
# and .802, ten other draws .792 and .799; either set alone prefers it. With RAPID 224 in place of 448: .410 and .423,
# .779 and .805; .831 and .821, .759 and .753.
ACROSS_EVENTS = 2.0
SIZES, PICTURES, UNNAMED, STRANGERS = (4, 8, 12, 18, 24), (1, 1, 2, 3, 6), 0.3, 6

Pairs = NDArray[np.float64]


def main() -> None:
    """Read the crops, draw the galleries, write the curves."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--csv", type=Path, required=True)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--source", required=True, help="what the crops are, for the reader of the file")
    options.add_argument("--galleries", type=int, default=160)
    options.add_argument("--fine-galleries", type=int, default=60)
    options.add_argument("--matcher-galleries", type=int, default=12)
    given = options.parse_args()
    with given.csv.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    who = np.array([row["identity"] for row in rows])
    pictures = [
        np.asarray(ImageOps.exif_transpose(Image.open(given.csv.parent / row["path"])).convert("RGB")) for row in rows
    ]
    vectors = PocketEmbedding().embed(pictures)
    coarse = drawn_pairs([rapid.extract(picture) for picture in pictures], vectors, who, given.galleries)
    features = [rapid.extract(picture, rapid.RAPID_448) for picture in pictures]
    fine = drawn_pairs(features, vectors, who, given.fine_galleries)
    values = start_values(given.source, coarse, fine, len(who))
    reader = XFeatReader()
    matched = Matched({row: reader.read(picture) for row, picture in enumerate(pictures)})
    pairs = drawn_pairs(features, vectors, who, given.matcher_galleries, matched)
    values["models"] |= matcher_values(given.source, pairs, values["models"])
    given.out.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def matcher_values(source: str, pairs: Pairs, others: dict[str, Any]) -> dict[str, Any]:
    """Curves of the matcher and of its fusion with RAPID 448 and the pocket embedding.

    Args:
        source: what the crops are.
        pairs: rows of `drawn_pairs` with a matcher.
        others: the start values of the other models, as the file holds them.
    """
    same = pairs[:, 3] > 0
    about = f"{source}: {len(same)} candidates of {len(np.unique(pairs[:, 0]))} queries"
    curve, brier = weighed(XFEAT, pairs[:, 4], same)
    curves = {name: Calibration.from_json(name, others[name]) for name in (rapid.FINE, EMBEDDING)}
    odds = {rapid.FINE: curves[rapid.FINE].log_odds(pairs[:, 1]), EMBEDDING: curves[EMBEDDING].log_odds(pairs[:, 2])}
    weights = {name: known.weight for name, known in curves.items()} | {XFEAT: curve.weight}
    scores = _by_query(fuse(odds | {XFEAT: curve.log_odds(pairs[:, 4])}, weights), pairs)
    fused, fused_brier = weighed(FUSED_MATCHED, scores, same)
    return {
        XFEAT: {**curve.as_json(), "brier": round(brier, 4), "source": about},
        FUSED_MATCHED: {**fused.as_json(), "brier": round(fused_brier, 4), "source": about},
    }


def start_values(source: str, coarse: Pairs, fine: Pairs, pictures: int) -> dict[str, Any]:
    """Curves of both profiles of RAPID, of the pocket embedding and of their two fusions, with their weights."""
    same = coarse[:, 3] > 0
    queries = len(np.unique(coarse[:, 0]))
    about = f"{source}: {len(same)} candidates of {queries} queries in galleries drawn from {pictures} crops"
    vectors = weighed(EMBEDDING, coarse[:, 2], same)
    models = {EMBEDDING: vectors}
    for name, fused, pairs in ((rapid.NAME, FUSED, coarse), (rapid.FINE, FUSED_FINE, fine)):
        models[name] = weighed(name, pairs[:, 1], pairs[:, 3] > 0)
        odds = {name: models[name][0].log_odds(pairs[:, 1]), EMBEDDING: vectors[0].log_odds(pairs[:, 2])}
        scores = _by_query(fuse(odds, {name: models[name][0].weight, EMBEDDING: vectors[0].weight}), pairs)
        models[fused] = weighed(fused, scores, pairs[:, 3] > 0)
    return {
        "source": about,
        "models": {name: {**curve.as_json(), "brier": round(brier, 4)} for name, (curve, brier) in models.items()},
    }


def _by_query(fused: NDArray[np.float64], pairs: Pairs) -> NDArray[np.float64]:
    scores = np.empty(len(fused))
    for query in np.unique(pairs[:, 0]):
        mine = pairs[:, 0] == query
        scores[mine] = stand_out(fused[mine], pairs[mine, 5] > 0)
    return scores


def weighed(model: str, scores: NDArray[np.float64], same: NDArray[np.bool_]) -> tuple[Calibration, float]:
    """A curve with the weight it earned, and its mean squared error on the pairs it was fitted to."""
    curve = isotonic(model, scores, same)
    brier = float(np.mean((curve.probability(scores) - same) ** 2))
    times = ACROSS_EVENTS if model in (rapid.FINE, XFEAT) else 1.0
    return replace(curve, weight=times * fusion_weight(brier, float(same.mean()))), brier


def drawn_pairs(
    features: list[LocalFeatures],
    vectors: Vector,
    who: NDArray[np.str_],
    galleries: int,
    matched: Matched | None = None,
) -> Pairs:
    """Shown candidates of many galleries, a row each.

    Returns:
        (n, 6): query, RAPID's score, cosine, whether they are the same, the matcher's score (0 without `matched`), and
        whether the candidate has a name.
    """
    return np.concatenate([_gallery(number, features, vectors, who, matched) for number in range(galleries)])


def _gallery(
    seed: int, features: list[LocalFeatures], vectors: Vector, who: NDArray[np.str_], matched: Matched | None
) -> Pairs:
    draw = np.random.default_rng(seed)
    size, shots = int(draw.choice(SIZES)), int(draw.choice(PICTURES))
    people = draw.permutation(np.unique(who))
    nobody_named = draw.random() < UNNAMED
    gallery, inside, queries = RapidGallery(), [], []
    for place, person in enumerate(people[: size + STRANGERS]):
        mine = draw.permutation(np.flatnonzero(who == person))
        known = shots if place < size else 0
        inside += mine[:known].tolist()
        queries += mine[known : known + 2].tolist()
    for crop in inside:
        gallery.add(crop, features[crop], None if nobody_named else str(who[crop]))
    rows = []
    for query in queries:
        cosines = vectors[inside] @ vectors[query]
        found = _crops(gallery, features[query]) if nobody_named else _identities(gallery, features[query])
        groups = (
            {crop: [place] for place, crop in enumerate(inside)}
            if nobody_named
            else {animal: np.flatnonzero(who[inside] == animal).tolist() for animal in np.unique(who[inside])}
        )
        matches = _matches(matched, query, inside, gallery, features[query])
        mine = np.array(
            [
                (
                    seed * 10_000 + query,
                    found.get(key, 0.0),
                    cosines[places].max(),
                    who[query] == who[inside[places[0]]],
                    max(matches.get(inside[place], 0.0) for place in places),
                    not nobody_named,
                )
                for key, places in groups.items()
            ],
            float,
        )
        shown = np.union1d(np.argsort(-mine[:, 1])[:SHOWN], np.argsort(-mine[:, 2])[:SHOWN])
        rows.append(mine[shown])
    return np.concatenate(rows)


def _matches(
    matched: Matched | None, query: int, inside: list[int], gallery: RapidGallery, features: LocalFeatures
) -> dict[int, float]:
    """The matcher's scores of the crops that RAPID and the matcher itself put first."""
    if matched is None:
        return {}
    first = [candidate.crop_id for candidate in gallery.rank(features).candidates]
    return matched.scores(query, inside, [first])


def _crops(gallery: RapidGallery, features: LocalFeatures) -> dict[Any, float]:
    return {candidate.crop_id: candidate.score for candidate in gallery.rank(features, top=1000).candidates}


def _identities(gallery: RapidGallery, features: LocalFeatures) -> dict[Any, float]:
    return {np.str_(rank.identity): rank.score for rank in gallery.rank(features).identities}


if __name__ == "__main__":
    main()
