"""Fixtures: an empty survey of its own for every test, and real data where PUGMARK_TEST_DATA points to it."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from app.settings import Settings
from app.survey import database
from app.survey.database import Survey, open_survey
from tests.support.commands import NO_WEIGHTS
from tests.support.surveys import migrated

pytest_plugins = ["tests.modal.local_modal"]
MOST_PROCESSES = 4

# The same examples in every run; `--hypothesis-profile=random` draws new ones (tests/benchmarks/test_properties.py).
ANY_MACHINE = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]}
hypothesis_settings.register_profile("same", derandomize=True, **ANY_MACHINE)
hypothesis_settings.register_profile("random", print_blob=True, **ANY_MACHINE)
hypothesis_settings.load_profile("same")


def pytest_configure(config: pytest.Config) -> None:
    """Functions that numba compiles are kept from run to run, beside pytest's own cache.

    Processes that share the cores compute with one thread each: more would wait for each other at full speed.
    """
    if hasattr(config, "workerinput"):
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    if config.pluginmanager.has_plugin("cacheprovider"):
        os.environ.setdefault("NUMBA_CACHE_DIR", str(config.cache.mkdir("numba")))


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores, which works while others wait for a browser or a container."""
    return min((os.cpu_count() or 1) + 1, MOST_PROCESSES)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first: containers, browsers, pages, training. A file stays in one process."""
    items.sort(
        key=lambda item: (
            "control_plane" not in _fixtures(item),
            "browser" not in _fixtures(item),
            "pages" not in item.path.parts,
            "training" not in item.path.parts,
        )
    )


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """A million objects come to stay: no garbage is sought among them, now or when a page's script has ended."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


def _fixtures(item: pytest.Item) -> list[str]:
    """The fixtures a test uses, those of its fixtures included."""
    return getattr(item, "fixturenames", [])


@pytest.fixture(autouse=True)
def no_modal_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own Modal token must not send tests there."""
    monkeypatch.setenv("MODAL_CONFIG_PATH", "/nonexistent/.modal.toml")
    for name in ("MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True, scope="session")
def no_weights() -> Iterator[None]:
    """Weights that lie in a developer's own folder must not change what tests use."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUGMARK_WEIGHTS_DIR", NO_WEIGHTS)
        yield


@pytest.fixture(autouse=True, scope="session")
def migrated_once() -> Iterator[None]:
    """A new SQLite survey is a copy of one that the migrations made, once in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "migrate", migrated(database.migrate))
        yield


@pytest.fixture(autouse=True, scope="session")
def components_sought_once() -> Iterator[None]:
    """Every AppTest has Streamlit read the metadata of all installed packages; once in this process is enough."""
    if "streamlit" not in sys.modules:
        yield
        return
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings on an empty data directory."""
    return Settings(PUGMARK_DATA_DIR=tmp_path / "data", PUGMARK_REVIEWER="ana", _env_file=None)


@pytest.fixture
def survey(settings: Settings):
    """An empty survey."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    survey: Survey = open_survey(settings)
    yield survey
    survey.close()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with real pictures; tests that need it skip by name without it."""
    folder = os.environ.get("PUGMARK_TEST_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("real pictures: PUGMARK_TEST_DATA does not name a folder")
    return Path(folder)
