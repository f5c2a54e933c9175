"""Bring a model into memory: one function a family, the same for every backend. Nothing is fetched here."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from modal_backend.contracts import Failure, Provenance
from modal_backend.errors import BackendError, BackendMisconfigured, sentence
from modal_backend.registry import (
    CLOSER,
    CLUSTERS,
    DETECTOR,
    EMBEDDING,
    KEYWORDS,
    LARGE_KEYWORDS,
    LOCAL,
    LOCAL_FINE,
    MATCH_FEATURES,
    MATCHER,
    MODELS,
    OMNIVINCI,
    STAMPS,
    ModelEntry,
)
from modal_backend.weights import files as weights
from modal_backend.weights.files import Verified

Run = Callable[[Sequence[Any]], list[Any]]


def load(model: str, backend: str) -> tuple[Run, Provenance]:
    """What answers for a model, and where its results come from.

    Detectors take what `preparing.prepare` makes of a picture and give list[Detection]; embeddings take RGB crops and
    give vectors; rapid and xfeat take RGB crops and give LocalFeatures; lighterglue takes PairQuestions
    and gives list[PairMatches]; stamp-reader takes BarStrips and gives BarText; species takes RGB crops and gives
    SpeciesGuess;
    omnivinci takes VideoQuestions and gives VideoAnswers; keybert and keyword-clusters take and give dicts (see
    models/keywords.py and models/keyword_clusters.py). Raises BackendMisconfigured, or WeightsMissing.
    """
    if model in LOADERS:
        return LOADERS[model](backend)
    if model not in MODELS:
        raise BackendMisconfigured(f"There is no model named {model}.")
    raise BackendMisconfigured(
        f"{MODELS[model].title} is not in this version of Pugmark.",
        remedy=f"Use {', '.join(LOADERS)} until it is; a newer version has to be deployed for it.",
    )


def answer_each(run: Run, inputs: Sequence[Any]) -> list[Any]:
    """One value per input, in order; an input that fails yields a Failure and harms no other."""
    if not inputs:
        return []
    try:
        return run(inputs)
    except (RuntimeError, ValueError, ArithmeticError, MemoryError) as error:
        if len(inputs) == 1:
            return [Failure(f"{type(error).__name__}: {error}")]
        return [value for single in inputs for value in answer_each(run, [single])]


def provenance_of(entry: ModelEntry, backend: str, files: Sequence[Verified], preprocessing: str) -> Provenance:
    """Where a model's results come from. Weights that are not the published ones are named so in the version."""
    sha256 = files[0].sha256
    published = entry.version if entry.version != "own" else ""
    own = f"own {sha256[:8]}" if files[0].own or not published else ""
    version = f"{published} ({own})" if published and own else published or own
    return Provenance(backend, entry.name, version[:32], sha256, preprocessing)


def _pocket_detector(backend: str, name: str = DETECTOR) -> tuple[Run, Provenance]:
    from modal_backend.models.detectors.pocket_detector import PocketDetector

    detector = PocketDetector.load()
    preprocessing = detector.closer_preprocessing if name == CLOSER else detector.preprocessing
    return detector.detect_prepared, Provenance(backend, name, detector.version, detector.weights_sha256, preprocessing)


def _pocket_embedding(backend: str) -> tuple[Run, Provenance]:
    from modal_backend.models.embeddings.pocket_embedding import PocketEmbedding

    model = PocketEmbedding()
    model.load()
    return lambda crops: list(model.embed(crops)), Provenance(
        backend, EMBEDDING, model.VERSION, model.weights_sha256, model.PREPROCESSING
    )


def _rapid(backend: str, name: str = LOCAL) -> tuple[Run, Provenance]:
    from modal_backend.models.rapid import features

    profile, preprocessing = features.PROFILES[name]
    return lambda crops: [features.extract(crop, profile) for crop in crops], Provenance(
        backend, name, features.VERSION, "", preprocessing
    )


def _xfeat(backend: str) -> tuple[Run, Provenance]:
    from modal_backend.models.matcher import features

    reader = features.XFeatReader()
    return reader.read_all, Provenance(
        backend, MATCH_FEATURES, features.VERSION, features.WEIGHTS_SHA256, features.PREPROCESSING
    )


def _matcher(backend: str) -> tuple[Run, Provenance]:
    from modal_backend.models.matcher import features, pairs

    matcher = pairs.PairMatcher()
    return lambda questions: [matcher.match(question.query, question.others) for question in questions], Provenance(
        backend, MATCHER, pairs.VERSION, features.WEIGHTS_SHA256, pairs.PREPROCESSING
    )


def _stamps(backend: str) -> tuple[Run, Provenance]:
    from modal_backend.models.stamps import reader

    loaded = reader.StampReader()
    return loaded.read_all, Provenance(backend, STAMPS, reader.VERSION, loaded.weights_sha256, reader.PREPROCESSING)


