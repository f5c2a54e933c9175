"""The graph from notes to clusters, ready to run: NotesPipeline(data_dir, output_dir).dr.execute(["clusters_table"]).

Any node of modal_backend/notes/graph.py can be asked for alone. What was computed is kept in output_dir/.cache by
content: the same notes and settings cost nothing the second time, and other code starts an empty cache.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hamilton import driver, lifecycle

from modal_backend.models.text.discriminative import MIN_SUPPORT
from modal_backend.models.text.keywords import DIVERSITY, TOP_N
from modal_backend.models.text.note_text import NGRAMS
from modal_backend.models.text.sentence_embedding import DEFAULT_MODEL
from modal_backend.notes import graph, on_modal
from modal_backend.registry import CLUSTERS, KEYWORDS

# Errors are raised to the caller; Hamilton's own page of text about them is not for the users of this program.
logging.getLogger("hamilton").setLevel(logging.CRITICAL)

REMOTE_NODES = {"keywords_by_category": KEYWORDS, "clusters": CLUSTERS}
MOST_CACHED = 2 * 1024**3
PACKAGES = ("numpy", "scipy", "pandas", "scikit-learn", "torch", "sentence-transformers", "umap-learn", "hdbscan")
# What a result does not depend on.
WITHOUT_EFFECT = ["report", "ask"]
# The steps a person waits for, in order; the others take no time worth telling.
STEPS = ("cleaned", "candidates", "embeddings", "keywords_by_category", "keyword_statistics", "keyword_vectors",
         "clusters", "layout_2d", "clusters_table")  # fmt: skip


@dataclass(frozen=True)
class NoteSettings:
    """The settings of a run.

    Attributes:
        columns: which column holds which field (text, category, date, station, individual).
        join_names: categories that differ only by capitals, spaces or accents are one.
    """

    columns: dict[str, str | None] | None = None
    model_name: str = DEFAULT_MODEL
    seed: int = 0
    top_n: int = TOP_N
    ngrams: tuple[int, int] = NGRAMS
    diversity: float = DIVERSITY
    seed_words: tuple[str, ...] = ()
    min_support: int = MIN_SUPPORT
    min_cluster_size: int | None = None
    join_names: bool = True


class NotesPipeline:
    """The graph over one folder (or file) of notes; `dr` is Hamilton's driver.

    Raises nothing by itself; running a node raises BadNotes or BackendError.

    Args:
        use_remote: False, True, or the nodes that Modal answers (of REMOTE_NODES).
        report: called with (node, done, total) while it works.
    """

    def __init__(
        self,
        data_dir: str | Path,
        output_dir: str | Path,
        use_remote: bool | Collection[str] = False,
        disable_cache: bool = False,
        *,
        settings: NoteSettings | None = None,
        report: Callable[[str, int, int], None] | None = None,
        ask: on_modal.Ask | None = None,
    ) -> None:
        self.output_dir = Path(output_dir)
        self.settings = settings or NoteSettings()
        remote = set(REMOTE_NODES if use_remote is True else use_remote or ())
        if unknown := remote - set(REMOTE_NODES):
            raise ValueError(f"Modal cannot answer {', '.join(sorted(unknown))}; it can {', '.join(REMOTE_NODES)}.")
        inputs = asdict(self.settings)
        inputs["seed_words"] = list(inputs["seed_words"])
        builder = (
            driver.Builder()
            .with_modules(graph)
            .with_config(
                {
                    **inputs,
                    "data_dir": str(data_dir),
                    "extraction_on": "modal" if "keywords_by_category" in remote else "here",
                    "clustering_on": "modal" if "clusters" in remote else "here",
                    "report": report or _silent,
                    "ask": ask or on_modal.ask_modal,
                }
            )
            .with_adapters(NodeProgress(report or _silent))
        )
        if not disable_cache:
            builder = builder.with_cache(
                path=str(_cache_folder(self.output_dir)), recompute=["notes"], ignore=WITHOUT_EFFECT
            )
        self.dr = builder.build()

    def run(self, nodes: Sequence[str]) -> dict[str, Any]:
        """The values of these nodes by name. Raises BadNotes, BackendError."""
        return dict(self.dr.execute(list(nodes)))

    def drawing(self) -> str:
        """The graph in Graphviz' language: nodes and what they need."""
        lines = ["digraph {", 'rankdir="LR"; node [shape=box, style=rounded, fontname="sans-serif"];']
        known = {
            variable.name: variable for variable in self.dr.list_available_variables() if not variable.is_external_input
        }
        for name, node in known.items():
            lines.append(f'"{name}";')
            lines += [f'"{other}" -> "{name}";' for other in sorted(node.required_dependencies) if other in known]
        return "\n".join([*lines, "}"])


class NodeProgress(lifecycle.NodeExecutionHook):
    """Tells which node begins and ends."""

    def __init__(self, report: Callable[[str, int, int], None]) -> None:
        self._report = report

    def run_before_node_execution(self, *, node_name: str, **_: Any) -> None:
        """A node begins."""
        self._report(node_name, 0, 1)

    def run_after_node_execution(self, *, node_name: str, success: bool, **_: Any) -> None:
        """A node has ended."""
        if success:
            self._report(node_name, 1, 1)


def _silent(_node: str, _done: int, _total: int) -> None:
    pass


def _cache_folder(output_dir: Path) -> Path:
    """The cache of this code: of these sources with these packages. Older ones and a full one are removed."""
    here = Path(__file__).parent
    sources = sorted([*here.glob("*.py"), *(here.parent / "models" / "text").glob("*.py")])
    mark = hashlib.sha256()
    for source in sources:
        mark.update(source.read_bytes())
    mark.update(" ".join(version(package) for package in PACKAGES).encode())
    top = output_dir / ".cache"
    folder = top / mark.hexdigest()[:16]
    for other in top.glob("*") if top.is_dir() else ():
        full = other == folder and sum(file.stat().st_size for file in other.rglob("*") if file.is_file()) > MOST_CACHED
        if other != folder or full:
            shutil.rmtree(other, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
