"""The pocket embedding with its real weights, and ranking by cosine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from modal_backend.models.embeddings.pocket_embedding import PocketEmbedding, letterbox
from modal_backend.models.probability.cosine_ranking import START, cues_of, known_curve, rank_by_cosine
from tests.support.striped import picture


@pytest.fixture(scope="module")
def model() -> Iterator[PocketEmbedding]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    model = PocketEmbedding()
    model.load()
    yield model
    torch.set_num_threads(before)


def test_vectors_have_1280_numbers_and_length_one(model: PocketEmbedding):
    vectors = model.embed([picture(0, 0), picture(1, 0)[:60, :40]])
    assert vectors.shape == (2, 1280)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1.0, 1.0], abs=1e-5)


def test_a_crop_gets_the_same_vector_alone_and_in_a_batch(model: PocketEmbedding):
    crops = [picture(animal, 0)[: 200 - 7 * animal] for animal in range(10)]
    together = model.embed(crops)
    for place in (0, 4, 9):
        assert np.abs(model.embed([crops[place]])[0] - together[place]).max() < 1e-5


def test_no_crops_give_no_vectors(model: PocketEmbedding):
    assert model.embed([]).shape == (0, 1280)


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (900, 2)])
def test_tiny_and_flat_crops_give_finite_vectors(model: PocketEmbedding, shape: tuple[int, int]):
    assert np.isfinite(model.embed([np.zeros((*shape, 3), np.uint8)])).all()


def test_the_weights_are_named_by_their_hash(model: PocketEmbedding):
    assert len(model.weights_sha256) == 64


def test_pictures_of_one_coat_are_nearer_than_pictures_of_two(model: PocketEmbedding):
    vectors = model.embed([picture(animal, shot) for animal in range(4) for shot in range(2)])
    cosines = vectors[0::2] @ vectors[1::2].T
    assert np.diag(cosines).mean() > cosines[~np.eye(4, dtype=bool)].mean() + 0.02


def test_letterbox_keeps_the_shape_of_the_animal():
    fitted = letterbox(np.full((100, 200, 3), 255, np.uint8))
    assert fitted.shape == (288, 288, 3)
    rows = np.flatnonzero((fitted == 255).all(axis=(1, 2)))
    assert (rows[0], rows[-1]) == (72, 215)
    assert (fitted[:72] == 127).all()


def unit(*angles: float) -> np.ndarray:
    return np.array([[np.cos(angle), np.sin(angle)] for angle in angles], np.float32)


def test_identities_are_ranked_by_their_most_alike_picture():
    ranking = rank_by_cosine(unit(0.0)[0], unit(0.5, 0.1, 0.3, 2.0), ["a", "a", "b", "c"])
    assert [name for name, _ in ranking] == ["a", "b", "c"]
    assert [value for _, value in ranking] == pytest.approx(np.cos([0.1, 0.3, 2.0]), abs=1e-6)


def test_an_empty_gallery_ranks_nobody_and_tells_nothing():
    ranking = rank_by_cosine(unit(0.0)[0], np.zeros((0, 2), np.float32), [])
    assert ranking == []
    assert cues_of(ranking) is None
    assert known_curve(np.zeros((0, 2), np.float32), []) == START


def test_a_gallery_with_clear_animals_accepts_them_and_refuses_others():
    draw = np.random.default_rng(3)
    centres = draw.normal(size=(24, 64))

    def picture_of(animal: int) -> np.ndarray:
        vector = centres[animal] + 0.5 * draw.normal(size=64)
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    identities = [str(animal) for animal in range(12) for _ in range(4)]
    gallery = np.stack([picture_of(int(name)) for name in identities])
    curve = known_curve(gallery, identities)
    assert curve != START
    chances = []
    for animal in range(24):
        cues = cues_of(rank_by_cosine(picture_of(animal), gallery, identities))
        assert cues is not None
        chances.append(curve.probability(cues))
    assert min(chances[:12]) > 0.5 > max(chances[12:])
