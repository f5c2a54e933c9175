"""The jobs behind the evidence for a pair of crops; they run in the worker itself, whatever the backend is."""

from __future__ import annotations

from dbos import DBOS

from app.analysis import evidence
from app.jobs.current import current


@DBOS.workflow(name="compare_pairs")
def compare_pairs(pairs: list[list[int]]) -> None:
    """Compute and keep the evidence of these pairs of crops."""
    evidence.compare_pairs(current().context, pairs)


@DBOS.workflow(name="read_crops")
def read_crops(detection_ids: list[int], measure: list[int]) -> None:
    """Find the animal in these crops, and measure the quality of others."""
    evidence.measure_crops(current().context, measure)
    evidence.read_crops(current().context, detection_ids)
