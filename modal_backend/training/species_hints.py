"""Make the layer behind species hints: python -m modal_backend.training.species_hints --data DIR --out FILE

DIR as for the pocket detector. Boxes of animals with a species, and those of sources of one species, are cut out three
times (as marked, moved and mirrored, moved and grey) and described by the pocket embedding. The figures are those of
crops whose event (of a source of one camera: whose source) the layer had not seen. About three minutes on one core.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from safetensors.numpy import save_file
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from modal_backend.contracts import Picture
from modal_backend.models.embeddings.pocket_embedding import PocketEmbedding
from modal_backend.models.species.hints import SHOWN_FROM, VERSION, HintLayer, classified
from modal_backend.models.species.imagenet import NAMES

WORD_OF = {
    "bear": ("american black bear", "black bear"),
    "bird": ("american crow", "bird (towhee-like)", "bird_spec", "burrowing owl", "chicken", "great_tinamou", "heron",
             "silver pheasant", "turkey", "wading bird"),
    "cat": ("bobcat", "ocelot", "serval"),
    "cattle": ("cow",),
    "deer or antelope": ("deer", "elk", "red_brocket_deer", "white_tailed_deer"),
    "dog or fox": ("coyote", "fox", "grey fox", "wolf"),
    "elephant": ("african elephant",),
    "hare or rabbit": ("rabbit", "rabbit_openimages"),
    "marten, badger or skunk": ("striped skunk",),
    "monkey": ("chimpanzee", "chimpanzee or bonobo"),
    "opossum": ("common_opossum",),
    "pig": ("collared_peccary", "wild pig"),
    "puma": ("cougar", "mountain lion"),
    "raccoon or coati": ("raccoon", "white-nosed_coati"),
    "rodent": ("agouti", "capybara", "chipmunk", "coiban_agouti", "eastern fox squirrel", "ground squirrel", "paca",
               "red_squirrel", "spiny_rat"),
    "sheep or goat": ("mountain goat",),
    "turtle": ("gopher tortoise", "turtle"),
    "zebra": ("zebra",),
}  # fmt: skip
SPECIES = {species: word for word, names in WORD_OF.items() for species in names}
LABELLED = ("hand_animl", "hand_ena24", "hand_md", "hand_misc", "missouri_panama", "mlwic_ca01")
ONE_SPECIES = {"raccoon": 3, "capybara": 3, "rabbit_openimages": 1}  # every so many of their boxes
ONE_CAMERA = "mlwic_ca01"
FOLDS, DIMENSIONS, STRENGTH = 5, 128, 1.0
EMBEDDING_SCALE, ROLLED_SCALE = 7.0, 0.5


@dataclass(frozen=True, slots=True)
class Crops:
    """Described crops. vectors: (n, 1280); words: (n) places in NAMES; plain: (n) whether cut as marked."""

    vectors: NDArray[np.float32]
    words: NDArray[np.int64]
    sources: NDArray[np.str_]
    events: NDArray[np.str_]
    plain: NDArray[np.bool_]


def main() -> None:
    """Command line: see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    make(options.data, options.out)


def make(data: Path, out: Path) -> None:
    """Describe the crops, fit the layer, find out what its score is worth, and write weights and card."""
    crops = described(data, np.random.default_rng(0))
    rolled = classified(crops.vectors)
    shares = held_out(crops, rolled)
    judged = crops.plain & np.isin(crops.sources, LABELLED)
    right = (shares.argmax(axis=1) == crops.words)[judged]
    odds = np.log(np.clip(shares, 1e-4, 1 - 1e-4) / (1 - np.clip(shares, 1e-4, 1 - 1e-4))).max(axis=1)[judged]
    curve = LogisticRegression(C=100.0).fit(odds[:, None], right)
    slope, offset = float(curve.coef_[0, 0]), float(curve.intercept_[0])
    layer = fitted(crops, rolled, np.ones(len(crops.words), bool))
    facts = {"version": VERSION, "words": [NAMES[word] for word in layer.words], "slope": slope, "offset": offset}
    tensors = {name: getattr(layer, name).astype(np.float16) for name in ("embedding", "rolled", "bias")}
    save_file(tensors, str(out), {"facts": json.dumps(facts)})
    chances = 1 / (1 + np.exp(-(slope * odds + offset)))
    write_card(out, crops.sources[judged], right, chances)


def described(data: Path, rng: Generator) -> Crops:
    """The crops of all labelled boxes, each cut three times."""
    rows: list[tuple[Any, ...]] = []
    model = PocketEmbedding()
    for source in (*LABELLED, *ONE_SPECIES):
        facts = json.loads((data / source / "annotations.json").read_text(encoding="utf-8"))
        images = {image["id"]: image for image in facts["images"]}
        for note in facts["annotations"][:: ONE_SPECIES.get(source, 1)]:
            image = images[note["image_id"]]
            word = _word(note.get("species") or image.get("species") or source)
            if word is None:
                continue
            picture = np.asarray(cv2.imread(str(data / source / "images" / image["file_name"])))[:, :, ::-1]
            vectors = model.embed(cuts(picture, note["bbox"], rng))
            event = image.get("group") or image["file_name"]
            rows += [(vector, word, source, f"{source}/{event}", turn == 0) for turn, vector in enumerate(vectors)]
    columns = list(zip(*rows, strict=True))
    return Crops(np.stack(columns[0]), *(np.array(column) for column in columns[1:]))


