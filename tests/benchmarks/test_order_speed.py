"""The first order of a query among 3,000 crops, and the last, for which the matcher looks at its candidates."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from app.analysis.calls import Lane
from app.analysis.context import open_context
from app.analysis.matches import match
from app.analysis.model_choice import Choice
from app.matching.gallery import Gallery
from app.survey.database import Survey
from app.survey.detections import results
from app.survey.detections.boxes import boxes
from app.survey.individuals.rankings import Scope
from modal_backend.contracts import Provenance
from modal_backend.models.matcher.features import XFeatReader
from modal_backend.registry import MATCH_FEATURES
from tests.benchmarks.test_gallery_scale import fill
from tests.support.striped import picture

CROPS, KINDS, QUERIES = 3_000, 60, 12


def read_points(survey: Survey, provenance: Provenance) -> None:
    """Give every crop the points of one of KINDS drawn coats."""
    reader = XFeatReader()
    kinds = [reader.read(picture(animal, 0)) for animal in range(KINDS)]
    with survey.write() as session:
        version = results.model_version(session, "matcher's features", provenance)
        for crop, view in boxes(session, range(1, CROPS + 1)).items():
            results.store_feature(session, crop, version, view.box, kinds[crop % KINDS], None)


@pytest.mark.benchmark
def test_the_first_order_comes_at_once_and_the_last_within_two_seconds(survey: Survey, measured):
    fill(survey, CROPS)
    gallery, first, last, pairs = Gallery(survey), [], [], []
    with open_context(survey, "test") as context:
        read_points(survey, context.backend.known_provenance(MATCH_FEATURES))
        gallery.warm_up()
        context.choose = lambda: Choice(later=(MATCH_FEATURES,))
        for query in range(10, 10 * (QUERIES + 1), 10):
            start = time.perf_counter()
            gallery.rank(query, Scope())
            first.append(time.perf_counter() - start)
            left = gallery.rank(query, Scope(), matching=True)
            asyncio.run(match(context, query, left, None, Lane()))
            gallery.rank(query, Scope(), matching=True, last=True)
            last.append(time.perf_counter() - start)
            pairs.append(len(left))
    measured(f"first order, {CROPS:,} crops: median", 1000 * float(np.median(first[1:])), "ms", at_most=100)
    measured("first order: slowest", 1000 * max(first[1:]), "ms")
    measured(f"last order, {np.mean(pairs):.0f} pairs: median", float(np.median(last[1:])), "s", at_most=2)
    measured("last order: slowest", max(last[1:]), "s")
