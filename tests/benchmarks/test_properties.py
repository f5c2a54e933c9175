"""Every property of the survey's decisions with examples drawn at random; the seed is printed, to play them again."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROPERTIES = ["tests/app/survey/decisions", "tests/app/ingest"]


@pytest.mark.benchmark
def test_properties_hold_for_examples_drawn_at_random():
    seed = random.SystemRandom().randrange(2**32)
    command = [
        sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "--hypothesis-profile=random",
        f"--hypothesis-seed={seed}", "-m", "hypothesis", *PROPERTIES,
    ]  # fmt: skip
    print(f"seed {seed}: {' '.join(command[1:])}")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
