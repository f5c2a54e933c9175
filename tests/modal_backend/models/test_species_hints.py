"""A species hint is a word of the list with a chance, whatever is trained; the shipped layer is the one of the card."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from modal_backend.models.species.hints import WEIGHTS, HintLayer, hints_of
from modal_backend.models.species.imagenet import NAMES, rolled_up


def test_classes_of_imagenet_are_rolled_up_to_words():
    logits = np.full((2, 1000), -20.0, np.float32)
    logits[0, [281, 285]] = 5.0  # two breeds of cats
    logits[1, 292] = 5.0
    shares = np.exp(rolled_up(logits))
    assert [NAMES[place] for place in shares.argmax(axis=1)] == ["cat", "tiger"]
    assert shares.max(axis=1) == pytest.approx(1, abs=1e-3)


def test_a_word_without_training_pictures_comes_from_the_classifier():
    words = np.array([NAMES.index("cat"), NAMES.index("bird")])
    layer = HintLayer(np.zeros((1280, 2), np.float32), np.zeros((len(NAMES), 2), np.float32), np.zeros(2), words)
    rolled = np.full((1, len(NAMES)), -9.0, np.float32)
    rolled[0, NAMES.index("tiger")] = np.log(0.9)
    shares = layer.shares(np.zeros((1, 1280), np.float32), rolled)
    assert NAMES[int(shares[0].argmax())] == "tiger"
    assert shares.sum() == pytest.approx(1, abs=1e-5)


def test_the_shipped_layer_answers_each_crop_and_is_that_of_its_card():
    vectors = np.random.default_rng(0).random((3, 1280)).astype(np.float32)
    answers = hints_of(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    assert len(answers) == 3
    assert all(name in NAMES and 0 <= chance <= 1 for name, chance in answers)
    assert hashlib.sha256(WEIGHTS.read_bytes()).hexdigest() in WEIGHTS.with_suffix(".md").read_text()
