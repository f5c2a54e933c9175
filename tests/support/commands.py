"""Run the program as a person would, in a process of its own on a data directory of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NO_WEIGHTS = "/nonexistent/weights"


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """The environment of a command on this data directory."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PUGMARK_", "MODAL_"))}
    return {**kept, "PUGMARK_DATA_DIR": str(data_dir), "PUGMARK_WEIGHTS_DIR": NO_WEIGHTS, **more}


def pugmark(data_dir: Path, *arguments: str, expect: int = 0, **more: str) -> Any:
    """Run `python -m app ARGUMENTS --json`; returns the answer. Fails with the command's words on another status."""
    ran = subprocess.run(
        [sys.executable, "-m", "app", *arguments, "--json"],
        cwd=ROOT,
        env=environment(data_dir, **more),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ran.returncode == expect, ran.stdout + ran.stderr
    return json.loads(ran.stdout)
