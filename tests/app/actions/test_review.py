"""What the browser sends becomes decisions, once; crops follow their boxes; people who overrule others are told."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from app.actions.decide import Settled
from app.actions.review import apply_review
from app.analysis.calls import Lane
from app.analysis.context import open_context
from app.analysis.crops import Crop
from app.analysis.crops import describe as describe_crops
from app.analysis.model_choice import Choice
from app.jobs.queue import DESCRIBED_AT_ONCE
from app.survey.database import Survey
from app.survey.detections.features import lacking
from app.survey.detections.results import box_key
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import Detection, Feature
from modal_backend.contracts import Box
from modal_backend.embedded import EmbeddedBackend
from modal_backend.registry import LOCAL
from tests.support.asked import Asked
from tests.support.surveys import add_media, describe, found


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def send(survey: Survey, asked: Asked) -> Callable[..., Settled]:
    """Sends actions as a browser does, numbered; returns what became of them."""
    numbers = iter(range(1, 10_000))

    def apply(*actions: dict[str, Any], who: str = "ana") -> Settled:
        full = [{"n": next(numbers), "uuid": f"u{time.monotonic_ns()}", **action} for action in actions]
        return apply_review(survey, asked, who, full, full[0]["n"] - 1)

    return apply


BOX = {"x": 0.1, "y": 0.1, "w": 0.4, "h": 0.4}


def test_the_crop_follows_a_moved_box_its_undo_and_its_redo(survey, asked, send):
    media, (box,) = add_media(survey, [found(0.9)])
    describe(survey, box, seed=1)
    send({"kind": "box", "media_id": media, "detection_id": box, "box": BOX})
    assert asked.described == [([box], False)]
    with survey.write() as session:
        session.execute(sa.update(Feature).values(box=box_key(Box(0.1, 0.1, 0.4, 0.4))))
    send({"kind": "undo", "undoes": None})
    assert asked.described[1:] == [([box], False)]
    with survey.write() as session:
        session.execute(sa.update(Feature).values(box=box_key(Box(0.2, 0.3, 0.3, 0.4))))
    send({"kind": "redo"})
    assert asked.described[2:] == [([box], False)]


def test_many_new_boxes_are_described_in_groups_behind_single_ones(survey, asked, send):
    media = [add_media(survey, [], minutes=number)[0] for number in range(DESCRIBED_AT_ONCE + 2)]
    send({"kind": "bulk", "what": "whole", "media_ids": media, "threshold": 0.5})
    assert [(len(ids), bulk) for ids, bulk in asked.described] == [(DESCRIBED_AT_ONCE, True), (2, True)]


def test_the_same_bulk_action_sent_again_is_one_decision(survey, send):
    media, _ = add_media(survey, [found(0.9)])
    action = {"kind": "bulk", "what": "blank", "media_ids": [media], "threshold": 0.5, "uuid": "same"}
    send(action)
    send(action)
    with survey.read() as session:
        assert session.scalar(sa.select(sa.func.count(Decision.id))) == 1


def test_who_overrules_a_decision_made_since_is_told_whose_it_was(survey, send):
    media, (box,) = add_media(survey, [found(0.9)])
    seen = time.time()
    send({"kind": "species", "detection_id": box, "media_id": media, "species": "leopard", "seen": seen}, who="ben")
    outcome = send({"kind": "species", "detection_id": box, "media_id": media, "species": "tiger", "seen": seen})
    assert outcome.messages[0].startswith("ben decided about this too")
    later = send({"kind": "species", "detection_id": box, "media_id": media, "species": "lion", "seen": time.time()})
    assert later.messages == []
    with survey.read() as session:
        assert [decision.view["species"] for decision in session.scalars(sa.select(Decision))] == [
            "leopard",
            "tiger",
            "lion",
        ]


def test_a_decision_over_that_of_another_tab_of_the_same_person_says_so(survey, send):
    media, _ = add_media(survey, [found(0.9)])
    seen = time.time()

    def press(kind: str, uuid: str) -> list[str]:
        pressed = {"kind": kind, "media_id": media, "boxes": [], "threshold": 0.5, "seen": seen, "uuid": uuid}
        return send(pressed).messages

    assert press("accept", "tab1.a") == []
    assert press("unsure", "tab1.b") == []
    assert press("blank", "tab2.c")[0].startswith("Another tab decided about this too")


def test_an_undo_in_the_way_of_somebody_elses_decision_says_whose_and_changes_nothing(survey, send):
    media, (box,) = add_media(survey, [found(0.9)])
    send({"kind": "species", "detection_id": box, "media_id": media, "species": "leopard"})
    send({"kind": "species", "detection_id": box, "media_id": media, "species": "tiger"}, who="ben")
    outcome = send({"kind": "undo", "undoes": None})
    assert "species, by ben" in outcome.problems[0]
    assert "History" in outcome.problems[0]


def test_media_left_out_of_a_bulk_decision_are_told_with_the_reason(survey, send):
    empty, _ = add_media(survey, [])
    outcome = send({"kind": "bulk", "what": "species", "species": "tiger", "media_ids": [empty], "threshold": 0.5})
    assert outcome.problems == ["1 image was left as before: nothing on it to label."]


def test_a_box_drawn_in_the_browser_is_found_again_after_undo_and_redo(survey, send):
    media, _ = add_media(survey, [])
    send({"kind": "draw", "media_id": media, "category": "animal", "box": BOX, "uuid": "drawn"})
    send({"kind": "undo", "undoes": "drawn"}, {"kind": "redo"})
    done = send({"kind": "species", "media_id": media, "detection_id": None, "drawn": "drawn", "species": "tiger"})
    assert done.problems == []


def test_a_worker_that_starts_knows_which_changed_boxes_nobody_described(survey, send):
    media, (accepted, untouched, moved) = add_media(survey, [found(0.9), found(0.8, x=0.6), found(0.3)])
    for number, box in enumerate((accepted, moved)):
        describe(survey, box, seed=number)
    send({"kind": "accept", "media_id": media, "threshold": 0.5, "boxes": [accepted, untouched]})
    send({"kind": "box", "media_id": media, "detection_id": moved, "box": BOX})
    send({"kind": "draw", "media_id": media, "category": "animal", "box": BOX})
    with survey.read() as session:
        drawn = session.scalar(sa.select(sa.func.max(Detection.id)))
        assert lacking(session, LOCAL) == [untouched, moved, drawn]


class LateFeatures(EmbeddedBackend):
    """A backend whose local features are ready only after the embedding, as on a busy machine."""

    embedded = threading.Event()

    def call(self, model, inputs):
        if model == LOCAL:
            self.embedded.wait(60)
            time.sleep(0.3)
            return super().call(model, inputs)
        answer = super().call(model, inputs)
        self.embedded.set()
        return answer


def test_describing_never_waits_for_itself_when_the_features_come_late(survey):
    media, (box,) = add_media(survey, [found(0.9)])
    picture = np.random.default_rng(1).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    crop = Crop(box, Path(f"{media}.jpg"), Box(0.2, 0.3, 0.3, 0.4), picture, 400)
    start = time.monotonic()
    with open_context(survey, "test", LateFeatures()) as context:
        asyncio.run(describe_crops(context, lambda: [crop], Choice().describing, None, Lane()))
    assert time.monotonic() - start < 30
    with survey.read() as session:
        assert session.scalar(sa.select(sa.func.count(Feature.id)).where(Feature.detection_id == box)) == 2
