"""People are blurred in every picture the server hands out, until somebody decides otherwise."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from app import files
from app.survey.decisions import boxes, undoing
from app.survey.detections import results
from app.survey.detections.boxes import rescore
from app.survey.detections.results import crop_name
from app.survey.tables.detections import Detection
from app.survey.tables.media import Media, Stage
from app.web.services import Services
from modal_backend.contracts import Box, Category, Provenance
from modal_backend.contracts import Detection as Found

SHA = "5a" * 32
PERSON, ANIMAL = Box(0.5, 0.1, 0.25, 0.5), Box(0.0, 0.0, 1.0, 1.0)


def chequered(side: int = 160) -> Image.Image:
    values = (np.indices((side, side)).sum(axis=0) // 2 % 2 * 255).astype(np.uint8)
    return Image.fromarray(values).convert("RGB")


@pytest.fixture
def stored(services: Services) -> Callable[..., int]:
    """A media with its original, thumbnail and crop; confidence: of the person's box, None before it is analysed."""

    def store(confidence: float | None) -> int:
        assert services.settings is not None
        assert services.survey is not None
        folder = services.settings.data_dir
        with services.survey.write() as session:
            stage = Stage.STORED if confidence is None else Stage.READY
            media = Media(sha256=SHA, format="jpeg", bytes=1, width=160, height=160, stage=stage, kind="image")
            session.add(media)
            session.flush()
            found = [Found(Category.ANIMAL, 0.9, ANIMAL), Found(Category.PERSON, confidence or 0.0, PERSON)]
            if confidence is not None:
                version = results.model_version(session, "detect", Provenance("embedded", "d", "1", "", ""), 0.25)
                results.store_analysis(session, media.id, version, None, found)
                session.flush()
                rescore(session, [media.id])
                animal = session.query(Detection).filter_by(category="animal").one()
                crop = files.crop_path(folder, crop_name(animal.id, ANIMAL))
                crop.parent.mkdir(parents=True, exist_ok=True)
                chequered().save(crop, quality=95)
            for path in (files.thumb_path(folder, SHA), files.original_path(folder, SHA, ".jpg")):
                path.parent.mkdir(parents=True, exist_ok=True)
                chequered().save(path, quality=95)
            return media.id

    return store


def contrast(client: TestClient, address: str, token: str, box: Box) -> float:
    answer = client.get(address, params={"t": token})
    assert answer.status_code == 200, answer.text
    picture = Image.open(io.BytesIO(answer.content)).convert("L")
    left, top, right, bottom = box.pixels(*picture.size)
    return float(np.asarray(picture)[top + 8 : bottom - 8, left + 8 : right - 8].std())


ADDRESSES = [f"/thumbs/{SHA}.jpg", f"/views/{SHA}.jpg", f"/crops/{crop_name(1, ANIMAL)}"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_person_is_blurred_from_the_first_moment_and_the_rest_is_not(client, stored, read, address):
    stored(0.12)
    assert contrast(client, address, read, PERSON) < 10
    assert contrast(client, address, read, Box(0.0, 0.7, 1.0, 0.3)) > 80
    assert client.get(address, params={"t": read}).headers["cache-control"] == "no-store"


def test_a_doubtful_box_hides_nothing(client, stored, read):
    stored(0.04)
    assert contrast(client, ADDRESSES[0], read, PERSON) > 80


def test_a_picture_that_no_model_has_seen_yet_is_blurred_as_a_whole(client, stored, read):
    stored(None)
    for address in ADDRESSES[:2]:
        assert contrast(client, address, read, ANIMAL) < 20


def test_the_original_is_not_handed_out_while_a_person_is_on_it(client, stored, read):
    stored(0.5)
    answer = client.get(f"/files/{SHA}", params={"t": read})
    assert (answer.status_code, "people" in answer.json()["error"]) == (403, True)


def test_a_reviewer_lifts_the_blur_of_one_picture_and_takes_it_back(client, services, stored, read):
    media_id = stored(0.5)
    with services.survey.write() as session:
        decision = boxes.show_people(session, "Ana", media_id, shown=True)
        assert (decision.kind, decision.who, decision.media_id) == ("show people", "Ana", media_id)
        number = decision.id
    assert contrast(client, ADDRESSES[1], read, PERSON) > 80
    assert client.get(ADDRESSES[1], params={"t": read}).headers["cache-control"] == "no-store"
    assert client.get(f"/files/{SHA}", params={"t": read}).status_code == 200
    with services.survey.write() as session:
        undoing.undo_one(session, number, "Ana")
    assert contrast(client, ADDRESSES[1], read, PERSON) < 10


def test_a_box_that_is_no_person_after_all_hides_nothing_any_more(client, services, stored, read):
    stored(0.5)
    with services.survey.write() as session:
        person = session.query(Detection).filter_by(category="person").one()
        boxes.correct_box(session, "Ana", person.id, category="vehicle")
    assert contrast(client, ADDRESSES[0], read, PERSON) > 80
