"""Run the program as a person would, on a data directory of its own: in a process of its own, or within this one."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from app.__main__ import main
from app.settings import load_settings
from tests.support.forked import APP, start

ROOT = Path(__file__).resolve().parents[2]
NO_WEIGHTS = "/nonexistent/weights"
LONGEST = 600  # seconds


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """The environment of a command on this data directory."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PUGMARK_", "MODAL_"))}
    return {**kept, "PUGMARK_DATA_DIR": str(data_dir), "PUGMARK_WEIGHTS_DIR": NO_WEIGHTS, **more}


def pugmark(data_dir: Path, *arguments: str, expect: int = 0, **more: str) -> Any:
    """Run `python -m app ARGUMENTS --json`; returns the answer. Fails with the command's words on another status."""
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as words:
        command, env = [*arguments, "--json"], environment(data_dir, **more)
        process = start(APP, command, env, answer.fileno(), words.fileno())
        try:
            status = process.wait(LONGEST)
        finally:
            process.kill()
        for file in (answer, words):
            file.seek(0)
        assert status == expect, (answer.read() + words.read()).decode()
        return json.load(answer)


def pugmark_here(data_dir: Path, *arguments: str, expect: int = 0, **more: str) -> Any:
    """The same within this process, which has imported everything: for commands that answer at once."""
    answer, values = io.StringIO(), environment(data_dir, **more)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(answer):
        for name in os.environ.keys() - values.keys() - {"MODAL_CONFIG_PATH"}:
            patch.delenv(name)
        for name, value in values.items():
            patch.setenv(name, value)
        load_settings.cache_clear()
        status = main([*arguments, "--json"])
    load_settings.cache_clear()
    assert status == expect, answer.getvalue()
    return json.loads(answer.getvalue())


def brought_in(script: str, *libraries: str) -> set[str]:
    """Which of these libraries a new process has in memory once it has run the script."""
    script += f"\nimport sys; print(*set({libraries}) & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=LONGEST)
    assert ran.returncode == 0, ran.stderr
    return set(ran.stdout.split("\n")[-2].split())
