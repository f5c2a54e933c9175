"""python -m app sample: draw the synthetic sample survey and take it in."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from app.commands import imports
from app.settings import Settings
from app.survey.database import Survey, open_survey

SEED = 7


def run(settings: Settings, *, wait: bool, as_json: bool) -> int:
    """Exit status as for import."""
    survey = open_survey(settings)
    with tqdm(unit="image", desc="draw", dynamic_ncols=True) as bar:

        def drawn(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        folder = draw(settings, drawn)
    import_id = sample_import(survey, settings, folder)
    if not wait:
        return imports.queue(survey, settings, import_id, as_json)
    return imports.report(survey, imports.wait_for(survey, settings, import_id), as_json)


def draw(settings: Settings, drawn: object = None) -> Path:
    """Draw the pictures into the data directory unless they are there already; returns their folder."""
    from app.sample import generate

    folder = settings.data_dir / "sample" / "Sample survey"
    if not (folder / "truth.json").exists():
        generate(folder, seed=SEED, progress=drawn)  # type: ignore[arg-type]
    return folder
