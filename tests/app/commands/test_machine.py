"""Doctor's lines about the machine: a full disk, a clock that was set back and a port in use come with a remedy."""

from __future__ import annotations

import shutil
import socket
import time
from collections import namedtuple

import pytest

from app.commands import doctor, machine
from app.settings import Settings
from app.survey.database import Survey
from app.survey.decisions import identity
from modal_backend.registry import MODELS
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
    listed = {*doctor.POCKET, *doctor.UNTRIED, doctor.OMNIVINCI, *(name for name, one in MODELS.items() if one.files)}
    assert listed == set(MODELS)
