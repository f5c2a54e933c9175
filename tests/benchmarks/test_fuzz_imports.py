"""Imports of damaged files beside good ones: the good ones come in, twice in a row, and nothing is left open.

Many damaged files share an import; only where it fails are they imported by halves, until the one to blame is found.
The steps are those of the job, in a process that may die alone, with a detector that finds nothing. Seed and number as
in `test_fuzz`: PUGMARK_FUZZ_SEED=123 PUGMARK_FUZZ_INPUTS=10000.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.analysis import pictures, videos
from app.analysis.context import open_context
from app.analysis.taking_in import batches
from app.ingest.refusals import Refused
from app.jobs import imports as job_steps
from app.jobs.current import Current, set_current
from app.matching.gallery import Gallery
from app.settings import Settings
from app.storage.errors import StoreError
from app.survey.database import open_survey
from app.survey.media import imports
from app.survey.tables.media import ImportBatch, ListedFile, Media
from modal_backend.contracts import Provenance, Result
from modal_backend.embedded import EmbeddedBackend
from modal_backend.errors import BackendError
from modal_backend.notes.table import SUFFIXES
from tests.benchmarks.test_fuzz import INPUTS, SEED, Child, changed, originals, repacked
from tests.support.pictures import encoded, noisy

pytestmark = pytest.mark.benchmark
GIVEN_UP_SECONDS = 600.0  # of a whole import
TOGETHER, GOOD = 100, 3  # files of a folder that are changed, and that are not
JPEGS = 0.7  # as a share of the changed files


class FindsNothing(EmbeddedBackend):
    """Looks at no picture, so that what is measured is the import."""

    def load(self, _model: str) -> float:
        return 0.0

    def call(self, model: str, inputs: Sequence[object]) -> Result:
        return Result([[] for _ in inputs], Provenance("embedded", model, "none", "0" * 64, ""), 0.0)


def importer(root: Path, inputs: Connection) -> None:
    """The child: imports each path that comes in twice, as the job does, and answers like `reader`."""
    root.mkdir(exist_ok=True)
    settings = Settings(PUGMARK_DATA_DIR=root, _env_file=None)
    survey = open_survey(settings)
    with open_context(survey, "fuzz", FindsNothing()) as context:
        now = Current(context, Gallery(survey), settings)
        set_current(now)
        while path := inputs.recv():
            began = time.process_time()
            outcome = next(filter(None, (import_outcome(now, path) for _ in "12")), "taken in")
            inputs.send((outcome, time.process_time() - began, 0))


def import_outcome(now: Current, path: Path) -> str:
    """Import a folder or a zip; what went wrong, in capitals, empty when nothing did."""
    survey = now.context.survey
    with survey.write() as session:
        import_id = imports.import_of_path(session, path).id
    try:
        run_import(now, import_id, f"import-{import_id}-{time.monotonic_ns()}")
    except Exception as error:
        return f"UNHANDLED {type(error).__name__}: {str(error)[:200]}"
    good = len(list(path.glob("good-*")))
    ready = sa.select(sa.func.count(sa.distinct(Media.id))).join(ListedFile).join(ImportBatch)
    with survey.read() as session:
        there = session.scalar(
            ready.where(ImportBatch.root == str(path), ListedFile.path.like("%good-%"), Media.stage == "ready")
        )
        open_ones = session.scalar(sa.select(sa.func.count(Media.id)).where(Media.stage.in_(["stored", "detected"])))
    return "" if there == good and not open_ones else f"LOST {there} of {good} good ones ready, {open_ones} left open"


def run_import(now: Current, import_id: int, job: str) -> None:
    """The steps of `import_media` in their order, without a queue."""
    job_steps._begin(now, import_id)
    while (media_ids := job_steps._take_in_some(now, import_id, job)) is not None:
        for batch in batches(media_ids):
            try:
                asyncio.run(pictures.analyse(now.context, batch, job, now.bulk))
            except (BackendError, StoreError, Refused, OSError) as error:
                pictures.fail(now.context, batch, str(error), job)
    with suppress(BackendError, Refused, OSError):
        videos.summarise_pending(now.context, import_id, job)
    job_steps._group(now, import_id)
    job_steps._close(now, import_id, None)


def culprits(child: Child, folder: Path, poison: list[Path]) -> list[str]:
    """Import these beside good files; where that fails, which of them are to blame, found by halves."""
    folder.mkdir()
    for path in poison:
        shutil.copy(path, folder)
    for number in range(GOOD):
        (folder / f"good-{number}.jpg").write_bytes(encoded(noisy(64, 48, seed=hash((str(folder), number)) % 2**32)))
    outcome, _, _ = child.ask(folder)
    shutil.rmtree(folder)
    if outcome[0].islower():
        return []
    if len(poison) == 1:
        kept = Path(os.environ.get("PUGMARK_FUZZ_KEEP", folder.parent)) / f"seed{SEED}-{poison[0].name}"
        shutil.copy(poison[0], kept)
        return [f"{kept}: {outcome}"]
    half = len(poison) // 2
    found = [*culprits(child, folder, poison[:half]), *culprits(child, folder, poison[half:])]
    return found or [f"{poison[0].name} to {poison[-1].name}, together only: {outcome}"]


def poisoned(chance: random.Random, kinds: dict[str, list[bytes]], path: Path) -> Path:
    """A changed file at this path, with the suffix of its kind: most are pictures, as on a card."""
    suffix = ".jpg" if chance.random() < JPEGS else chance.choice(sorted(kinds))
    data, other = chance.choice(kinds[suffix]), chance.choice(kinds[chance.choice(sorted(kinds))])
    is_zip = suffix == ".zip" and chance.random() < 0.5
    path = path.with_suffix(suffix)
    path.write_bytes((repacked if is_zip else changed)(chance, data, other))
    return path


def test_an_import_with_changed_files_takes_the_good_ones_in_twice_in_a_row(real_data: Path, tmp_path: Path) -> None:
    chance, bad = random.Random(SEED), list[str]()
    kinds: dict[str, list[bytes]] = {}
    for suffix, data in originals(real_data):
        if suffix not in SUFFIXES:
            kinds.setdefault(suffix, []).append(data)
    child = Child(partial(importer, tmp_path / "data"), GIVEN_UP_SECONDS)
    for first in range(0, INPUTS, TOGETHER):
        numbers = range(first, min(first + TOGETHER, INPUTS))
        poison = [poisoned(chance, kinds, tmp_path / f"{number}.any") for number in numbers]
        bad += culprits(child, tmp_path / f"card-{first}", [path for path in poison if path.suffix != ".zip"])
        for path in [path for path in poison if path.suffix == ".zip"]:
            outcome, _, _ = child.ask(path)
            bad += [] if outcome[0].islower() else [f"{path.name}: {outcome}"]
        for path in poison:
            path.unlink()
        print(f"{time.strftime('%X')} seed {SEED}: {numbers[-1] + 1} inputs, bad: {bad}", flush=True)
    assert bad == [], f"seed {SEED}: {bad}"
