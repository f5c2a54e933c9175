"""Decisions about boxes and media: kept apart from what models found, and undone without a trace."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from app.survey.database import Survey
from app.survey.decisions import boxes as review
from app.survey.decisions import identity, many_boxes, undoing
from app.survey.decisions import species as species_list
from app.survey.decisions.kinds import BOXES, IDENTITY
from app.survey.decisions.refusals import BadDecision, DecisionConflict
from app.survey.decisions.undoing import undo, undo_last
from app.survey.detections.boxes import boxes_of
from app.survey.detections.features import feature_version
from app.survey.individuals import rankings
from app.survey.media import species
from app.survey.media.browse import MediaFilter, Show, count, order_with_events
from app.survey.tables.detections import Detection, MediaReview
from app.survey.tables.media import Media
from modal_backend.contracts import Box, Category
from tests.support.surveys import START, add_media, describe, everything, found


def scores(survey: Survey, media_id: int) -> tuple[float, float, float]:
    with survey.read() as session:
        media = session.get_one(Media, media_id)
        return media.animal_score, media.person_score, media.vehicle_score


def test_accepting_a_media_confirms_the_boxes_shown_and_drops_the_others(survey):
    media, (strong, weak) = add_media(survey, [found(0.8), found(0.3, x=0.6)])
    with survey.write() as session:
        review.accept_media(session, "ana", media, threshold=0.5)
    with survey.read() as session:
        boxes = {box.id: box for box in boxes_of(session, [media])[media]}
    assert boxes[strong].confirmed
    assert not boxes[weak].confirmed
    assert scores(survey, media)[0] == 1.0


def test_a_blank_media_counts_as_blank_at_any_threshold(survey):
    media, _ = add_media(survey, [found(0.95)])
    with survey.write() as session:
        review.judge_media(session, "ana", media, "blank")
    with survey.read() as session:
        assert count(session, MediaFilter(Show.BLANK, 0.01)) == 1
        assert count(session, MediaFilter(Show.ANIMAL, 0.01)) == 0


def test_what_the_model_found_is_never_changed_by_a_decision(survey):
    _media, (box,) = add_media(survey, [found(0.8)])
    with survey.read() as session:
        before = session.execute(sa.select(Detection.__table__)).all()
    with survey.write() as session:
        review.correct_box(session, "ana", box, category="person")
        review.correct_box(session, "ana", box, box=Box(0.1, 0.1, 0.5, 0.5))
        review.correct_box(session, "ana", box, verdict="rejected")
    with survey.read() as session:
        assert session.execute(sa.select(Detection.__table__)).all() == before


def test_a_corrected_category_moves_the_score(survey):
    media, (box,) = add_media(survey, [found(0.8)])
    with survey.write() as session:
        review.correct_box(session, "ana", box, category="person")
    assert scores(survey, media) == (0.0, 1.0, 0.0)


def test_a_rejected_box_no_longer_counts(survey):
    media, (box, _) = add_media(survey, [found(0.8), found(0.4, x=0.6)])
    with survey.write() as session:
        review.correct_box(session, "ana", box, verdict="rejected")
    assert scores(survey, media)[0] == pytest.approx(0.4)


def test_undo_of_any_depth_leaves_the_survey_exactly_as_before(survey):
    media, (box, other) = add_media(survey, [found(0.8), found(0.3, x=0.6)])
    states = [everything(survey)]
    steps = [
        lambda s: review.correct_box(s, "ana", box, species="tiger"),
        lambda s: review.correct_box(s, "ana", box, box=Box(0.3, 0.3, 0.2, 0.2)),
        lambda s: review.draw_box(s, "ana", media, Box(0.0, 0.0, 0.3, 0.3), "vehicle"),
        lambda s: review.correct_box(s, "ana", other, verdict="rejected"),
        lambda s: review.judge_media(s, "ana", media, "blank"),
        lambda s: review.accept_media(s, "ana", media, 0.2),
    ]
    for step in steps:
        with survey.write() as session:
            step(session)
        states.append(everything(survey))
    for expected in reversed(states[:-1]):
        with survey.write() as session:
            assert undo_last(session, "ana", BOXES.words)
        assert everything(survey) == expected
    with survey.write() as session:
        assert undo_last(session, "ana", BOXES.words) is None


def test_undo_takes_back_only_ones_own_decisions(survey):
    _media, (box,) = add_media(survey, [found(0.8)])
    with survey.write() as session:
        review.correct_box(session, "ana", box, species="tiger")
    with survey.write() as session:
        assert undo_last(session, "ben", BOXES.words) is None


def test_an_older_decision_cannot_be_undone_over_a_newer_one(survey):
    _, (box,) = add_media(survey, [found(0.8)])
    with survey.write() as session:
        first = review.correct_box(session, "ana", box, species="tiger")
        review.correct_box(session, "ben", box, species="leopard")
    with pytest.raises(DecisionConflict), survey.write() as session:
        undo(session, session.merge(first), "ana")
    with survey.read() as session:
        assert next(iter(boxes_of(session, [first.media_id])[first.media_id])).species == "leopard"


@pytest.mark.parametrize("box", [Box(1.2, 0, 0.1, 0.1), Box(0.5, 0.5, 0, 0.2), Box(-0.5, 0, 0.5, 1)])
def test_a_box_without_area_in_the_picture_is_refused(survey, box):
    media, _ = add_media(survey, [])
    with pytest.raises(BadDecision), survey.write() as session:
        review.draw_box(session, "ana", media, box, "animal")


def test_a_box_that_sticks_out_is_cut_at_the_edge(survey):
    media, _ = add_media(survey, [])
    with survey.write() as session:
        review.draw_box(session, "ana", media, Box(0.8, -0.1, 0.5, 0.5), "animal")
    with survey.read() as session:
        (box,) = boxes_of(session, [media])[media]
    assert (box.x, box.y, round(box.width, 6), round(box.height, 6)) == (0.8, 0.0, 0.2, 0.4)


def test_uncertain_media_come_nearest_to_the_threshold_first(survey):
    far, _ = add_media(survey, [found(0.95)], minutes=0)
    near, _ = add_media(survey, [found(0.52)], minutes=1)
    done, _ = add_media(survey, [found(0.5)], minutes=2)
    with survey.write() as session:
        review.accept_media(session, "ana", done, 0.5)
    with survey.read() as session:
        assert [media_id for media_id, _ in order_with_events(session, MediaFilter(Show.UNCERTAIN, 0.5))] == [near, far]


def test_a_category_that_is_none_is_refused(survey):
    _, (box,) = add_media(survey, [found(category=Category.ANIMAL)])
    with pytest.raises(BadDecision, match="not a category"), survey.write() as session:
        review.correct_box(session, "ana", box, category="cat")


def bulk(survey, media_ids, what, **more):
    with survey.write() as session:
        if what in ("accepted", "blank", "unsure"):
            return many_boxes.judge_all(session, "ana", media_ids, what, 0.5, **more)
        if what == "whole":
            return many_boxes.whole_pictures(session, "ana", media_ids, **more)
        return many_boxes.label_all(session, "ana", media_ids, 0.5, **more)


def boxes(survey, media):
    with survey.read() as session:
        return {box.id: box for box in boxes_of(session, [media])[media]}


@pytest.mark.parametrize(
    ("what", "more"),
    [("accepted", {}), ("blank", {}), ("unsure", {}), ("whole", {}), ("label", {"species": "Sus scrofa"}),
     ("label", {"category": "person"})],
)  # fmt: skip
def test_a_bulk_decision_is_one_entry_and_one_undo_restores_every_row(survey, what, more):
    media = [add_media(survey, [found(0.8), found(0.3, x=0.6)], minutes=number)[0] for number in range(5)]
    with survey.write() as session:
        review.judge_media(session, "ben", media[0], "unsure")
    before = everything(survey)
    done = bulk(survey, media, what, **more)
    assert done.decision.view["media_ids"] == media
    assert everything(survey) != before
    with survey.write() as session:
        assert undo_last(session, "ana", BOXES.words).id == done.decision.id
    assert everything(survey) == before


def test_a_species_for_many_goes_to_the_animals_shown_and_leaves_the_rest_out(survey):
    with_animal, (strong, weak) = add_media(survey, [found(0.8), found(0.3, x=0.6)])
    blank, _ = add_media(survey, [], minutes=1)
    done = bulk(survey, [with_animal, blank], "label", species="  Sus   scrofa ")
    assert done.left_out == ["nothing on it to label"]
    assert {box.id: box.species for box in boxes(survey, with_animal).values()} == {strong: "Sus scrofa", weak: None}
    with survey.read() as session:
        assert session.get(MediaReview, blank) is None
        assert [media_id for media_id, _ in order_with_events(session, MediaFilter(species="Sus scrofa"))] == [
            with_animal
        ]


@pytest.mark.parametrize(("what", "more"), [("accepted", {}), ("whole", {}), ("label", {"species": "Sus scrofa"})])
def test_a_box_nobody_saw_when_its_picture_was_accepted_waits_for_no_identity(survey, what, more):
    media, (strong, weak) = add_media(survey, [found(0.9), found(0.6, x=0.6)])
    for number, box in enumerate((strong, weak)):
        describe(survey, box, number)
    if what == "whole":
        bulk(survey, [media], what)
    else:
        with survey.write() as session:
            act = many_boxes.label_all if more else partial(many_boxes.judge_all, verdict="accepted")
            act(session, "ana", [media], threshold=0.7, **more)
    with survey.read() as session:
        version = feature_version(session, "rapid")
        assert rankings.waiting(session, version) == [strong]
        assert rankings.waiting_count(session, version) == 1
        assert weak in rankings.allowed(session, strong, rankings.Scope())[1]
    with survey.write() as session:
        undo_last(session, "ana", BOXES.words)
    with survey.read() as session:
        assert rankings.waiting(session, version) == [strong, weak]


def test_accepting_one_picture_rejects_what_was_hidden(survey):
    media, (strong, weak, low) = add_media(survey, [found(0.9), found(0.6, x=0.6), found(0.1, x=0.4)])
    with survey.write() as session:
        review.accept_media(session, "ana", media, 0.7)
    assert [boxes(survey, media)[box].verdict for box in (strong, weak, low)] == ["accepted", "rejected", None]


def test_the_whole_picture_keeps_the_individual_of_the_box_it_grows_from(survey):
    media, (named, stronger) = add_media(survey, [found(0.6), found(0.9, x=0.6)])
    with survey.write() as session:
        identity.new_individual(session, "ana", named)
        review.correct_box(session, "ana", stronger, species="tiger")
    bulk(survey, [media], "whole")
    found_boxes = boxes(survey, media)
    whole = found_boxes[named]
    assert (whole.x, whole.y, whole.width, whole.height, whole.individual) == (0, 0, 1, 1, "T-001")
    assert found_boxes[stronger].verdict == "rejected"


def test_a_whole_picture_without_a_box_gets_one_and_people_on_it_stay(survey):
    media, (person,) = add_media(survey, [found(0.9, category=Category.PERSON)])
    bulk(survey, [media], "whole")
    (drawn,) = [box for box in boxes(survey, media).values() if box.category == "animal"]
    assert (drawn.drawn, drawn.width, drawn.height) == (True, 1, 1)
    assert boxes(survey, media)[person].verdict is None


def test_a_picture_on_which_somebody_was_named_is_not_made_blank(survey):
    media, (box,) = add_media(survey, [found(0.8)])
    other, _ = add_media(survey, [found(0.8)], minutes=1)
    with survey.write() as session:
        identity.new_individual(session, "ana", box)
    with pytest.raises(BadDecision, match="T-001"), survey.write() as session:
        review.judge_media(session, "ben", media, "blank")
    assert bulk(survey, [media, other], "blank").left_out == ["T-001 was named on it"]
    assert scores(survey, media)[0] == 1.0
    assert scores(survey, other)[0] == 0.0


def test_too_many_at_once_is_refused(survey):
    with pytest.raises(BadDecision, match="At most 2,000"):
        bulk(survey, range(3000), "blank")


def test_an_individual_stays_with_a_moved_box_and_comes_back_with_a_deleted_one(survey):
    media, (box,) = add_media(survey, [found(0.8)])
    with survey.write() as session:
        identity.new_individual(session, "ana", box)
        review.correct_box(session, "ben", box, box=Box(0.5, 0.5, 0.2, 0.2))
    assert boxes(survey, media)[box].individual == "T-001"
    with survey.write() as session:
        deleted = review.correct_box(session, "ben", box, verdict="rejected")
    assert deleted.individual_id
    assert boxes(survey, media)[box].individual is None
    with survey.write() as session:
        review.correct_box(session, "ben", box, verdict=None)
    back = boxes(survey, media)[box]
    assert (back.individual, back.verdict, back.x) == ("T-001", "accepted", 0.5)


def test_a_named_animal_cannot_become_a_vehicle(survey):
    _, (box,) = add_media(survey, [found(0.8)])
    with survey.write() as session:
        identity.new_individual(session, "ana", box)
    with pytest.raises(BadDecision, match="T-001"), survey.write() as session:
        review.correct_box(session, "ben", box, category="vehicle")


def test_two_people_may_undo_what_each_decided_about_one_box_in_any_order(survey):
    _, (box,) = add_media(survey, [found(0.8)])
    before = everything(survey)
    with survey.write() as session:
        review.correct_box(session, "ana", box, species="tiger")
        identity.set_flank(session, "ben", box, "left")
    with survey.write() as session:
        undo_last(session, "ana", BOXES.words)
    with survey.write() as session:
        undo_last(session, "ben", IDENTITY.words)
    assert everything(survey) == before


def test_a_drawn_box_that_somebody_named_is_not_taken_away_by_undo(survey):
    media, _ = add_media(survey, [])
    with survey.write() as session:
        drawn = review.draw_box(session, "ana", media, Box(0.1, 0.1, 0.5, 0.5), "animal")
        identity.new_individual(session, "ben", drawn.detection_id)
    before = everything(survey)
    with pytest.raises(DecisionConflict, match="undo that first"), survey.write() as session:
        undo_last(session, "ana", BOXES.words)
    assert everything(survey) == before


def test_media_whose_analysis_failed_can_be_drawn_on(survey):
    media, _ = add_media(survey, [])
    with survey.write() as session:
        session.get_one(Media, media).stage = "failed"
        review.draw_box(session, "ana", media, Box(0.1, 0.1, 0.5, 0.5), "animal")
    with survey.read() as session:
        assert [media_id for media_id, _ in order_with_events(session, MediaFilter(Show.ANIMAL, 0.5))] == [media]


def test_filters_narrow_by_station_period_and_reviewer(survey):
    first, _ = add_media(survey, [found(0.8)], folder="Ridge 1", minutes=0)
    second, _ = add_media(survey, [found(0.8)], folder="Ridge 2", minutes=60 * 24)
    third, (box,) = add_media(survey, [found(0.8)], folder="Ridge 2", minutes=60 * 48)
    with survey.write() as session:
        review.judge_media(session, "ana", second, "unsure")
        review.correct_box(session, "ben", box, species="tiger")
    day = START.date()
    wanted = {
        MediaFilter(station="Ridge 2"): [second, third],
        MediaFilter(since=day, until=day): [first],
        MediaFilter(since=day + timedelta(days=1)): [second, third],
        MediaFilter(reviewed_by="ana"): [second],
        MediaFilter(reviewed_by="ben"): [third],
        MediaFilter(Show.UNREVIEWED, station="Ridge 2"): [third],
    }
    with survey.read() as session:
        for chosen, ids in wanted.items():
            assert [media_id for media_id, _ in order_with_events(session, chosen)] == ids
            assert count(session, chosen) == len(ids)


def test_the_species_list_offers_what_is_used_first_and_its_changes_can_be_undone(survey):
    _, (box,) = add_media(survey, [found(0.8)])
    before = everything(survey)
    with survey.write() as session:
        species_list.add_label(session, "ana", "Bubo  bubo", "eagle owl")
        species_list.remove_label(session, "ana", "Panthera leo")
        review.correct_box(session, "ana", box, species="Bubo bubo")
    with survey.read() as session:
        offered = species.choices(session)
    assert (offered[0].name, offered[0].common, offered[0].used) == ("Bubo bubo", "eagle owl", 1)
    assert "Panthera leo" not in {choice.name for choice in offered}
    with pytest.raises(BadDecision, match="already"), survey.write() as session:
        species_list.add_label(session, "ben", "bubo bubo")
    with survey.write() as session:
        undoing.undo_back_to(session, 1, "ana")
    assert everything(survey) == before
