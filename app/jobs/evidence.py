"""The jobs behind the evidence for a pair of crops; all but the matcher's run in the worker itself, whatever the
backend is."""

from __future__ import annotations

from dbos import DBOS

from app.analysis import evidence, evidence_by_matcher
from app.jobs.current import current
from app.jobs.steps import step


@DBOS.workflow(name="compare_pairs")
def compare_pairs(pairs: list[list[int]]) -> None:
    """Compute and keep the evidence of these pairs of crops."""
    compare(pairs)


@step()
def compare(pairs: list[list[int]]) -> None:
    """Pairs whose evidence is there are passed over."""
    evidence.compare_pairs(current().context, pairs)


@DBOS.workflow(name="compare_matched")
async def compare_matched(query_id: int, candidate_ids: list[int]) -> None:
    """Add the matcher's evidence to that of a query and these candidates."""
    await compare_by_matcher(query_id, candidate_ids, DBOS.workflow_id or "")


@step(preemptible=True)
async def compare_by_matcher(query_id: int, candidate_ids: list[int], job: str) -> None:
    """Run again after a crash, it collects the calls that were sent."""
    now = current()
    await evidence_by_matcher.compare(now.context, query_id, candidate_ids, job, now.interactive)


@DBOS.workflow(name="read_crops")
def read_crops(detection_ids: list[int], measure: list[int]) -> None:
    """Find the animal in these crops, and measure the quality of others."""
    read(detection_ids, measure)


@step()
def read(detection_ids: list[int], measure: list[int]) -> None:
    """Crops that were read are passed over."""
    evidence.measure_crops(current().context, measure)
    evidence.read_crops(current().context, detection_ids)