def _word(species: str | list[str]) -> int | None:
    names = [species] if isinstance(species, str) else species
    word = SPECIES.get(names[0].lower()) if len(names) == 1 else None
    return None if word is None else NAMES.index(word)


def cuts(picture: Picture, box: list[float], rng: Generator) -> list[Picture]:
    """A box (x, y, width, height in pixels) cut out as it is, moved and mirrored, and moved and grey."""
    found = []
    for turn in range(3):
        x, y, wide, high = box
        if turn:
            x, y = x + rng.normal(0, 0.06) * wide, y + rng.normal(0, 0.06) * high
            wide, high = wide * np.exp(rng.normal(0, 0.1)), high * np.exp(rng.normal(0, 0.1))
        left, top = int(np.clip(x, 0, picture.shape[1] - 2)), int(np.clip(y, 0, picture.shape[0] - 2))
        crop = picture[top : max(int(y + high), top + 2), left : max(int(x + wide), left + 2)]
        if turn == 2:
            crop = np.repeat(crop.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
        found.append(np.ascontiguousarray(crop[:, ::-1] if turn == 1 else crop))
    return found


def held_out(crops: Crops, rolled: NDArray[np.float32]) -> NDArray[np.float32]:
    """The words of each crop (n, 42) by a layer that has seen no crop of its event, or its source of one camera."""
    events = np.unique(crops.events)
    fold_of = dict(zip(events, np.random.default_rng(0).integers(0, FOLDS, len(events)), strict=True))
    folds = np.array([FOLDS if event.startswith(ONE_CAMERA) else fold_of[event] for event in crops.events])
    shares = np.zeros((len(folds), len(NAMES)), np.float32)
    for fold in range(FOLDS + 1):
        out = folds == fold
        shares[out] = fitted(crops, rolled, ~out).shares(crops.vectors[out], rolled[out])
    return shares


def fitted(crops: Crops, rolled: NDArray[np.float32], using: NDArray[np.bool_]) -> HintLayer:
    """The layer fitted on some of the crops; large sources weigh less than their number."""
    names, numbers = np.unique(crops.sources[using], return_counts=True)
    weights = np.array([1 / np.sqrt(numbers[names == source][0]) for source in crops.sources[using]])
    pca = PCA(DIMENSIONS, random_state=0).fit(crops.vectors[using])
    reduced = (crops.vectors[using] - pca.mean_) @ pca.components_.T * EMBEDDING_SCALE
    model = LogisticRegression(C=STRENGTH, max_iter=500).fit(
        np.concatenate([reduced, rolled[using] * ROLLED_SCALE], axis=1),
        crops.words[using],
        sample_weight=weights / weights.mean(),
    )
    embedding = pca.components_.T @ model.coef_[:, :DIMENSIONS].T * EMBEDDING_SCALE
    bias = model.intercept_ - pca.mean_ @ embedding
    return HintLayer(
        embedding.astype(np.float32),
        (model.coef_[:, DIMENSIONS:].T * ROLLED_SCALE).astype(np.float32),
        bias.astype(np.float32),
        np.asarray(model.classes_),
    )


def write_card(out: Path, sources: NDArray[np.str_], right: NDArray[np.bool_], chances: NDArray[np.floating]) -> None:
    """Say beside the weights what they were made of and how often they are right."""
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    lines = [
        "# Species hints",
        "",
        f"SHA-256 `{digest}`. Made by `python -m modal_backend.training.species_hints --data DIR --out FILE`.",
        "A linear layer on the pocket embedding and the rolled-up ImageNet classifier; licence of the layer: MIT.",
        f"Trained on animals of {', '.join(LABELLED)} and of {', '.join(ONE_SPECIES)};",
        "sources and licences are those of the pocket detector's card. Words that none of them has come from the",
        "ImageNet classifier alone: they were not measured.",
        "",
        f"Shown from {SHOWN_FROM}. Each event was left out in turn; {ONE_CAMERA}, one camera, as a whole: its figure",
        "is what to expect from a new place; in the others the same place may have been seen at another time. The",
        "threshold and the curve of the score were chosen on these same crops.",
        "",
        "| source | animals | right if all were shown | shown | right of those shown |",
        "|---|---|---|---|---|",
    ]
    for source in ("all", *LABELLED):
        own = np.ones(len(right), bool) if source == "all" else sources == source
        shown = own & (chances >= SHOWN_FROM)
        of_shown = f"{right[shown].mean():.2f}" if shown.any() else ""
        share = shown.sum() / own.sum()
        lines.append(f"| {source} | {own.sum()} | {right[own].mean():.2f} | {share:.2f} | {of_shown} |")
    out.with_suffix(".md").write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
