"""The drawn survey: what it writes, whether its truth is true, whether its individuals differ."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from app.sample.stamp import BAR
from app.sample.survey import SampleTruth, generate

SMALL = {"individuals": 2, "stations": 2, "events": 9, "pictures_per_event": 2, "blanks": 3}


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> SampleTruth:
    return generate(tmp_path_factory.mktemp("survey"), seed=11, **SMALL)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def test_one_folder_a_station_holds_every_picture_of_the_truth(survey):
    on_disk = {p.relative_to(survey.directory).as_posix() for p in survey.directory.rglob("*.JPG")}
    assert on_disk == {p.file_name for p in survey.pictures}
    assert {p.station for p in survey.pictures} == {"Ridge 1", "Ford 2"}
    assert len(survey.pictures) == 9 * 2 + 3
    assert any(p.night for p in survey.pictures)
    assert any(not p.night for p in survey.pictures)


def test_pictures_of_an_event_are_a_burst_and_events_lie_apart(survey):
    bursts = defaultdict(list)
    for p in survey.pictures:
        bursts[p.event].append(p)
    for burst in bursts.values():
        steps = [b.taken - a.taken for a, b in itertools.pairwise(burst)]
        assert all(timedelta(seconds=1) <= step <= timedelta(seconds=3) for step in steps)
    starts = sorted(burst[0].taken for burst in bursts.values())
    assert min(b - a for a, b in itertools.pairwise(starts)) > timedelta(seconds=90)


def test_exif_says_when_where_which_camera_and_that_it_is_drawn(survey):
    serials, places = defaultdict(set), defaultdict(set)
    for p in survey.pictures:
        with Image.open(survey.directory / p.file_name) as picture:
            assert picture.size == (p.width, p.height)
            exif = picture.getexif()
        inner, gps = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
        assert inner[0x9003] == f"{p.taken:%Y:%m:%d %H:%M:%S}"
        assert (exif[0x010F], exif[0x0110]) == ("Pugmark", "Synthetic trap")
        assert exif[0x010E].startswith("SYNTHETIC")
        assert (gps[1], gps[3]) == ("S", "E")
        serials[p.station].add(inner[0xA431])
        places[p.station].add((tuple(map(float, gps[2])), tuple(map(float, gps[4]))))
    assert all(len(s) == 1 for s in (*serials.values(), *places.values()))
    assert len(set.union(*serials.values())) == len(set.union(*places.values())) == 2


def test_truth_file_is_coco_and_says_the_same_as_the_returned_truth(survey):
    document = json.loads((survey.directory / "truth.json").read_text())
    assert [c["name"] for c in document["categories"]] == ["animal"]
    names = {i["id"]: i["file_name"] for i in document["images"]}
    written = sorted(
        (names[a["image_id"]], a["bbox"], a["identity"] or "", a["flank"]) for a in document["annotations"]
    )
    known = sorted(
        (p.file_name, list(a.box), a.identity or "", a.flank.value) for p in survey.pictures for a in p.animals
    )
    assert written == known
    assert any(not p.animals for p in survey.pictures)
    assert any(a.identity is None for p in survey.pictures for a in p.animals)


def test_boxes_hold_the_animal_and_the_rest_is_the_stations_background(survey):
    blanks = {(p.station, p.night): pixels(survey.directory / p.file_name) for p in survey.pictures if not p.animals}
    checked = 0
    for p in survey.pictures:
        for a in p.animals:
            left, top, width, height = a.box
            assert left >= 0
            assert top >= 0
            assert left + width <= p.width
            assert top + height <= p.height - BAR
        if len(p.animals) != 1 or (p.station, p.night) not in blanks:
            continue
        here, empty = pixels(survey.directory / p.file_name), blanks[p.station, p.night]
        difference = (structure(here) - structure(empty)) ** 2
        left, top, width, height = (side // 4 for side in p.animals[0].box)
        inside = difference[top : top + height, left : left + width]
        ring = np.ones(difference.shape, bool)
        ring[top : top + height, left : left + width] = False
        assert inside.mean() > 3 * difference[ring].mean(), p.file_name
        checked += 1
    assert checked >= 4


def structure(picture: np.ndarray) -> np.ndarray:
    """Brightness without the slow change of light, bar cut off."""
    grey = cv2.cvtColor(picture[:-BAR], cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA).astype(np.float32)
    return small - cv2.GaussianBlur(small, (0, 0), 10)


def test_the_same_seed_draws_the_same_pixels_and_another_seed_does_not(tmp_path):
    few = {"individuals": 1, "stations": 1, "events": 1, "pictures_per_event": 1, "blanks": 1}
    digests = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        truth = generate(tmp_path / name, seed=seed, **few)
        digest = hashlib.sha256((tmp_path / name / "truth.json").read_bytes())
        for p in truth.pictures:
            digest.update(pixels(tmp_path / name / p.file_name).tobytes())
        digests.append(digest.hexdigest())
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_progress_counts_every_picture_and_impossible_counts_are_refused(tmp_path):
    seen = []
    generate(tmp_path, stations=1, events=0, blanks=2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]
    with pytest.raises(ValueError, match="at least one station"):
        generate(tmp_path, stations=0)


def test_stripes_tell_flanks_apart_across_events_by_a_vote_of_local_features(survey):
    sift = cv2.SIFT_create(nfeatures=150)
    crops = []
    for p in survey.pictures:
        grey = cv2.cvtColor(pixels(survey.directory / p.file_name), cv2.COLOR_RGB2GRAY)
        for a in p.animals:
            left, top, width, height = a.box
            if a.identity is None or width < 200:
                continue
            crop = grey[top : top + height, left : left + width]
            crop = cv2.resize(crop, (224, round(224 * height / width)), interpolation=cv2.INTER_AREA)
            crops.append(((a.identity, a.flank), p.event, sift.detectAndCompute(crop, None)[1]))
    answers = []
    for who, event, query in crops:
        gallery = [(w, d) for w, e, d in crops if e != event]
        if who not in {w for w, _ in gallery}:
            continue
        votes = defaultdict(float)
        owner = [w for w, d in gallery for _ in d]
        for match in cv2.BFMatcher().match(query, np.vstack([d for _, d in gallery])):
            votes[owner[match.trainIdx]] += 1 / max(match.distance, 1e-6)
        answers.append(max(votes, key=votes.get) == who)
    assert len({w for w, _, _ in crops}) >= 3
    assert len(answers) >= 8
    assert np.mean(answers) >= 0.85
