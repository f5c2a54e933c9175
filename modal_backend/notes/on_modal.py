"""Keywords and clusters on Modal: plain lists go out, dicts come back, the same as from the functions here.

Inside `with app.run():` the ephemeral app answers, else the deployed one. `ask` may be replaced by whoever keeps a
ledger of calls.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tenacity import RetryError, Retrying, retry_if_exception_type, retry_if_result, stop_after_delay

from modal_backend.contracts import Failure, Result
from modal_backend.errors import JobFailed, ResultLost
from modal_backend.models.text.keywords import texts_and_categories
from modal_backend.models.text.sentence_embedding import DEFAULT_MODEL, LARGE_MODEL
from modal_backend.registry import CLUSTERS, KEYWORDS, LARGE_KEYWORDS, REMOTE
from modal_backend.remote import wire
from modal_backend.waiting import AWAITED, growing
from modal_backend.weights.whole_file import whole_file

Ask = Callable[[str, dict[str, Any]], dict[str, Any]]
POLL_SECONDS = 20.0
TIMES_LOST = 2


def call_modal_keybert_extraction(
    cv_data: pd.DataFrame, *, model_name: str = DEFAULT_MODEL, ask: Ask | None = None, **options: Any
) -> dict[str, Any]:
    """`run_keybert_extraction` on Modal.

    Raises BackendError.

    Args:
        cv_data: a table with `category` and `processed_text`. options: top_n, ngram_range, diversity, seed_words.
    """
    texts, categories = texts_and_categories(cv_data)
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}
    request = {"texts": texts, "categories": categories, "model_name": model_name, **plain}
    return (ask or ask_modal)(_model_of(model_name), request)


def call_modal_embedding(
    texts: Sequence[str], *, model_name: str = DEFAULT_MODEL, ask: Ask | None = None
) -> NDArray[np.float32]:
    """Unit vectors of texts, made on Modal. Raises BackendError."""
    if not texts:
        return np.zeros((0, 0), np.float32)
    answer = (ask or ask_modal)(_model_of(model_name), {"embed": list(texts), "model_name": model_name})
    return array(answer["vectors"])


def call_modal_keyword_clustering(
    discriminative_keywords: Any,
    *,
    vectors: NDArray[np.float32] | None = None,
    ask: Ask | None = None,
    **options: Any,
) -> dict[str, Any]:
    """`run_keyword_clustering` on Modal. options: model_name, seed, min_cluster_size, min_samples. Raises
    BackendError."""
    if isinstance(discriminative_keywords, pd.DataFrame):
        discriminative_keywords = {
            str(category): list(zip(rows["keyword"].astype(str), rows["support_in"].astype(int).tolist(), strict=True))
            if "support_in" in rows
            else rows["keyword"].astype(str).tolist()
            for category, rows in discriminative_keywords.groupby("category")
        }
    plain = {
        str(category): [[str(word[0]), int(word[1])] if isinstance(word, tuple) else word for word in keywords]
        for category, keywords in discriminative_keywords.items()
    }
    packed = None
    if vectors is not None:
        exact = np.ascontiguousarray(vectors, np.float32)
        packed = {"shape": list(exact.shape), "float32": exact.tobytes()}
    return (ask or ask_modal)(CLUSTERS, {"discriminative_keywords": plain, "vectors": packed, **options})


def array(packed: dict[str, Any]) -> NDArray[np.float32]:
    """A matrix that came over the wire."""
    return np.frombuffer(packed["float32"], np.float32).reshape(packed["shape"])


def ask_modal(model: str, request: dict[str, Any]) -> dict[str, Any]:
    """One request to the ephemeral app where one runs in this process, else to the deployed one.

    Waits as long as the function may run there. Raises BackendError.
    """
    ephemeral = _ephemeral(model)
    if ephemeral is not None:
        result = wire.unpack_answer(ephemeral.answer.remote(wire.pack_call([request])))
        return value_of(result.values[0])
    from modal_backend.client import ModalBackend, Options

    name = os.environ.get("MODAL_APP_NAME")
    return ask_backend(ModalBackend(Options(app_name=name) if name else None), model, request)


def ask_backend(backend: Any, model: str, request: dict[str, Any], kept: Path | None = None) -> dict[str, Any]:
    """One request through a backend's client, for as long as the function may run there. Raises BackendError.

    While nothing answers the same call is asked for again; only one whose answer is lost is made once more.

    Args:
        kept: a file for the ids of calls: whoever asks the same again after a crash collects what was sent.
    """
    name = hashlib.sha256(repr((model, request)).encode()).hexdigest()
    call_id = _known(kept).get(name)
    for _ in range(TIMES_LOST):
        if call_id is None:
            call_id = backend.submit(model, [request])
            _keep(kept, _known(kept) | {name: call_id})
        try:
            return value_of(_wait_for(backend, model, call_id).values[0])
        except ResultLost:
            call_id = None
        except JobFailed:
            _keep(kept, {other: id_ for other, id_ in _known(kept).items() if other != name})
            raise
    raise ResultLost(f"The answer of {model} was lost.")


def _known(kept: Path | None) -> dict[str, str]:
    found: dict[str, str] = json.loads(kept.read_text()) if kept and kept.is_file() else {}
    return found


def _keep(kept: Path | None, ids: dict[str, str]) -> None:
    if kept:
        with whole_file(kept) as part:
            part.write_text(json.dumps(ids))


def _wait_for(backend: Any, model: str, call_id: str) -> Result:
    seconds = REMOTE[model].timeout + REMOTE[model].startup_timeout
    later = retry_if_exception_type(AWAITED) | retry_if_result(lambda found: found is None)
    retrying = Retrying(retry=later, wait=growing(0.2), stop=stop_after_delay(seconds), reraise=True)
    try:
        result: Result = retrying(backend.collect, call_id, POLL_SECONDS)
    except RetryError as error:
        backend.cancel(call_id)
        raise JobFailed(f"{model} did not answer within {seconds} s; the call was cancelled.") from error
    return result


def value_of(value: Any) -> dict[str, Any]:
    """A model's answer, or JobFailed with the reason it gave."""
    if isinstance(value, Failure):
        raise JobFailed(value.reason)
    found: dict[str, Any] = value
    return found


def _model_of(embedding: str) -> str:
    return LARGE_KEYWORDS if embedding == LARGE_MODEL else KEYWORDS


def _ephemeral(model: str) -> Any:
    """The class of the app that runs inside this process; None outside `with app.run():`."""
    module = sys.modules.get("modal_backend.modal_app") or sys.modules.get("__main__")
    app = getattr(module, "app", None)
    if getattr(app, "app_id", None) is None or not hasattr(module, "CLASSES"):
        return None
    return module.CLASSES[model]()  # type: ignore[union-attr]
