"""Videos in a survey: taken in, summarised, corrected, one query a tracklet, exported; pictures beside them stay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.analysis import videos
from app.analysis.context import open_context
from app.analysis.model_choice import Choice
from app.analysis.pictures import crops_of_boxes
from app.exchange import megadetector_json
from app.settings import Settings
from app.survey.database import Survey, open_survey
from app.survey.decisions import videos as video_decisions
from app.survey.decisions.kinds import COUNTS
from app.survey.decisions.refusals import BadDecision
from app.survey.decisions.undoing import undo_last
from app.survey.detections.features import feature_version
from app.survey.individuals import rankings
from app.survey.media import browse, imports
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import Feature, ModelVersion
from app.survey.tables.media import ListedFile, Media, Stage
from app.survey.tables.videos import Video
from app.survey.videos import tracklets, views
from modal_backend.contracts import Box, Category, Detection, Provenance, Result
from modal_backend.embedded import EmbeddedBackend
from modal_backend.registry import LOCAL, MODELS
from tests.support.commands import pugmark_here
from tests.support.drawn_videos import DrawnVideo, Path2, draw_video
from tests.support.marked import MarksAnimals, marks_animals
from tests.support.odd_videos import write
from tests.support.taken_in import take_in_pictures

CROSSING = DrawnVideo(
    23, 5, fps=8, width=320, height=180, animals=[Path2(((0.5, -0.12, 0.5), (4.0, 1.12, 0.5)), 0.24, 4)]
)


def card(folder: Path) -> Path:
    """A video with one animal, the same again, a picture, and a file that is no video."""
    from PIL import Image

    folder.mkdir(parents=True)
    draw_video(CROSSING, folder / "20240312_054112.mp4")
    (folder / "again.mov").write_bytes((folder / "20240312_054112.mp4").read_bytes())
    Image.new("RGB", (320, 240), (90, 120, 80)).save(folder / "picture.jpg")
    (folder / "broken.avi").write_bytes(b"RIFF\x50\0\0\0AVI LIST" + bytes(80))
    return folder


def motion_jpeg(path: Path, sizes: list[tuple[int, int]]) -> Path:
    """A video whose frames have these sizes, four a second, whatever its header says."""
    import io

    import av
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(3)
    with av.open(str(path), "w", format="avi") as container:
        stream = container.add_stream("mjpeg", rate=4)
        stream.width, stream.height, stream.pix_fmt = *sizes[0], "yuvj420p"
        for number, (width, height) in enumerate(sizes):
            jpeg = io.BytesIO()
            Image.fromarray(noise.integers(0, 255, (height, width, 3), np.uint8)).save(jpeg, "JPEG")
            packet = av.Packet(jpeg.getvalue())
            packet.stream, packet.pts, packet.dts, packet.is_keyframe = stream, number, number, True
            packet.time_base = Fraction(1, 4)
            container.mux(packet)
    return path


def seeing(survey: Survey, folder: Path):
    """A context whose detector marks the animals of the crossing. folder: where its scene is drawn."""
    return open_context(survey, "test", MarksAnimals(marks_animals(CROSSING, folder)), MarksAnimals.choice)


def take_in(survey: Survey, folder: Path, summarise: bool = True) -> int:
    with survey.write() as session:
        import_id = imports.import_of_path(session, folder).id
    with seeing(survey, folder.parent) as context:
        take_in_pictures(context, import_id, folder)
        if summarise:
            videos.summarise_pending(context, import_id)
    return import_id


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Survey, int, Path]]:
    """A survey of one card, the id of its video, and the card. Tests leave it as they found it."""
    home = tmp_path_factory.mktemp("filmed")
    (home / "data").mkdir()
    survey = open_survey(Settings(PUGMARK_DATA_DIR=home / "data", PUGMARK_REVIEWER="ana", _env_file=None))
    take_in(survey, card(home / "Ridge 1"))
    with survey.read() as session:
        media_id = session.scalars(sa.select(Media.id).where(Media.kind == "video")).one()
    yield survey, media_id, home / "Ridge 1"
    survey.close()


def test_a_video_is_taken_in_like_a_picture(filmed):
    survey, media_id, _ = filmed
    with survey.read() as session:
        media = session.get_one(Media, media_id)
        listed = {row.path: row for row in session.scalars(sa.select(ListedFile))}
        summary = tracklets.summary_of(session, media_id)
    assert (media.kind, media.format, media.stage) == ("video", "mp4", Stage.READY)
    assert (media.width, media.height) == (320, 180)
    assert (media.taken_at.isoformat(), media.taken_at_source) == ("2024-03-12T05:41:12", "file name")
    assert listed["again.mov"].outcome == "duplicate"
    assert listed["broken.avi"].outcome == "refused"
    assert "copy it from the memory card again" in listed["broken.avi"].message
    assert summary.animals == 1
    assert media.animal_score >= 0.5
    home = survey.data_dir
    assert (home / "thumbs" / media.sha256[:2] / f"{media.sha256}.jpg").is_file()
    assert (home / "views" / media.sha256[:2] / f"{media.sha256}.jpg").is_file()


def test_the_frames_looked_at_are_kept_as_pictures(filmed):
    survey, media_id, _ = filmed
    with survey.read() as session:
        video = views.opened(session, media_id)
    folder = survey.data_dir / "frames" / video.view.sha256[:2] / video.view.sha256
    assert {int(path.stem) for path in folder.glob("*.jpg")} == {index for index, _ in video.facts.looked}


def test_a_tracklet_is_one_query_with_features_of_its_own(filmed):
    survey, media_id, _ = filmed
    with survey.read() as session:
        ((row, tracklet),) = tracklets.tracklets_of(session, media_id)
        version = feature_version(session, LOCAL)
        waiting = rankings.waiting(session, version)
        features = session.scalars(sa.select(Feature).where(Feature.detection_id == row.query_id)).all()
    assert len(tracklet.boxes) > 3
    assert waiting == [row.query_id]
    assert {feature.count for feature in features} >= {1280}
    crops = list((survey.data_dir / "crops").rglob(f"{row.query_id}-*.jpg"))
    assert len(crops) == 1


def test_a_box_that_is_moved_is_described_from_its_own_frame(filmed):
    survey, media_id, _ = filmed
    with survey.read() as session:
        ((row, _),) = tracklets.tracklets_of(session, media_id)
    with open_context(survey, "test") as context:
        (crop,) = crops_of_boxes(context, [row.query_id])
    assert crop.picture.shape == (180, 320, 3)


def test_summarising_again_changes_nothing(filmed):
    survey, media_id, folder = filmed
    with survey.read() as session:
        before = [row.id for row, _ in tracklets.tracklets_of(session, media_id)]
    take_in(survey, folder)
    with survey.read() as session:
        assert [row.id for row, _ in tracklets.tracklets_of(session, media_id)] == before


def test_the_count_is_corrected_and_the_correction_undone(filmed):
    survey, media_id, _ = filmed
    with survey.write() as session:
        video_decisions.correct_count(session, "ana", media_id, 4)
    with survey.read() as session:
        summary = tracklets.summary_of(session, media_id)
        logged = session.scalars(sa.select(Decision)).one()
    assert (summary.animals, summary.computed) == (4, 1)
    assert (logged.kind, logged.who, logged.media_id) == ("count", "ana", media_id)
    with survey.write() as session:
        undo_last(session, "ana", COUNTS.words)
    with survey.read() as session:
        assert tracklets.summary_of(session, media_id).animals == 1


def test_a_count_of_a_picture_or_below_zero_is_refused(filmed):
    survey, media_id, _ = filmed
    with survey.read() as session:
        picture = session.scalars(sa.select(Media.id).where(Media.kind == "image")).one()
    for asked, animals in ((picture, 1), (media_id, -1)):
        with survey.write() as session, pytest.raises(BadDecision):
            video_decisions.correct_count(session, "ana", asked, animals)


def test_detections_shows_only_the_boxes_of_the_key_frame(filmed):
    survey, media_id, _ = filmed
    with survey.read() as session:
        (view,) = browse.views(session, [media_id])
        key = session.get_one(Video, media_id).key_frame
        frames = tracklets.frames_of(session, [box.id for box in view.boxes])
    assert view.boxes
    assert {frame.frame_number for frame in frames.values()} == {key}


def test_the_export_says_on_which_frame_each_detection_is(filmed, tmp_path):
    survey, _, _ = filmed
    megadetector_json.export(survey, tmp_path / "out.json")
    rows = {row["file"]: row for row in json.loads((tmp_path / "out.json").read_text())["images"]}
    video, picture = rows["20240312_054112.mp4"], rows["picture.jpg"]
    assert video["frame_rate"] == pytest.approx(8, abs=0.1)
    assert len(video["frames_processed"]) == len(set(video["frames_processed"])) <= 64
    assert video["detections"]
    assert {detection["frame_number"] for detection in video["detections"]} <= set(video["frames_processed"])
    assert "frame_rate" not in picture
    assert rows["broken.avi"]["detections"] is None


def test_a_video_that_fails_later_says_why_and_can_be_tried_again(survey, tmp_path):
    import_id = take_in(survey, card(tmp_path / "card"), summarise=False)
    with survey.read() as session:
        media = session.scalars(sa.select(Media).where(Media.kind == "video")).one()
    place = survey.data_dir / "originals" / media.sha256[:2] / f"{media.sha256}.mp4"
    whole = place.read_bytes()
    place.write_bytes(b"nothing")
    with seeing(survey, tmp_path) as context:
        videos.summarise_pending(context, import_id)
        with survey.read() as session:
            failed = session.get_one(Media, media.id)
        assert failed.stage == Stage.FAILED
        assert "could not be summarised" in failed.failure
        place.write_bytes(whole)
        with survey.write() as session:
            imports.reopen_failed(session)
        videos.summarise_pending(context)
    with survey.read() as session:
        assert session.get_one(Media, media.id).stage == Stage.READY
        assert tracklets.summary_of(session, media.id).animals == 1


def test_a_video_that_ended_the_program_twice_is_set_aside_and_can_be_tried_again(survey, tmp_path, monkeypatch):
    (tmp_path / "card").mkdir()
    write(tmp_path / "card/a.mp4", seconds=1.0)
    import_id = take_in(survey, tmp_path / "card", summarise=False)

    def end_the_program(*_: object) -> None:
        raise KeyboardInterrupt  # nothing that the code catches, as when the process is gone

    with seeing(survey, tmp_path) as context:
        with monkeypatch.context() as patch:
            patch.setattr(videos, "_summary", end_the_program)
            for _ in range(2):
                with pytest.raises(KeyboardInterrupt):
                    videos.summarise_pending(context, import_id)
            videos.summarise_pending(context, import_id)
        with survey.read() as session:
            media = session.scalars(sa.select(Media).where(Media.kind == "video")).one()
        assert (media.stage, media.failure) == (Stage.FAILED, videos.SET_ASIDE)
        with survey.write() as session:
            imports.reopen_failed(session)
        videos.summarise_pending(context)
    with survey.read() as session:
        assert session.get_one(Media, media.id).stage == Stage.READY


def test_the_command_prints_what_was_seen_and_exits_as_the_others_do(tmp_path):
    video = card(tmp_path / "card") / "20240312_054112.mp4"
    summary = pugmark_here(tmp_path / "data", "summarise", str(video))
    assert summary["duration"] == pytest.approx(5.0, abs=0.2)
    assert (summary["width"], summary["height"]) == (320, 180)
    assert {"max_at_once", "distinct_low", "distinct_high", "by_category"} <= set(summary)
    assert summary["animals"] + len(summary["possible"]) >= 1
    assert summary["moved_unidentified"] is any(possible["source"] == "motion" for possible in summary["possible"])
    assert summary["frames_looked_at"][0] == {"frame": 0, "second": 0.0, "timecode": "0:00.0"}
    (tracklet,) = summary["tracklets"] + summary["possible"]
    assert (tracklet["entry"], tracklet["exit"]) == ("left", "right")
    assert len(tracklet["boxes"]) > 3
    looked = {frame["frame"] for frame in summary["frames_looked_at"]}
    assert all(set(sentence["frames"]) <= looked for sentence in summary["sentences"])
    assert "refused" in pugmark_here(tmp_path / "data", "summarise", str(video.with_name("broken.avi")), expect=3)


def test_a_video_of_one_frame_is_summarised(survey, tmp_path):
    (tmp_path / "card").mkdir()
    write(tmp_path / "card" / "one.avi", "mjpeg", seconds=0.1)
    take_in(survey, tmp_path / "card")
    with survey.read() as session:
        (view,) = views.page(session, limit=5)
    assert (view.stage, view.count.animals) == (Stage.READY, 0)


class Unsure(EmbeddedBackend):
    """Answers as a detector whose boxes count from 0.2: with 0.22, in the middle of every frame."""

    NAME = "megadetector-apa-c"

    def call(self, model, inputs):
        if model != self.NAME:
            return super().call(model, inputs)
        found = [Detection(Category.ANIMAL, 0.22, Box(0.3, 0.3, 0.4, 0.4))]
        return Result([found for _ in inputs], Provenance("embedded", model, "test", "0" * 64, "640 px"), 0.1)


def test_the_threshold_of_the_detector_that_ran_decides_and_is_stored(survey, tmp_path):
    with survey.write() as session:
        import_id = imports.import_of_path(session, card(tmp_path / "card")).id
    choose = lambda: Choice(detector=Unsure.NAME)  # noqa: E731
    with open_context(survey, "test", Unsure(), choose) as context:
        take_in_pictures(context, import_id, tmp_path / "card")
        videos.summarise_pending(context, import_id)
    with survey.read() as session:
        media_id = session.scalars(sa.select(Media.id).where(Media.kind == "video")).one()
        thresholds = set(session.scalars(sa.select(ModelVersion.threshold).where(ModelVersion.model == Unsure.NAME)))
        found = [tracklet for _, tracklet in tracklets.tracklets_of(session, media_id)]
    assert thresholds == {MODELS[Unsure.NAME].threshold} == {0.2}
    assert "detector and motion" in {tracklet.source for tracklet in found}


def test_a_video_of_one_pixel_is_refused_and_one_whose_frames_change_their_size_is_summarised(survey, tmp_path):
    folder = tmp_path / "card"
    folder.mkdir()
    motion_jpeg(folder / "a_pixel.avi", [(1, 1)] * 8)
    motion_jpeg(folder / "b_changes.avi", [(64, 48)] * 6 + [(96, 64)] * 6)
    draw_video(DrawnVideo(23, 5, fps=8, width=320, height=180, animals=[]), folder / "c_good.mp4")
    take_in(survey, folder)
    with survey.read() as session:
        states = [media.failure or media.stage for media in session.scalars(sa.select(Media))]
        refused = session.execute(sa.select(ListedFile.path, ListedFile.refusal).where(ListedFile.media_id.is_(None)))
        (pixel,) = refused.all()
    assert states == [Stage.READY, Stage.READY]
    assert pixel == ("a_pixel.avi", "clip_without_pictures")


def test_a_reader_that_breaks_on_a_video_ends_that_video_alone(survey, tmp_path, monkeypatch):
    folder = tmp_path / "card"
    folder.mkdir()
    for number in (1, 2):
        draw_video(DrawnVideo(20 + number, 2, fps=8, width=320, height=180, animals=[]), folder / f"{number}.mp4")
    real = videos.summarise_video

    def breaks_once(*args, **values):
        monkeypatch.setattr(videos, "summarise_video", real)
        raise IndexError("index 1 is out of bounds")

    monkeypatch.setattr(videos, "summarise_video", breaks_once)
    take_in(survey, folder)
    with survey.read() as session:
        first, second = session.scalars(sa.select(Media).order_by(Media.id))
    assert first.stage == Stage.FAILED
    assert first.failure == "The video could not be summarised: IndexError: index 1 is out of bounds."
    assert second.stage == Stage.READY
