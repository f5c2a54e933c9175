"""The house plan: imports go down only, the top level does not grow, one idea a file."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from app.files import stored_name

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
# Which room of app/ may import which: only from a lower floor.
FLOORS = (
    ("files", "operating_system", "background"),
    ("storage",),
    ("settings",),
    ("survey", "video"),
    ("ingest", "exchange", "sample"),
    ("notes", "safekeeping"),
    ("analysis", "matching"),
    ("evaluation", "jobs"),
    ("actions", "web"),
    ("deps",),
    ("ui",),
    ("pages", "commands", "shell", "main"),
    ("__main__",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# Words that say nothing about what they name.
NO_NAMES = {"one", "said", "told"}
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


def _tracked() -> list[str]:
    return subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_tracked_files_stay_inside_the_top_level_of_the_plan():
    assert {name.split("/")[0] for name in _tracked()} <= TOP_LEVEL


def test_every_operating_system_can_check_out_the_tracked_files():
    parts = {part for name in _tracked() for part in name.split("/")}
    assert {part for part in parts if stored_name(part) != part} == set()
    assert len({name.lower() for name in _tracked()}) == len(_tracked())
    modes = subprocess.run(["git", "ls-files", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not [line for line in modes.splitlines() if line.startswith("120000")], "symbolic links"


@pytest.mark.parametrize("path", _sources("app", "modal_backend"), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_import_goes_up_a_layer(path: Path):
    room = path.relative_to(ROOT).parts[0]
    assert not _imported(path) & ABOVE[room]


def test_migrations_follow_each_other_in_one_line():
    assert len(ScriptDirectory(str(ROOT / "app/survey/migrations")).get_heads()) == 1


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


@pytest.mark.parametrize("folder", ["app", "app/survey", "app/ui", "modal_backend"])
def test_a_floor_holds_at_most_eight_loose_modules(folder: str):
    loose = sorted(path.name for path in (ROOT / folder).glob("*.py") if path.name != "__init__.py")
    assert len(loose) <= 8, loose


def test_nothing_in_app_bears_a_name_of_the_standard_library():
    # `streamlit run app/main.py` puts app/ on the import path, before the standard library's own folders.
    names = {path.stem for path in (ROOT / "app").iterdir()}
    assert not names & sys.stdlib_module_names


def test_modules_are_rooms_not_halls():
    long = {_name(path): n for path in _written() if (n := path.read_text(encoding="utf-8").count("\n")) > 300}
    assert long == {}


def test_functions_fit_on_a_screen():
    long = {
        f"{_name(path)}:{node.name}": lines
        for path in _written()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (lines := _code_lines(node)) > 50
    }
    assert long == {}


def _code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function; what its docstring explains counts one line."""
    explained = (ast.get_docstring(node, clean=False) or "").count("\n")
    return (node.end_lineno or 0) - node.lineno + 1 - explained


def test_imports_inside_app_go_down_only():
    up = []
    for path in _sources("app", "pages"):
        mine = _room(path.relative_to(ROOT).with_suffix("").parts)
        for name in _imported_modules(path):
            parts = tuple(name.split("."))
            if parts[0] == "app" and len(parts) > 1 and _room(parts) != mine and FLOOR[_room(parts)] >= FLOOR[mine]:
                up.append(f"{_name(path)} imports {name}")
    assert up == []


def test_a_name_says_what_it_names():
    nameless = [
        f"{_name(path)}:{node.lineno}"
        for path in _sources("app", "pages", "modal_backend", "tests")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if _names_of(node) & NO_NAMES
    ]
    assert nameless == []


def _names_of(node: ast.AST) -> set[str]:
    """The variable, parameter, function or class that a part of a program names."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
            return {name.strip("_").lower()}
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name.strip("_").lower()}
    return set()


def _written() -> list[Path]:
    """The modules that people wrote; migrations are records."""
    return [path for path in _sources("app", "pages", "modal_backend") if "migrations" not in path.parts]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _room(parts: tuple[str, ...]) -> str:
    return "pages" if parts[0] == "pages" else parts[1]


def _imported_modules(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "app":
            names.update(f"app.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize(
    ("pattern", "most"),
    [
        (r"\bwait_exponential\w*\(|\* ?2 ?\*\*|(delay|pause) \* 2", 1),
        (r"isinstance\([^)]*\b(Embedded|Modal)Backend\b", 0),
        (r"\bBench\b", 0),
    ],
    ids=["one back-off policy", "no question after the kind of backend", "no Bench"],
)
def test_every_mechanism_exists_once(pattern: str, most: int):
    found = [
        f"{_name(path)}:{number}"
        for path in _written()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(pattern, line)
    ]
    assert len(found) <= most, found
