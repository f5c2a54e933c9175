"""A detector on trial: which images it looks at, that its results do not count, and how far it agrees."""

from __future__ import annotations

import re
import zipfile
from hashlib import sha256

import pytest
import sqlalchemy as sa

from app.exchange import about
from app.exchange.camtrap_dp import Statement
from app.exchange.formats import FORMATS
from app.exchange.wishes import Wish
from app.survey.calls.overview import snapshot
from app.survey.database import Survey
from app.survey.decisions import boxes, undoing
from app.survey.decisions.trials import let_stand
from app.survey.detections import results
from app.survey.detections.boxes import boxes_of
from app.survey.detections.features import feature_version, lacking
from app.survey.individuals import rankings
from app.survey.media import browse
from app.survey.tables.detections import Analysis, Detection
from app.survey.tables.media import Media, Stage
from app.survey.tables.trials import Trial, TrialImage
from app.survey.trials import figures, standing, trials
from app.survey.trials.beside import boxes_beside
from app.survey.trials.figures import Agreement
from modal_backend.contracts import Category, Provenance
from modal_backend.registry import LOCAL
from tests.support.catalogued import place
from tests.support.surveys import DETECTOR, add_media, describe, everything, found

NEW = Provenance("embedded", "pocket-detector-closer", "test", "1" * 64, "test")
MOMENT = re.compile(rb"20\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|\+00:00)?")


def begin(survey: Survey, share: int = 50, *, all_images: bool = True) -> int:
    with survey.write() as session:
        return trials.start(session, "ana", NEW.model, share, all_images=all_images).id


def look(survey: Survey, trial_id: int, media_id: int, found_boxes: list) -> None:
    """What the tried model finds on an image."""
    with survey.write() as session:
        version = results.model_version(session, "detect", NEW, 0.5)
        trials.keep(session, trial_id, media_id, version, None, found_boxes)


def waiting(survey: Survey, trial_id: int) -> list[int]:
    with survey.read() as session:
        return trials.waiting(session, session.get_one(Trial, trial_id), 1000)


def agreement(survey: Survey, trial_id: int) -> Agreement:
    with survey.read() as session:
        return figures.agreement(session, trial_id)


def standing_boxes(survey: Survey, media_id: int) -> list[float]:
    with survey.read() as session:
        return [box.x for box in boxes_of(session, [media_id])[media_id]]


