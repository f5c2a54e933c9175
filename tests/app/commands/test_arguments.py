"""Every command says what it takes; a call that cannot be understood ends with 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.__main__ import COMMANDS, parsed
from tests.support.commands import ROOT


@pytest.mark.parametrize("name", [name for name, _, _ in COMMANDS])
def test_every_command_has_help_and_an_answer_in_json(name: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        parsed([name, "--help"])
    assert ended.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        parsed(["--help"])
    shown = capsys.readouterr().out
    assert [name for name, _, _ in COMMANDS if name not in shown] == []


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["import"], ["evaluate"], ["export", "pdf", "out"]])
def test_a_call_that_cannot_be_understood_ends_with_2(arguments: list[str]):
    with pytest.raises(SystemExit) as ended:
        parsed(arguments)
    assert ended.value.code == 2


def test_json_may_stand_before_or_after_what_is_evaluated():
    wanted = ["--csv", "pairs.csv"]
    assert parsed(["evaluate", "--json", "identification", *wanted]).as_json
    assert parsed(["evaluate", "identification", *wanted, "--json"]).as_json
    assert not parsed(["evaluate", "identification", *wanted]).as_json
    assert parsed(["evaluate", "identification", *wanted]).table == Path("pairs.csv")


def test_a_command_that_has_ended_leaves_a_job_half_done_to_the_next_worker_and_does_not_let_it_fail(tmp_path):
    program = f"""
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from app.__main__ import leave

def job():
    time.sleep(0.3)
    try:
        ThreadPoolExecutor().submit(print)
    except RuntimeError:  # what Python says to it when its end has begun
        Path({str(tmp_path / "failed")!r}).touch()

ThreadPoolExecutor().submit(job)
print("done")
leave(3)
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout) == (3, "done\n"), ended.stderr
    assert not (tmp_path / "failed").exists()
