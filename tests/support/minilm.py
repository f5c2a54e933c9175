"""all-MiniLM-L6-v2 as sentence-transformers runs it, in torch: the reference for ours and the model for KeyBERT."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from modal_backend.models.text.sentence_embedding import installed


@lru_cache(maxsize=1)
def minilm_by_torch() -> Any:
    """The SentenceTransformer of the weights that come with the install."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(installed()), device="cpu").eval()
