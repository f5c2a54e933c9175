"""A file of results is known by what is in it, and a wrong or broken one is refused with the reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.exchange.incoming.entries import BrokenResults, UnknownResults
from app.exchange.incoming.recognise import recognise

BOX = {"category": "1", "conf": 0.8, "bbox": [0.1, 0.1, 0.2, 0.2]}
IMAGE = {"file": "a.jpg", "detections": [BOX]}


def written(folder: Path, content: object) -> Path:
    place = folder / "image_recognition_file.txt"
    place.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return place


@pytest.mark.parametrize(
    ("document", "format", "model"),
    [
        ({"images": [IMAGE], "info": {"detector": "md_v5a.0.0.pt"}}, "MegaDetector JSON", "md_v5a.0.0"),
        ({"images": [IMAGE], "detection_categories": {"1": "leopard"}}, "MegaDetector JSON", "MegaDetector"),
        ({"predictions": [{"filepath": "a.jpg", "detections": [BOX]}]}, "SpeciesNet predictions", "SpeciesNet"),
        ({"annotations": [{"img_id": "a.jpg", "bbox": [[16, 12, 48, 36]], "category": [0], "confidence": [0.8]}]},
         "PytorchWildlife list", "PytorchWildlife"),
        ([IMAGE], "MegaDetector list", "MegaDetector"),
    ],
)  # fmt: skip
def test_every_kind_is_known_by_its_content_whatever_its_name(tmp_path, document, format, model):
    source = recognise(written(tmp_path, document))
    assert (source.format, source.model) == (format, model)
    (entry,) = source.entries()
    assert (entry.path, entry.problem, entry.boxes[0].category, entry.boxes[0].confidence) == (
        "a.jpg", None, "animal", 0.8,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "The file is empty."),
        ('{"images": [{"file": "a.jpg", "detections": []}, ', "The file is not whole JSON"),
        ('{"type": "FeatureCollection", "features": []}', "This JSON holds type: no results that Pugmark knows"),
        ("[" * 5000, "nested more than 30 levels deep"),
        ("GIF89a", "This is no file of results that Pugmark knows"),
    ],
)
def test_a_wrong_or_broken_file_is_refused_with_the_reason(tmp_path, text, reason):
    with pytest.raises((UnknownResults, BrokenResults), match=reason):
        recognise(written(tmp_path, text))


def test_classifications_and_every_image_of_a_published_sample_are_read(real_data):
    source = recognise(real_data / "exchange" / "megadetector_1.4_sample.json")
    assert (source.model, source.threshold) == ("md_v5.0.0", 0.8)
    assert [entry.problem for entry in source.entries()] == [None] * 21
