"""Runs the benchmarks and writes their figures: python -m tests.benchmarks [--quick] [NAME ...]

Prints a table of all figures with their bars, and puts it with date and machine into FIGURES.md. --quick leaves out
what takes long, and writes nothing. NAME: rapid_speed for test_rapid_speed.py.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import psutil

from tests.benchmarks.conftest import is_met, shown

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FIGURES = HERE / "FIGURES.md"
BEGIN, END = "<!-- python -m tests.benchmarks -->", "<!-- end -->"


def main(arguments: list[str]) -> int:
    """Run the benchmarks; returns pytest's exit status."""
    parser = argparse.ArgumentParser("tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only those of a few seconds; FIGURES.md stays as it is")
    parser.add_argument("names", nargs="*", help="all when none is given")
    asked = parser.parse_args(arguments)
    paths = [str(HERE / f"test_{name}.py") for name in asked.names] or [str(HERE)]
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "figures"
        kept.touch()
        marks = "benchmark and quick" if asked.quick else "benchmark"
        status = subprocess.call(
            [sys.executable, "-m", "pytest", *paths, "-m", marks, "-n", "0", "-q", "--durations=0"],
            cwd=ROOT,
            env={**os.environ, "PUGMARK_FIGURES": str(kept)},
        )
        rows = [json.loads(text) for text in kept.read_text(encoding="utf-8").splitlines()]
    print("\n" + table(rows))
    if not asked.quick and not asked.names:
        write(rows)
    return status


def table(rows: list[dict[str, float | str]]) -> str:
    """The figures as a Markdown table."""
    lines = ["| benchmark | figure | value | bare | bar | |", "|---|---|---|---|---|---|"]
    for row in rows:
        bars = [f"{sign} {shown(row[bar])}" for bar, sign in (("at_most", "≤"), ("at_least", "≥")) if bar in row]
        bare = shown(row["baseline"]) if "baseline" in row else ""
        verdict = ("met" if is_met(row) else "**missed**") if bars else ""
        value = f"{shown(row['value'])} {row['unit']}".strip()
        lines.append(f"| {row['of']} | {row['what']} | {value} | {bare} | {' '.join(bars)} | {verdict} |")
    return "\n".join(lines)


def write(rows: list[dict[str, float | str]]) -> None:
    """Put the table into FIGURES.md, in place of the one before."""
    machine = f"{os.cpu_count()} cores {platform.machine()}, {psutil.virtual_memory().total / 2**30:.0f} GB"
    made = f"{date.today()}, {machine}, load {os.getloadavg()[0]:.1f} at the end, Python {platform.python_version()}"
    text = FIGURES.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    FIGURES.write_text(f"{before}{BEGIN}\n\n{made}\n\n{table(rows)}\n\n{END}{after or chr(10)}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