@pytest.mark.parametrize("share", trials.SHARES)
def test_a_share_is_by_content_the_same_every_time_and_about_as_large_as_asked(survey, share):
    hashes = [sha256(str(number).encode()).hexdigest() for number in range(2000)]
    chosen = {content for content in hashes if content < trials.bound(share)}
    assert len(chosen) == pytest.approx(2000 * share / 100, rel=0.15)
    smaller = {content for content in hashes if content < trials.bound(share // 2)}
    assert smaller < chosen, "a larger share holds the images of a smaller one"
    for number in range(8):
        add_media(survey, [found()])
        with survey.write() as session:
            session.execute(sa.update(Media).where(Media.id == number + 1).values(sha256=hashes[number]))
    expected = [number + 1 for number in range(8) if hashes[number] in chosen]
    assert waiting(survey, begin(survey, share)) == expected


def test_only_images_that_came_in_later_are_looked_at_unless_all_are_asked_for(survey):
    add_media(survey, [found()])
    trial = begin(survey, all_images=False)
    add_media(survey, [found()])
    assert waiting(survey, trial) == [2]
    look(survey, trial, 2, [])
    assert waiting(survey, trial) == []


def test_images_that_are_not_finished_or_that_the_model_looked_at_anyway_do_not_wait(survey):
    for _ in range(3):
        add_media(survey, [found()])
    with survey.write() as session:
        session.execute(sa.update(Media).where(Media.id == 1).values(stage=Stage.DETECTED))
        results.store_analysis(session, 2, results.model_version(session, "detect", NEW, 0.5), None, [])
    assert waiting(survey, begin(survey)) == [3]


def test_a_second_trial_is_refused_while_one_runs(survey):
    first = begin(survey)
    with pytest.raises(trials.TrialRefused, match="End that trial first"):
        begin(survey)
    with survey.write() as session:
        trials.end(session, "ana", first, remove=False)
    begin(survey)


def test_results_on_trial_change_nothing_that_anybody_sees(survey):
    for _ in range(3):
        crop = add_media(survey, [found(x=0.1)])[1][0]
        describe(survey, crop, crop)

    def seen() -> list[object]:
        with survey.read() as session:
            local = feature_version(session, LOCAL)
            return [
                [(view.boxes, view.stage, view.verdict) for view in browse.views(session, [1, 2, 3])],
                browse.summary(session, 0.5),
                browse.detector(session).model,
                rankings.waiting(session, local),
                rankings.waiting_count(session, local),
                lacking(session, LOCAL),
                about.about(session, exact=False)[3:],
                snapshot(survey, "embedded").failed,
                everything(survey)["media"],
            ]

    before = seen()
    trial = begin(survey)
    look(survey, trial, 1, [])
    look(survey, trial, 2, [found(0.99, x=0.6), found(0.9, category=Category.PERSON)])
    with survey.write() as session:
        trials.fail(session, trial, 3, "no")
    assert seen() == before


@pytest.mark.parametrize("kind", ["sightings", "megadetector", "coco", "camtrap-dp"])
def test_results_on_trial_are_in_no_export(survey, tmp_path, kind):
    for _ in range(2):
        add_media(survey, [found(x=0.1)])
    place(survey, "Ridge 1", 10.0, 77.0)

    def written(name: str) -> dict[str, bytes]:
        out = tmp_path / f"{name}.{FORMATS[kind].suffix}"
        FORMATS[kind].write(survey, Wish(statement=Statement("title", "targeted", "activityDetection", "+05:30")), out)
        if not zipfile.is_zipfile(out):
            return {"": MOMENT.sub(b"", out.read_bytes())}
        with zipfile.ZipFile(out) as package:
            return {name: MOMENT.sub(b"", package.read(name)) for name in package.namelist()}

    before = written("before")
    look(survey, begin(survey), 1, [found(0.99, x=0.6), found(0.9, category=Category.PERSON)])
    assert written("after") == before


def test_both_are_compared_by_their_own_threshold_box_by_box(survey):
    old = [[found(0.9)], [found(0.9)], [], [found(0.4)], [found(0.9), found(0.8, x=0.6)]]
    new = [[found(0.6, x=0.25)], [], [found(0.7)], [found(0.3)], [found(0.9), found(0.9, category=Category.VEHICLE)]]
    trial = begin(survey)
    for before, after in zip(old, new, strict=True):
        look(survey, trial, add_media(survey, before)[0], after)
    failed = add_media(survey, [])[0]
    with survey.write() as session:
        trials.fail(session, trial, failed, "no")
    assert agreement(survey, trial) == Agreement(
        images=5, failed=1, both=2, neither=1, only_new=1, only_old=1, boxes=4, other_boxes=4, alike=2
    )
    with survey.read() as session:
        assert [image.media_id for image in figures.differing(session, trial, 10)] == [3, 2]
        assert session.get_one(Media, failed).stage == Stage.READY
    assert waiting(survey, trial) == []
    with survey.write() as session:
        trials.try_again(session, trial)
    assert waiting(survey, trial) == [failed]


def test_a_box_agrees_with_one_other_of_its_category_at_most():
    box, near = found().box, found(x=0.25).box
    assert trials.count_alike([("animal", box)], [("animal", near)]) == 1
    assert trials.count_alike([("animal", box), ("animal", near)], [("animal", box)]) == 1
    assert trials.count_alike([("animal", box)], [("person", box)]) == 0
    assert trials.count_alike([("animal", box)], [("animal", found(x=0.6).box)]) == 0


def test_what_people_said_tells_which_of_two_that_differ_was_right(survey):
    trial = begin(survey)
    cases = [([found()], []), ([found()], []), ([], [found()]), ([], [found()]), ([found()], [])]
    ids = [add_media(survey, old)[0] for old, _ in cases]
    for media_id, (_, new) in zip(ids, cases, strict=True):
        look(survey, trial, media_id, new)
    with survey.write() as session:
        boxes.judge_media(session, "ana", ids[0], "blank")  # the new one was right
        boxes.accept_media(session, "ana", ids[1], 0.5)  # the old one
        boxes.draw_box(session, "ana", ids[2], found().box, "animal")  # the new one
        boxes.judge_media(session, "ana", ids[3], "blank")  # the old one
    with survey.read() as session:
        assert figures.people(session, trial) == (4, 2)


def decide(survey: Survey, trial_id: int) -> int:
    with survey.write() as session:
        return let_stand(session, "ana", trial_id).id


def take_back(survey: Survey, decision_id: int) -> None:
    with survey.write() as session:
        undoing.undo_one(session, decision_id, "ana")


@pytest.fixture
def tried(survey: Survey) -> int:
    """A trial with images: 1 and 2 nobody decided about, 3 a person did; 4 was looked at by no trial."""
    trial = begin(survey)
    for number in range(3):
        crop = add_media(survey, [found(x=0.1)])[1][0]
        describe(survey, crop, crop)
        look(survey, trial, number + 1, [found(x=0.6)])
    add_media(survey, [found(x=0.1)])
    with survey.write() as session:
        boxes.accept_media(session, "ana", 3, 0.5)
    return trial


def test_what_stands_counts_where_nobody_has_decided_and_one_undo_leads_back(survey, tried):
    before = everything(survey)
    decision = decide(survey, tried)
    assert [standing_boxes(survey, number) for number in (1, 2, 3, 4)] == [[0.6], [0.6], [0.1], [0.1]]
    with survey.read() as session:
        assert trials.chosen(session) == NEW.model
        assert standing.unfinished(session, tried, 0, 10) == [1, 2], "their animals are to be described"
    take_back(survey, decision)
    assert [standing_boxes(survey, number) for number in (1, 2, 3, 4)] == [[0.1]] * 4
    with survey.write() as session:
        assert trials.chosen(session) is None
        session.execute(sa.update(Media).values(stage=Stage.READY))  # as the job leaves them
    assert everything(survey) == before
    with survey.write() as session:
        undoing.redo_one(session, decision, "ana")
    assert [standing_boxes(survey, number) for number in (1, 2, 3, 4)] == [[0.6], [0.6], [0.1], [0.1]]


def test_the_boxes_that_another_took_over_wait_for_nobody_in_identify(survey, tried):
    with survey.read() as session:
        local = feature_version(session, LOCAL)
        assert len(rankings.waiting(session, local)) == rankings.waiting_count(session, local) == 3
    decision = decide(survey, tried)
    with survey.write() as session:
        assert rankings.waiting(session, local) == [5]
        assert rankings.waiting_count(session, local) == 1
        new = session.scalars(sa.select(Detection.id).where(Detection.media_id == 1, Detection.x == 0.6)).one()
    describe(survey, new, 1)
    with survey.read() as session:
        assert set(rankings.waiting(session, local)) == {new, 5}
    take_back(survey, decision)
    with survey.read() as session:
        assert new not in rankings.waiting(session, local)
        assert rankings.waiting_count(session, local) == 3


def test_a_box_that_was_described_while_it_was_taken_over_is_put_aside_too(survey, tried):
    add_media(survey, [])
    look(survey, tried, 5, [found(x=0.6)])
    take_back(survey, decide(survey, tried))
    with survey.read() as session:
        late = session.scalars(sa.select(Detection.id).where(Detection.media_id == 5)).one()
        local = feature_version(session, LOCAL)
    describe(survey, late, 1)
    with survey.read() as session:
        assert late not in rankings.waiting(session, local)


def beside(survey: Survey) -> dict[int, tuple[str, list[float]]]:
    with survey.read() as session:
        found = boxes_beside(session, range(1, 6))
    return {number: (shown.model, [box.box.x for box in shown.boxes]) for number, shown in found.items()}


def test_the_boxes_beside_are_those_that_do_not_count_whichever_detector_does(survey, tried):
    assert beside(survey) == dict.fromkeys((1, 2, 3), (NEW.model, [0.6]))
    decision = decide(survey, tried)
    assert beside(survey) == {1: (DETECTOR.model, [0.1]), 2: (DETECTOR.model, [0.1]), 3: (NEW.model, [0.6])}
    take_back(survey, decision)
    assert beside(survey) == dict.fromkeys((1, 2, 3), (NEW.model, [0.6]))
    with survey.write() as session:
        trials.end(session, "ana", tried, remove=False)
    assert len(beside(survey)) == 3, "also after its end"


def test_a_later_trial_is_the_one_beside_and_boxes_below_its_threshold_are_left_out(survey, tried):
    with survey.write() as session:
        trials.end(session, "ana", tried, remove=False)
        later = trials.start(session, "ana", "another", 50, all_images=True).id
        version = results.model_version(
            session, "detect", Provenance("embedded", "another", "1", "2" * 64, "test"), 0.5
        )
        trials.keep(session, later, 1, version, None, [found(0.4, x=0.2), found(0.6, x=0.3)])
        trials.fail(session, later, 2, "no memory")
    assert beside(survey)[1] == ("another", [0.3])
    assert beside(survey)[2] == (NEW.model, [0.6])


def test_an_image_decided_after_the_model_stood_keeps_its_decision_when_that_is_taken_back(survey, tried):
    decision = decide(survey, tried)
    with survey.write() as session:
        boxes.accept_media(session, "ana", 1, 0.5)
    take_back(survey, decision)
    assert sorted(standing_boxes(survey, 1)) == [0.1, 0.6]
    with survey.read() as session:
        assert session.get_one(Media, 1).animal_score == 1.0


def test_results_come_to_count_slice_by_slice(survey, tried, monkeypatch):
    monkeypatch.setattr(standing, "AT_ONCE", 1)
    decide(survey, tried)
    assert [standing_boxes(survey, number) for number in (1, 2)] == [[0.6], [0.1]]
    with survey.write() as session:
        trial = session.get_one(Trial, tried)
        assert trial.turned == 1
        while standing.turn_some(session, trial):
            pass
    assert [standing_boxes(survey, number) for number in (1, 2, 3)] == [[0.6], [0.6], [0.1]]


def test_what_was_analysed_anew_since_stays_when_the_tried_model_stands(survey, tried):
    other = Provenance("embedded", "another", "1", "2" * 64, "test")
    with survey.write() as session:
        version = results.model_version(session, "detect", other, 0.5)
        results.store_analysis(session, 1, version, None, [found(x=0.3)])
    decide(survey, tried)
    assert standing_boxes(survey, 1) == [0.3]


def test_an_image_that_the_chosen_model_tried_before_counts_when_it_is_analysed_by_it(survey, tried):
    with survey.write() as session:
        results.store_analysis(session, 1, results.model_version(session, "detect", NEW, 0.5), None, [])
    assert standing_boxes(survey, 1) == [0.6]


def test_removed_results_leave_nothing_but_what_counts_or_was_touched(survey, tried):
    decision = decide(survey, tried)
    with survey.write() as session:
        boxes.accept_media(session, "ana", 1, 0.5)
    take_back(survey, decision)
    with survey.write() as session:
        trials.end(session, "ana", tried, remove=True)
        assert trials.remove_some(session, tried) is False
        left = session.scalars(sa.select(TrialImage.media_id)).all()
        new = session.scalars(sa.select(Detection.media_id).where(Detection.x == 0.6)).all()
        assert (left, new) == ([1], [1])
        assert session.scalar(sa.select(sa.func.count(Analysis.id))) == 5
    assert [standing_boxes(survey, number) for number in (2, 3, 4)] == [[0.1]] * 3


def test_a_trial_that_ended_keeps_its_figures(survey, tried):
    with survey.write() as session:
        trials.end(session, "ben", tried, remove=False)
    assert agreement(survey, tried).images == 3
    look(survey, tried, 4, [])
    assert agreement(survey, tried).images == 3
    with survey.read() as session:
        shown = figures.view(session, session.get_one(Trial, tried))
        assert (shown.state, shown.waiting, shown.decision_id) == ("ended", 0, None)
        assert DETECTOR.model in figures.paces(session, tried)[1].models[0]
