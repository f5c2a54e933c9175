"""Packages come in whole: what people said, the boxes of models, and deployments; one undo takes all of it back."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.exchange.incoming import bringing_in, identities, keeping, scratch, taking_over
from app.exchange.incoming.lines import Contents
from app.survey.database import Survey
from app.survey.decisions import history, stations, undoing
from app.survey.decisions.refusals import BadDecision
from app.survey.detections import hints
from app.survey.detections.boxes import BoxView, boxes_of
from app.survey.media.stations import DeploymentView, deployment_views
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import DetectionReview, MediaReview
from app.survey.tables.individuals import Individual
from app.survey.tables.results import ResultsFile, ResultsState
from tests.support.surveys import add_media, found

DEPLOYMENTS = """deploymentID,locationID,locationName,latitude,longitude,deploymentStart,deploymentEnd,cameraID,baitUse
Ridge 1,r1,Ridge 1,12.5,99.25,2024-03-01T00:00:00+07:00,2024-04-30T23:59:59+07:00,C7,true
Ford 2,f2,Ford,12.75,99.5,2024-03-02T00:00:00+07:00,2024-03-09T23:59:59+07:00,,false
"""
MEDIA = "mediaID,filePath\n" + "".join(f"m{n},Ridge 1/IMG_000{n}.JPG\n" for n in (1, 2, 3)) + "m9,gone.jpg\n"
OBSERVATIONS = """observationID,mediaID,observationType,scientificName,sex,lifeStage,individualID,bboxX,bboxY,\
bboxWidth,bboxHeight,classificationMethod,classifiedBy,classificationTimestamp,classificationProbability
1,m1,animal,Panthera tigris,female,juvenile,NA,0.1,0.1,0.2,0.2,human,Ana,2024-05-01T10:00:00Z,1
2,m1,animal,Axis axis,,,,0.6,0.1,0.2,0.2,machine,md 5,,0.87
3,m2,blank,,,,,,,,,human,Ana,,
4,m3,blank,,,,,,,,,machine,md 5,,
5,m9,animal,Sus scrofa,,,,0.6,0.1,0.2,0.2,machine,md 5,,0.8
6,m3,animal,,,,,0.9,0.1,0.4,0.2,machine,md 5,,0.8
"""


def package(folder: Path, **tables: str) -> Contents:
    (folder / "datapackage.json").write_text('{"resources": [], "profile": "p"}', encoding="utf-8")
    given = {"deployments": DEPLOYMENTS, "media": MEDIA, "observations": OBSERVATIONS} | tables
    for name, text in given.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return identities.read(folder)


def take(survey: Survey, contents: Contents) -> list[tuple[str, str]]:
    with survey.read() as session:
        plan = taking_over.plan(session, contents)
    decide(survey, contents)
    return plan.left_out


def decide(survey: Survey, contents: Contents) -> Decision:
    with taking_over.prepared(survey, contents) as ready, survey.write() as session:
        return taking_over.take(session, "ben", ready, "package.zip")


def boxes(survey: Survey, media_id: int) -> list[BoxView]:
    with survey.read() as session:
        return boxes_of(session, [media_id])[media_id]


def places(survey: Survey) -> dict[str, DeploymentView]:
    with survey.read() as session:
        return {view.name: view for view in deployment_views(session)}


def test_a_package_brings_boxes_individuals_verdicts_and_deployments_and_one_undo_takes_all_back(survey, tmp_path):
    for _ in range(3):
        add_media(survey, [])
    left_out = take(survey, package(tmp_path))
    assert left_out == [
        ("Ridge 1/IMG_0003.JPG", "A box lies outside the picture."),
        ("gone.jpg", "It is not in the survey."),
    ]
    named, modelled = boxes(survey, 1)
    assert (named.individual, named.species, named.x, named.drawn) == ("NA", "Panthera tigris", 0.1, True)
    assert (modelled.species, modelled.confidence, modelled.x, modelled.drawn) == (None, 0.87, 0.6, False)
    with survey.read() as session:
        assert hints.of_boxes(session, [modelled.id]) == {modelled.id: hints.Hint("Axis axis", 0.87, "md 5")}
        animal = session.scalars(sa.select(Individual)).one()
        assert (animal.sex, animal.age_class) == ("female", "cub")
        review = session.get_one(DetectionReview, named.id)
        assert (review.who, review.decided_at) == ("Ana", 1714557600)
        assert [(row.media_id, row.verdict) for row in session.scalars(sa.select(MediaReview))] == [(2, "blank")]
        assert session.scalars(sa.select(ResultsFile.state)).one() == ResultsState.TAKING, "its animals are described"
    ridge, ford = places(survey)["Ridge 1"], places(survey)["Ford 2"]
    assert (ridge.latitude, str(ridge.first_day), ridge.time_zone, ridge.camera, ridge.bait) == (
        12.5, "2024-03-01", "+07:00", "C7", "yes",
    )  # fmt: skip
    assert (ford.station, ford.longitude) == ("Ford", 99.5)
    with survey.write() as session:
        decision = undoing.undo_last(session, "ben", ["identities file"])
    assert (boxes(survey, 1), places(survey)["Ridge 1"].latitude, "Ford 2" in places(survey)) == ([], None, False)
    with survey.write() as session:
        undoing.redo_one(session, decision.id, "ben")
    assert len(boxes(survey, 1)) == 2
    assert places(survey)["Ford 2"].latitude == 12.75


def test_what_a_person_said_of_a_deployment_stays_and_is_listed(survey, tmp_path):
    add_media(survey, [])
    with survey.write() as session:
        stations.set_deployment(session, "ana", 1, latitude=1.0, longitude=2.0, camera="C1")
    left_out = take(survey, package(tmp_path))
    ridge = places(survey)["Ridge 1"]
    assert (ridge.latitude, ridge.longitude, ridge.camera, str(ridge.last_day)) == (1.0, 2.0, "C1", "2024-04-30")
    assert sorted(why for name, why in left_out if name == "Ridge 1") == [
        "The camera here is C1, and stays; the file says C7.",
        "The latitude here is 1.0, and stays; the file says 12.5.",
        "The longitude here is 2.0, and stays; the file says 99.25.",
    ]
    with survey.read() as session:
        again = taking_over.plan(session, identities.read(tmp_path))
    assert (again.stations, again.good) == ([], [])


def test_a_package_without_its_media_still_brings_its_deployments(survey, tmp_path):
    left_out = take(survey, package(tmp_path))
    assert {why for _, why in left_out} == {"It is not in the survey.", "A box lies outside the picture."}
    assert set(places(survey)) == {"Ridge 1", "Ford 2"}


def test_wildlife_insights_deployments_come_in_with_days_and_places(survey, tmp_path):
    add_media(survey, [])
    place = tmp_path / "deployments.csv"
    place.write_text(
        "project_id,deployment_id,placename,longitude,latitude,start_date,end_date,bait_type,camera_id\n"
        "p,Ridge 1,Ridge 1,99.25,12.5,2024-03-01 00:00:00,2024-04-30 00:00:00,None,C7\n", encoding="utf-8",
    )  # fmt: skip
    assert take(survey, identities.read(place)) == []
    ridge = places(survey)["Ridge 1"]
    assert (ridge.latitude, ridge.longitude, str(ridge.last_day), ridge.camera) == (12.5, 99.25, "2024-04-30", "C7")


@pytest.mark.parametrize("zipped", [False, True])
def test_a_download_of_wildlife_insights_comes_in_as_a_whole(survey, tmp_path, zipped):
    for folder in ("Ridge 1", "Ford 2"):
        add_media(survey, [], folder=folder, name="IMG_0001.JPG")
    tables = {
        "projects": "project_id,project_name\np,Tigers\n",
        "cameras": "project_id,camera_id,make\np,C7,Reconyx\n",
        "deployments": "project_id,deployment_id,placename,longitude,latitude,start_date,end_date,camera_id\n"
        "p,Ridge 1,Ridge 1,99.25,12.5,2024-03-01 00:00:00,2024-04-30 00:00:00,C7\n",
        "images_2001234": "project_id,deployment_id,image_id,filename,is_blank,identified_by,genus,species,sex\n"
        "p,Ridge 1,i,IMG_0001.JPG,0,Ana,Panthera,tigris,Female\np,Ford 2,j,IMG_0001.JPG,0,Ana,Axis,axis,\n"
        "p,Gone,k,IMG_0001.JPG,0,Ana,Sus,scrofa,\n",
    }
    place = tmp_path / "wi"
    place.mkdir()
    for name, text in tables.items():
        (place / f"{name}.csv").write_text(text, encoding="utf-8")
    if zipped:
        with zipfile.ZipFile(tmp_path / "wi.zip", "w") as package:
            for name in tables:
                package.write(place / f"{name}.csv", f"download/{name}.csv")
        place = tmp_path / "wi.zip"
    assert identities.reads(place)
    assert [path for path, _ in take(survey, identities.read(place))] == ["Gone/IMG_0001.JPG"]
    assert [view.species for number in (1, 2) for view in boxes(survey, number)] == ["Panthera tigris", "Axis axis"]
    assert (places(survey)["Ridge 1"].latitude, places(survey)["Ridge 1"].camera) == (12.5, "C7")


def test_boxes_of_coco_come_in_under_its_name_and_people_name_the_animal_in_each(survey, tmp_path):
    add_media(survey, [])
    media_id = 1
    annotations = [
        {"image_id": 1, "category_id": 5, "bbox": [160, 120, 320, 240]},
        {"image_id": 1, "category_id": 5, "bbox": [960, 120, 320, 240], "score": 0.7},
        {"image_id": 1, "category_id": 5, "bbox": [-900, 120, 320, 240]},
    ]
    images = [{"id": 1, "file_name": "Ridge 1/IMG_0001.JPG", "width": 1600, "height": 1200}]
    document = {"info": {"description": "Reserve"}, "images": images, "annotations": annotations,
                "categories": [{"id": 5, "name": "axis"}]}  # fmt: skip
    (tmp_path / "coco.json").write_text(json.dumps(document), encoding="utf-8")
    assert take(survey, identities.read(tmp_path / "coco.json")) == [
        ("Ridge 1/IMG_0001.JPG", "A box lies outside the picture.")
    ]
    first, second = sorted(boxes(survey, media_id), key=lambda view: view.x)
    assert (first.species, first.verdict, first.x, first.drawn) == ("axis", "accepted", pytest.approx(0.1), False)
    assert (second.species, second.verdict, second.confidence) == (None, None, 0.7)
    with survey.read() as session:
        assert hints.of_boxes(session, [second.id]) == {second.id: hints.Hint("axis", 0.7, "Reserve")}


def test_media_are_found_by_their_content_where_the_file_says_it(survey, tmp_path):
    add_media(survey, [found()])
    sha256 = f"{1:064x}"
    contents = package(
        tmp_path,
        media=f"mediaID,filePath\n{sha256},elsewhere/renamed.jpg\n",
        observations=f"mediaID,observationType,scientificName\n{sha256},animal,Axis axis\n",
    )
    assert take(survey, contents) == []
    assert boxes(survey, 1)[0].species == "Axis axis"


def test_a_file_that_says_much_is_one_decision_in_parts_which_one_undo_takes_back_and_redo_makes_again(
    survey, tmp_path, monkeypatch
):
    monkeypatch.setattr(taking_over, "MOST_IN_ONE", 3)
    monkeypatch.setattr(scratch, "AT_ONCE", 2)
    for _ in range(6):
        add_media(survey, [])
    rows = [f"m{n},Ridge 1/IMG_000{n}.JPG" for n in range(1, 7)]
    seen = [f"m{n},animal,Panthera tigris,NA,human,,,," for n in range(1, 6)]
    seen.insert(1, "m1,animal,Axis axis,,human,0.1,0.1,0.2,0.2")
    seen.append("m6,animal,Panthera tigris,,machine,0.1,0.1,0.2,0.2")
    head = "mediaID,observationType,scientificName,individualID,classificationMethod,bboxX,bboxY,bboxWidth,bboxHeight"
    tables = {"media": ["mediaID,filePath", *rows], "observations": [head, *seen]}
    contents = package(tmp_path, **{name: "\n".join(lines) for name, lines in tables.items()})
    with survey.read() as session:
        plan = taking_over.plan(session, contents)
    made = decide(survey, contents)
    assert (plan.taken, plan.images, len(plan.individuals)) == (6, 1, 1)

    def work() -> ResultsFile:
        results_id, after, slice_ = made.view["results_id"], 0, 0
        while after is not None:
            after = bringing_in.take_some(survey, results_id, after)
        while slice_ is not None:
            slice_ = keeping.take_lines(survey, results_id, slice_)
        bringing_in.finish(survey, results_id)
        with survey.read() as session:
            return session.get_one(ResultsFile, results_id)

    def state() -> tuple[list[str | None], int]:
        with survey.read() as session:
            views = boxes_of(session, range(1, 7))
            named = [view.individual for number in range(1, 6) for view in views[number]]
            return sorted(named, key=str), len(views[6])

    assert state() == ([], 0), "a job takes it"
    assert work().taken == 7
    everything = (["NA"] * 5 + [None], 1)
    assert state() == everything
    with survey.read() as session:
        listed = history.entries(session, history.HistoryFilter(kind="identities file"))
        assert [entry.id for entry in listed] == [made.id], "its parts are not listed"
        assert session.scalar(sa.select(sa.func.count(Decision.part_of))) >= 2
    with pytest.raises(BadDecision, match="is in the survey already"):
        decide(survey, contents)
    with survey.write() as session:
        undoing.undo_last(session, "ben", ["identities file"])
    assert state() == ([], 0)
    work()
    assert state() == ([], 0), "what does not count is not taken"
    with survey.write() as session:
        undoing.redo_last(session, "ben", ["identities file"], None)
    assert state() == everything
    work()
    assert state() == everything
    with survey.write() as session:
        undoing.undo_last(session, "ben", ["identities file"])
    assert state() == ([], 0)
