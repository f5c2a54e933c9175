"""Doctor's lines about the machine: a full disk, a clock that was set back and a port in use come with a remedy."""

from __future__ import annotations

import shutil
import socket
import time
from collections import namedtuple
from pathlib import Path

import pytest

from app.analysis.model_choice import shown
from app.commands import doctor, machine
from app.settings import Settings
from app.survey.database import Survey
from app.survey.decisions import identity
from modal_backend.registry import MODELS
from tests.support.commands import ROOT
from tests.support.surveys import add_media, found


def test_a_disk_with_little_room_is_scarce(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.disk(settings.data_dir).state == "ready"
    usage = namedtuple("usage", "total used free")(10**12, 10**12 - 10**9, 10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    full = machine.disk(settings.data_dir)
    assert (full.state, "PUGMARK_DATA_DIR" in full.remedy) == ("scarce", True)


def test_a_clock_behind_the_newest_decision_is_wrong(
    settings: Settings, survey: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, (box,) = add_media(survey, [found()])
    with survey.write() as session:
        identity.new_individual(session, "ana", box)
    assert machine.clock(settings).state == "ready"
    earlier = time.time() - 86_400
    monkeypatch.setattr(machine.time, "time", lambda: earlier)
    behind = machine.clock(settings)
    assert (behind.state, "24.0 h" in behind.reason, behind.remedy) == ("wrong", True, "Set the clock.")


def test_a_port_that_another_program_holds_is_in_use() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        number = other.getsockname()[1]
        assert machine.port(number).state == "in use"
    assert machine.port(number).state == "ready"


def test_every_model_has_a_line() -> None:
    listed = {
        *doctor.POCKET,
        *doctor.UNTRIED,
        doctor.OMNIVINCI,
        *(name for name, model in MODELS.items() if model.files),
    }
    assert listed == set(MODELS)


# What README calls a model, and the lines of doctor that say how it is.
ROWS = {
    "pocket detector": ("pocket-detector",),
    "pocket detector, closer": ("pocket-detector-closer",),
    "RAPID, RAPID 448": ("rapid", "rapid-448"),
    "pocket embedding": ("pocket-embedding",),
    "matcher (XFeat + LighterGlue)": ("xfeat", "lighterglue"),
    "species hints": ("species-hints",),
    "stamp reader": ("stamp-reader",),
    "KeyBERT, keyword clusters": ("keybert", "keybert-large", "keyword-clusters"),
    "MegaDetector v5a/b, v1000, MDv6 `apa-rtdetr`": (
        "megadetector",
        "megadetector-v5b",
        "megadetector-redwood",
        "megadetector-spruce",
        "megadetector-apa-e",
        "megadetector-apa-c",
    ),
    "TigerReID": ("tiger-reid", "tiger-reid-tuned"),
    "MegaDescriptor, MiewID, DINOv2": ("megadescriptor", "megadescriptor-b-224", "miewid", "dinov2"),
    "CVWC2019 part-pose": ("cvwc2019",),
    "video language model": ("omnivinci",),
}


def test_every_model_of_the_readme_has_a_line_with_a_remedy_where_it_is_not_ready(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PUGMARK_WEIGHTS_DIR", str(tmp_path / "none"))
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("| name | what runs |")[2].partition("\n\n")[0]
    assert [row.split("|")[1].strip() for row in table.splitlines()[2:]] == list(ROWS)
    monkeypatch.setattr(doctor, "_model", lambda _backend, name: machine.Finding(name, "", "ready", "not tried here"))
    monkeypatch.setattr(doctor, "_queue_answers", lambda _settings: "not tried here")
    settings = Settings(PUGMARK_DATA_DIR=tmp_path, PUGMARK_BACKEND="embedded", _env_file=None)
    found = {finding.name: finding for finding in doctor._findings(settings, shown(settings))}
    for name in (line for lines in ROWS.values() for line in lines):
        assert found[name].state in ("ready", "configured") or found[name].remedy, name
    assert found["species-hints"].state == "ready"
