"""Which models are used: what the settings say, or on auto the best whose weights are there; and that it is shown."""

from __future__ import annotations

import json
from argparse import Namespace

import pytest
import sqlalchemy as sa
import torch
from pydantic import ValidationError

from app.analysis.model_choice import Choice, Chooser, choose, shown, words
from app.files import model_choice_path
from app.settings import Settings
from app.survey.database import open_survey
from app.survey.detections.features import local_model
from app.survey.tables.detections import Detection, Feature, ModelVersion
from app.survey.tables.media import Media, Stage
from app.ui.shared.status_strip import strip_html
from modal_backend.errors import BackendUnavailable
from modal_backend.registry import DETECTOR, EMBEDDING, MODELS
from modal_backend.weights.files import models_listed
from tests.support.commands import pugmark, pugmark_here
from tests.support.pictures import encoded, noisy
from tests.support.random_weights import fill_by_name, published_layout, put


def settings_of(tmp_path, **more: str) -> Settings:
    return Settings(PUGMARK_DATA_DIR=tmp_path, _env_file=None, **more)


def on_modal(tmp_path, **more: str) -> Settings:
    return settings_of(tmp_path, PUGMARK_BACKEND="modal", MODAL_TOKEN_ID="ak", MODAL_TOKEN_SECRET="as", **more)


def test_auto_is_megadetector_where_its_weights_are_else_pocket(tmp_path):
    auto = settings_of(tmp_path)
    assert choose(auto, ()).detector == DETECTOR
    assert "pocket detector is used" in choose(auto, ()).reason
    assert choose(auto, ["megadetector"]).detector == "megadetector"
    assert choose(auto, ["megadetector-apa-c", "megadetector-apa-e"]).detector == "megadetector-apa-e"


def test_a_named_detector_is_used_whatever_is_there(tmp_path):
    assert choose(settings_of(tmp_path, PUGMARK_DETECTOR="megadetector"), ()).detector == "megadetector"
    assert choose(settings_of(tmp_path, PUGMARK_DETECTOR="pocket"), ["megadetector"]).detector == DETECTOR


def test_embeddings_can_be_compared_side_by_side(tmp_path):
    both = settings_of(tmp_path, PUGMARK_EMBEDDING="pocket, tiger-reid")
    assert choose(both, ()).embeddings == (EMBEDDING, "tiger-reid")
    auto = settings_of(tmp_path)
    assert choose(auto, ()).embeddings == (EMBEDDING,)
    there = ["megadescriptor", "megadescriptor-t-224"]
    assert choose(auto, there).embeddings == (EMBEDDING, "megadescriptor-t-224")
    assert choose(on_modal(tmp_path), there).embeddings == (EMBEDDING, "megadescriptor")


@pytest.mark.parametrize(
    ("name", "value"),
    [("PUGMARK_DETECTOR", "yolo"), ("PUGMARK_EMBEDDING", "tiger-reid,lynx"), ("PUGMARK_EMBEDDING", "auto,pocket")],
)
def test_a_name_nobody_knows_stops_the_start_and_lists_the_names(tmp_path, name, value):
    with pytest.raises(ValidationError, match=r"choose auto, pocket or one of|auto stands alone"):
        settings_of(tmp_path, **{name: value})


def test_pictures_are_decoded_as_large_as_the_chosen_models_need():
    assert Choice().picture_side == 1024
    assert Choice("megadetector", (EMBEDDING, "megadescriptor")).picture_side == 1280


def test_modal_is_asked_once_and_what_it_said_stands_while_it_is_away(tmp_path, monkeypatch):
    answers = [BackendUnavailable("away"), ["megadetector"], BackendUnavailable("away"), []]

    def ask():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    chooser = Chooser(on_modal(tmp_path), ask)
    assert chooser().detector == chooser().detector == DETECTOR
    assert len(answers) == 3
    monkeypatch.setattr("app.analysis.model_choice.SECONDS_SILENT", 0.0)
    chooser._ask_again = 0.0
    assert chooser().detector == chooser().detector == "megadetector"
    assert len(answers) == 2
    assert json.loads(model_choice_path(tmp_path).read_text())["detector"] == "megadetector"
    assert shown(on_modal(tmp_path)).detector == "megadetector"
    chooser._ask_again = 0.0
    assert chooser().detector == "megadetector"
    assert chooser().detector == DETECTOR


