"""A box may be taken back while a model describes it."""

from __future__ import annotations

import numpy as np
import sqlalchemy as sa

from app.survey.decisions import boxes, undoing
from app.survey.detections import results
from app.survey.tables.detections import Feature
from modal_backend.contracts import Box, Category, Provenance
from tests.support.surveys import add_media


def test_a_box_taken_back_while_it_was_described_gets_no_features(survey):
    box = Box(0.1, 0.1, 0.2, 0.2)
    media_id, _ = add_media(survey, [])
    with survey.write() as session:
        made = boxes.draw_box(session, "ana", media_id, box, Category.ANIMAL)
        number = int(made.detection_id)
        undoing.undo_last(session, "ana", [made.kind])
    with survey.write() as session:
        version = results.model_version(session, "embed", Provenance("embedded", "model", "1", "", ""))
        results.store_feature(session, number, version, box, np.ones(8, np.float32), None)
    with survey.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Feature)) == 0
