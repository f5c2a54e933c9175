"""The house plan: imports go down only, the top level does not grow, one idea a file."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOP_LEVEL = {
    "app",
    "pages",
    "modal_backend",
    "tests",
    ".streamlit",
    "requirements.txt",
    "README.md",
    "pyproject.toml",
    "LICENSE",
    ".gitignore",
    ".ci",
    ".github",
}
ABOVE = {"modal_backend": {"app", "pages", "streamlit", "sqlalchemy", "dbos"}, "app": {"pages"}}
STREAMLIT_ROOMS = ("app/ui/", "app/main.py", "app/shell.py", "app/deps.py")
HEAVY = {"torch", "torchvision", "cv2", "faiss", "sklearn", "transformers"}


def _sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def _imported(path: Path, *, top_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_only else ast.walk(tree)
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.split(".")[0] for name in names}


def test_tracked_files_stay_inside_the_top_level_of_the_plan():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    assert {name.split("/")[0] for name in listed if name} <= TOP_LEVEL


@pytest.mark.parametrize("path", _sources("app", "modal_backend"), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_import_goes_up_a_layer(path: Path):
    room = path.relative_to(ROOT).parts[0]
    assert not _imported(path) & ABOVE[room]


def test_streamlit_is_known_only_in_its_rooms():
    outside = [
        name
        for path in _sources("app")
        if "streamlit" in _imported(path) and not (name := str(path.relative_to(ROOT))).startswith(STREAMLIT_ROOMS)
    ]
    assert outside == []


def test_pages_hold_no_sql_and_no_model():
    for path in _sources("pages"):
        assert not _imported(path) & ({"sqlalchemy", "dbos", "modal"} | HEAVY), path


def test_no_heavy_library_is_imported_at_the_top_of_the_app():
    for path in _sources("app", "pages"):
        assert not _imported(path, top_only=True) & HEAVY, path


def test_files_are_rooms_not_halls():
    long = {
        str(path.relative_to(ROOT)): n
        for path in _sources("app", "pages", "modal_backend")
        if "migrations" not in path.parts and (n := path.read_text(encoding="utf-8").count("\n")) > 320
    }
    assert long == {}
