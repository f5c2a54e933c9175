"""What was measured with `python -m app evaluate`, one row a measurement."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import streamlit as st

from app.evaluation.saved import Evaluation, saved_evaluations

MOST = 30
SHOWN = ("top-1", "top-5", "mAP", "AUROC", "AP50", "AP", "recall")


def evaluations(data_dir: Path) -> None:
    """The newest measurements, or how to make one."""
    found = saved_evaluations(data_dir)[:MOST]
    if not found:
        st.caption(
            "Nothing has been measured here yet. `python -m app evaluate identification --csv FILE --model fused` and "
            "`evaluate detection` measure a model against known answers and leave a row here."
        )
        return
    st.dataframe(
        {
            "model": [f"{evaluation.model} {evaluation.version}" for evaluation in found],
            "task": [evaluation.task for evaluation in found],
            "pictures": [evaluation.data for evaluation in found],
            "measured": [
                datetime.fromtimestamp(evaluation.measured_at).strftime("%Y-%m-%d %H:%M") for evaluation in found
            ],
            "figures": [_words(evaluation) for evaluation in found],
        },
        hide_index=True,
    )


def _words(evaluation: Evaluation) -> str:
    numbers = {name: value for name, value in evaluation.figures.items() if isinstance(value, int | float)}
    first = [name for name in SHOWN if name in numbers] or list(numbers)[:6]
    return ", ".join(f"{name} {numbers[name]:.3g}" for name in first)
