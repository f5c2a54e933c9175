"""python -m app evaluate: measure a model against known answers, without touching the survey."""

from __future__ import annotations

import json
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tqdm import tqdm

from app.analysis.taking_in import BATCH, batches
from app.commands.output import CommandFailed, note, tell
from app.evaluation.saved import save_evaluation
from app.exchange import megadetector_json as lila
from app.ingest.intake import PICTURE_SIDE, source_files
from app.ingest.limits import Limits
from app.ingest.picture import decode
from app.ingest.refusals import Refused, RefusedFile
from app.ingest.source import SourceFile
from app.settings import Settings
from modal_backend.contracts import Failure
from modal_backend.embedded import EmbeddedBackend
from modal_backend.models.detectors.prepare import threshold as default_threshold
from modal_backend.registry import DETECTOR

MODELS = ("rapid", "rapid-448", "pocket-embedding", "xfeat", "fused", "fused-448", "fused-xfeat")


def add_arguments(command: ArgumentParser) -> None:
    """What the command takes."""
    kinds = command.add_subparsers(required=True, metavar="WHAT")
    boxes = kinds.add_parser("detection", help="boxes against COCO boxes")
    boxes.add_argument("--images", type=Path, required=True)
    boxes.add_argument("--truth", type=Path, required=True)
    boxes.set_defaults(measure=detection)
    who = kinds.add_parser("identification", help="rankings against known identities")
    who.add_argument("--csv", type=Path, required=True, dest="table")
    who.add_argument("--model", default="rapid", choices=MODELS)
    who.set_defaults(measure=identification)
    for kind in (boxes, who):
        kind.add_argument("--predictions", type=Path)
        kind.add_argument("--json", action="store_true", dest="as_json", default=SUPPRESS, help="answer in JSON")


def run(settings: Settings, options: Namespace) -> int:
    """Measure what was asked for and keep the figures."""
    status: int = options.measure(settings, options)
    return status


def detection(settings: Settings, options: Namespace) -> int:
    """Run the detector over a folder, score its boxes against COCO boxes and keep the figures."""
    known, images = _json(options.truth), options.images
    note(f"Looking at the images in {images}.")
    from app.evaluation.detection import evaluate_detection

    backend = EmbeddedBackend()
    backend.load(DETECTOR)
    rows = list(_detected(backend, images))
    threshold = default_threshold(DETECTOR)
    document = {"info": lila.info(_name(backend), threshold), "detection_categories": lila.CATEGORIES, "images": rows}
    if options.predictions:
        _write(options.predictions, document)
    result = evaluate_detection(document, known)
    about = backend.provenance(DETECTOR)
    _keep(settings, "detection", about.model, about.version, about.preprocessing, images, result)
    tell(options.as_json, result, "\n".join(f"{name:28} {value}" for name, value in result.items()))
    return 0


def identification(settings: Settings, options: Namespace) -> int:
    """Rank the query crops of a csv (path, identity, split) against its gallery crops, score the ranking, draw other
    splits (random, one gallery picture each, other events) and keep the figures."""
    table, model = options.table, options.model
    if not table.is_file():
        raise CommandFailed(f"There is no file at {table}.", 2)
    note(f"Ranking the crops of {table}.")
    from app.evaluation.identification import evaluate_csv

    document, result = evaluate_csv(table, model)
    if options.predictions:
        _write(options.predictions, document)
    _keep(settings, "identification", model, document["version"], document["preprocessing"], table, result)
    tell(options.as_json, result, "\n".join(_lines(result)))
    return 0


def _lines(result: dict[str, Any]) -> Iterator[str]:
    for name, value in result.items():
        if not isinstance(value, dict):
            yield f"{name:28} {value}"
            continue
        yield f"{name} (mean of {result['draws']} draws, worst in brackets)"
        for figure, mean in value.items():
            worst = value.get(f"{figure}_worst")
            if isinstance(mean, float) and not figure.endswith("_worst"):
                yield f"  {figure:26} {mean:.3f}" + (f" ({worst:.3f})" if worst is not None else "")


def _keep(
    settings: Settings, task: str, model: str, version: str, preprocessing: str, data: Path, figures: dict[str, Any]
) -> None:
    try:
        save_evaluation(settings.data_dir, task, model, version, preprocessing, str(data), figures)
    except OSError as error:
        note(f"The figures could not be kept in {settings.data_dir}: {error.strerror}.")


def _detected(backend: EmbeddedBackend, images: Path) -> Iterator[dict[str, Any]]:
    if not images.is_dir():
        raise CommandFailed(f"There is no folder at {images}.", 2)
    files = list(source_files(images, limits=Limits()))
    with ThreadPoolExecutor(2) as readers, tqdm(total=len(files), unit="image", desc="detect", disable=None) as bar:
        for group in batches(files, BATCH):
            prepared = list(readers.map(_prepare, group))
            ready = [picture for picture in prepared if not isinstance(picture, str)]
            answers = iter(backend.call(DETECTOR, ready).values)
            for file, outcome in zip(group, prepared, strict=True):
                yield _row(file.path, outcome if isinstance(outcome, str) else next(answers))
            bar.update(len(group))


def _prepare(file: SourceFile | RefusedFile) -> Any:
    from modal_backend.models.detectors.pocket_detector import PocketDetector

    if isinstance(file, RefusedFile):
        return file.message
    try:
        with file.open() as stream:
            return PocketDetector.prepare(decode(stream, at_least=PICTURE_SIDE))
    except Refused as refused:
        return refused.message


def _row(path: str, answer: Any) -> dict[str, Any]:
    if isinstance(answer, str | Failure):
        return {"file": path, "failure": str(answer), "detections": None}
    boxes = [
        lila.detection(found.category, found.confidence, found.box.x, found.box.y, found.box.width, found.box.height)
        for found in answer
    ]
    return {"file": path, "detections": boxes}


def _name(backend: EmbeddedBackend) -> str:
    provenance = backend.provenance(DETECTOR)
    return f"{provenance.model} {provenance.version}"


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read ({error.strerror}).", 2) from error
    except json.JSONDecodeError as error:
        raise CommandFailed(f"{path} is not JSON: {error}.", 2) from error
    if not isinstance(value, dict) or "images" not in value:
        raise CommandFailed(f"{path} holds no COCO boxes: it has no list of images.", 2)
    return value


def _write(path: Path, document: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{path} cannot be written ({error.strerror}).", 2) from error
