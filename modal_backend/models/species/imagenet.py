"""The animals among ImageNet's 1,000 classes, rolled up to words a biologist uses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Numbers of the classes (ILSVRC 2012, https://image-net.org/challenges/LSVRC/2012), first and last of each run.
CLASSES: dict[str, tuple[tuple[int, int], ...]] = {
    "amphibian": ((25, 32),),
    "armadillo": ((363, 363),),
    "bear": ((294, 297), (388, 388)),
    "bird": ((7, 24), (80, 100), (127, 146)),
    "camel": ((354, 355),),
    "cat": ((281, 285), (287, 287)),
    "cattle": ((345, 347),),
    "cheetah": ((293, 293),),
    "crocodile": ((49, 50),),
    "deer or antelope": ((351, 353),),
    "dog or fox": ((151, 275), (277, 280)),
    "elephant": ((101, 101), (385, 386)),
    "fish": ((0, 6), (389, 397)),
    "hare or rabbit": ((330, 332),),
    "hippopotamus": ((344, 344),),
    "horse": ((339, 339),),
    "hyena": ((276, 276),),
    "invertebrate": ((69, 79), (107, 126), (300, 329)),
    "jaguar": ((290, 290),),
    "kangaroo": ((104, 104),),
    "koala": ((105, 105),),
    "leopard": ((288, 288),),
    "lion": ((291, 291),),
    "lizard": ((38, 48),),
    "marten, badger or skunk": ((356, 362),),
    "mongoose": ((298, 299),),
    "monkey": ((365, 384),),
    "opossum": (),
    "pig": ((341, 343),),
    "porcupine": ((334, 334),),
    "puma": ((286, 286),),
    "raccoon or coati": ((387, 387),),
    "rodent": ((333, 333), (335, 338)),
    "sheep or goat": ((348, 350),),
    "sloth": ((364, 364),),
    "snake": ((52, 68),),
    "snow leopard": ((289, 289),),
    "tiger": ((292, 292),),
    "turtle": ((33, 37),),
    "whale or seal": ((147, 150),),
    "wombat": ((106, 106),),
    "zebra": ((340, 340),),
}
NAMES = tuple(CLASSES)
LEAST = -9.0


def rolled_up(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits of the classifier (n, 1000) -> log probability of each of NAMES (n, 42), at least -9."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    shares = np.zeros((len(logits), len(NAMES)), np.float32)
    for place, runs in enumerate(CLASSES.values()):
        for first, last in runs:
            shares[:, place] += odds[:, first : last + 1].sum(axis=1)
    return np.asarray(np.maximum(np.log(np.maximum(shares, 1e-9)), LEAST), np.float32)