def _omnivinci(backend: str) -> tuple[Run, Provenance]:
    """Asks the endpoint that this process's environment names, as a function on Modal does with its secret."""
    import asyncio

    from modal_backend.models.video import ask, prompts

    key = os.environ.get("OMNIVINCI_API_KEY", "").strip()
    if not key:
        raise BackendMisconfigured(
            "There is no OMNIVINCI_API_KEY in the container.",
            remedy="Run: modal secret create pugmark-omnivinci OMNIVINCI_API_KEY=<key>, then deploy again with "
            "OMNIVINCI_MODAL_SECRET=pugmark-omnivinci in the environment.",
        )
    url = os.environ.get("OMNIVINCI_API_URL") or ask.HOSTED_URL
    model = os.environ.get("OMNIVINCI_MODEL") or ask.HOSTED_MODEL
    endpoint = ask.Endpoint(key, url=url.rstrip("/"), model=model)

    def answer(question: Any) -> Any:
        try:
            return asyncio.run(ask.ask(endpoint, question))
        except BackendError as error:  # a Failure and no exception: Modal must not make the call again
            return Failure(sentence(error))

    def run(questions: Sequence[Any]) -> list[Any]:
        return [answer(question) for question in questions]

    return run, Provenance(backend, OMNIVINCI, model, "", f"prompts {prompts.VERSION}")


def _published(name: str, backend: str) -> tuple[Run, Provenance]:
    """A model whose weights lie in the weights folder: every file is verified, then read."""
    entry = MODELS[name]
    files = [weights.find(file) for file in entry.files]
    run, preprocessing = FAMILIES[name](entry, files)
    return run, provenance_of(entry, backend, files, preprocessing)


def _megadetector(entry: ModelEntry, files: Sequence[Verified]) -> tuple[Run, str]:
    from modal_backend.models.detectors.megadetector import MegaDetector

    detector = MegaDetector.load(files[0].path, entry.side)
    return detector.detect_prepared, detector.preprocessing


def _rtdetr(entry: ModelEntry, files: Sequence[Verified]) -> tuple[Run, str]:
    from modal_backend.models.detectors.rtdetr import RTDetr

    detector = RTDetr.load(files[0].path, entry.version)
    return detector.detect_prepared, detector.preprocessing


def _crops(entry: ModelEntry, files: Sequence[Verified]) -> tuple[Run, str]:
    """The networks that turn crops into vectors."""
    from modal_backend.models.embeddings import load as crop_networks

    model = crop_networks.load(entry, files[0].path)
    return lambda crops: list(model.embed(crops)), str(model.preprocessing)


def _species(entry: ModelEntry, files: Sequence[Verified]) -> tuple[Run, str]:
    from modal_backend.models.species import speciesnet

    del entry
    classifier = speciesnet.Species.load(files[0].path, files[1].path)
    return classifier.name, speciesnet.PREPROCESSING


FAMILIES: dict[str, Callable[[ModelEntry, Sequence[Verified]], tuple[Run, str]]] = {
    "megadetector": _megadetector,
    "megadetector-v5b": _megadetector,
    "megadetector-redwood": _megadetector,
    "megadetector-spruce": _megadetector,
    "megadetector-apa-e": _rtdetr,
    "megadetector-apa-c": _rtdetr,
    "tiger-reid": _crops,
    "tiger-reid-tuned": _crops,
    "megadescriptor": _crops,
    "megadescriptor-b-224": _crops,
    "megadescriptor-t-224": _crops,
    "miewid": _crops,
    "dinov2": _crops,
    "cvwc2019": _crops,
    "species": _species,
}


def _keywords(model: str, embedding: str, backend: str) -> tuple[Run, Provenance]:
    from modal_backend.models.text import keywords
    from modal_backend.models.text.sentence_embedding import load_embedding

    loaded = load_embedding(embedding)
    return lambda requests: [keywords.answer(request) for request in requests], Provenance(
        backend, model, keywords.VERSION, loaded.weights_sha256, f"{embedding}; words and phrases that stand together"
    )


def _clusters(backend: str) -> tuple[Run, Provenance]:
    from modal_backend.models.text import keyword_clusters

    return lambda requests: [keyword_clusters.answer(request) for request in requests], Provenance(
        backend, CLUSTERS, keyword_clusters.VERSION, "", "unit vectors; UMAP to 5 dimensions; HDBSCAN"
    )


LOADERS: dict[str, Callable[[str], tuple[Run, Provenance]]] = {
    DETECTOR: _pocket_detector,
    CLOSER: partial(_pocket_detector, name=CLOSER),
    EMBEDDING: _pocket_embedding,
    LOCAL: _rapid,
    OMNIVINCI: _omnivinci,
    **{name: partial(_published, name) for name in FAMILIES},
    KEYWORDS: partial(_keywords, KEYWORDS, "all-MiniLM-L6-v2"),
    LARGE_KEYWORDS: partial(_keywords, LARGE_KEYWORDS, "SFR-Embedding-Mistral"),
    CLUSTERS: _clusters,
    LOCAL_FINE: partial(_rapid, name=LOCAL_FINE),
    MATCH_FEATURES: _xfeat,
    MATCHER: _matcher,
    STAMPS: _stamps,
}
