"""python -m app export megadetector OUT.json."""

from __future__ import annotations

from pathlib import Path

from app.commands.output import CommandFailed, tell
from app.exchange import megadetector_json
from app.settings import Settings
from app.survey.database import open_survey


def run(settings: Settings, out: Path, *, as_json: bool) -> int:
    """Write the survey in the MegaDetector format. Exits with 2 when the file cannot be written."""
    try:
        rows = megadetector_json.export(open_survey(settings), out)
    except OSError as error:
        raise CommandFailed(f"{out} cannot be written ({error.strerror}).", 2) from error
    tell(as_json, {"file": str(out), "images": rows}, f"{rows} images written to {out}.")
    return 0