def test_the_volumes_listing_tells_which_models_can_run():
    md, swin, own = (MODELS[name].files[0].path for name in ("megadetector", "megadescriptor", "cvwc2019"))
    assert models_listed({md: 1}) == ["megadetector"]
    assert models_listed({swin: 1, own: 1}) == []
    assert models_listed({swin: 1, f"{swin}.sha256": 65}) == ["megadescriptor"]
    assert models_listed({own: 1, "SHA256SUMS": 90}) == ["cvwc2019"]
    assert models_listed({MODELS["dinov2"].files[0].path: 5}) == []


def test_nothing_is_asked_when_the_settings_name_the_models(tmp_path):
    named = on_modal(tmp_path, PUGMARK_DETECTOR="pocket", PUGMARK_EMBEDDING="pocket")

    def ask():
        raise AssertionError("asked")

    assert Chooser(named, ask)().detector == DETECTOR


def test_what_is_in_use_is_shown_in_words_and_in_the_strip():
    from app.survey.calls.overview import StripSnapshot

    label = words(Choice("megadetector", (EMBEDDING, "megadescriptor")))
    assert label == "MegaDetector v5a.0.1, pocket embedding, MegaDescriptor L-384"
    html = strip_html(StripSnapshot("embedded", 0, 0, 0, None, None, [None] * 60), "", "<b>" + label)
    assert "&lt;b&gt;MegaDetector v5a.0.1" in html


def test_the_weights_command_lists_licences_and_says_how_to_get_what_is_missing(tmp_path):
    rows = {row["name"]: row for row in pugmark_here(tmp_path, "weights")["models"]}
    assert rows["megadescriptor"]["non_commercial"]
    assert rows["megadescriptor"]["licence"] == "CC BY-NC 4.0"
    assert not rows["megadetector"]["there"]
    assert "weights fetch megadetector-v5b" in rows["megadetector-v5b"]["remedy"]


def test_the_weights_command_refuses_a_model_it_does_not_know(tmp_path, capsys):
    from app.commands import weights
    from app.commands.output import CommandFailed

    with pytest.raises(CommandFailed, match="no model lynx"):
        weights.run(settings_of(tmp_path), Namespace(action="fetch", models=["lynx"], as_json=True))


def test_doctor_names_what_is_in_use_and_what_is_missing(tmp_path):
    mirror = tmp_path / "mirror"
    layout = published_layout("mdv6-apa-rtdetr-c")
    put(mirror, MODELS["megadetector-apa-c"].files[0].path, {"model": fill_by_name(layout, spread=0.05)})
    found = pugmark_here(tmp_path, "doctor", PUGMARK_WEIGHTS_DIR=str(mirror), PUGMARK_BACKEND="embedded")
    findings = {finding["name"]: finding for finding in found}
    assert findings["models in use"]["reason"].startswith("MegaDetector MDV6-apa-rtdetr-c, pocket embedding")
    assert findings["megadetector-apa-c"]["state"] == "ready"
    assert findings["megadetector-apa-c"]["sha256"]
    assert findings["megadescriptor"]["state"] == "weights missing"
    assert "NON-COMMERCIAL" in findings["megadescriptor"]["reason"]


def test_an_import_uses_the_detector_whose_weights_are_there(tmp_path):
    mirror, folder = tmp_path / "mirror", tmp_path / "card"
    state = fill_by_name(published_layout("mdv6-apa-rtdetr-c"), spread=0.05)
    state["decoder.dec_score_head.2.bias"] += torch.tensor([0.0, 0.9, 0.0])
    put(mirror, MODELS["megadetector-apa-c"].files[0].path, {"model": state})
    folder.mkdir()
    (folder / "1.jpg").write_bytes(encoded(noisy(640, 480, seed=1)))
    named = {"PUGMARK_WEIGHTS_DIR": str(mirror), "PUGMARK_LOCAL_FEATURES": "rapid-448"}
    pugmark(tmp_path / "data", "import", str(folder), "--wait", **named)
    survey = open_survey(settings_of(tmp_path / "data"))
    with survey.read() as session:
        version = session.scalar(sa.select(ModelVersion).where(ModelVersion.task == "detect"))
        assert version is not None
        assert (version.model, version.threshold) == ("megadetector-apa-c", 0.2)
        assert version.version.startswith("MDV6-apa-rtdetr-c (own ")
        assert session.scalar(sa.select(Media.stage)) == Stage.READY
        assert local_model(session) == "rapid-448"
        categories = set(session.scalars(sa.select(Detection.category)))
        described = set(
            session.scalars(sa.select(Detection.category).join(Feature, Feature.detection_id == Detection.id))
        )
    survey.close()
    assert {"animal", "person"} <= categories
    assert described == {"animal"}
