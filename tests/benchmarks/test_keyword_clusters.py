"""Clusters of keywords against the known groups of real text (docstrings of installed packages), beside BERTopic's
defaults (UMAP 15 neighbours, 5 dimensions, cosine; HDBSCAN from 10 keywords on) on the same vectors and on the
embeddings of the keywords alone."""

from __future__ import annotations

import ast
import random
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from modal_backend.notes.pipeline import NotesPipeline

CORPORA = {
    "torch": ["torch.distributions", "torch.optim", "torch.nn", "torch.utils", "torch.fx", "torch.ao"],
    "web and tests": ["starlette", "_pytest", "openai", "httpx", "playwright", "dbos"],
    "numbers": ["numpy.lib", "numpy.linalg", "numpy.ma", "numpy.polynomial", "pandas.io", "pandas.core"],
}
PARAGRAPHS = 200


def paragraphs(name: str) -> list[str]:
    """Prose of the docstrings of one package, drawn by a fixed seed."""
    spec = find_spec(name)
    if spec is None or not spec.origin:
        pytest.skip(f"{name} is not installed")
    found: set[str] = set()
    for path in sorted(Path(spec.origin).parent.rglob("*.py")):
        if "test" in path.name:
            continue
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                parts = re.split(r"\n\s*\n", ast.get_docstring(node) or "")
                found |= {" ".join(part.split()) for part in parts if ">>>" not in part}
    prose = sorted(paragraph for paragraph in found if 60 < len(paragraph) < 500)
    random.Random(0).shuffle(prose)
    return prose[:PARAGRAPHS]


def bertopic_defaults(vectors: np.ndarray, seed: int) -> np.ndarray:
    """Labels by UMAP and HDBSCAN as BERTopic sets them."""
    from hdbscan import HDBSCAN
    from umap import UMAP

    reduced = UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=seed).fit_transform(
        vectors
    )
    return HDBSCAN(min_cluster_size=10, metric="euclidean", cluster_selection_method="eom").fit_predict(reduced)


@pytest.mark.benchmark
def test_clusters_agree_with_the_source_of_the_text_at_least_as_well_as_bertopics_defaults(tmp_path: Path, measured):
    from sklearn.metrics import normalized_mutual_info_score as nmi

    ours, same, alone = [], [], []
    for number, (name, packages) in enumerate(CORPORA.items()):
        notes = pd.DataFrame(
            [(text, package) for package in packages for text in paragraphs(package)], columns=["text", "category"]
        )
        folder = tmp_path / str(number)
        folder.mkdir()
        notes.to_csv(folder / "notes.csv", index=False)
        values = NotesPipeline(folder, folder, disable_cache=True).run(
            ["clusters_table", "discriminative_keywords", "keyword_vectors", "word_vectors"]
        )
        best = values["discriminative_keywords"].sort_values("z", ascending=False).drop_duplicates("keyword")
        source = best.set_index("keyword")["category"].reindex(values["clusters_table"]["keyword"])
        ours.append(nmi(source, values["clusters_table"]["cluster"]))
        same.append(np.mean([nmi(source, bertopic_defaults(values["keyword_vectors"], seed)) for seed in (42, 1)]))
        alone.append(np.mean([nmi(source, bertopic_defaults(values["word_vectors"], seed)) for seed in (42, 1)]))
        measured(f"clusters against sources, {name} (NMI)", ours[-1], baseline=same[-1])
    measured("mean of them", float(np.mean(ours)), baseline=float(np.mean(same)), at_least=float(np.mean(same)))
    assert np.mean(ours) >= np.mean(same)
    assert all(mine > theirs for mine, theirs in zip(ours, alone, strict=True))
