"""A species set on crops reaches the individual in the catalogue, the capture history and every export."""

from __future__ import annotations

from app.survey.decisions import boxes, catalogue, identity
from app.survey.individuals.catalogue import entry, species_known
from app.survey.individuals.species import species_of
from tests.support.surveys import add_media, found


def test_the_species_of_most_crops_is_that_of_the_individual_until_a_person_says_otherwise(survey):
    crops = [add_media(survey, [found()], minutes=number * 60)[1][0] for number in range(4)]
    with survey.write() as session:
        animal = identity.new_individual(session, "ana", crops[0]).individual_id
        for crop in crops[1:3]:
            identity.say_same(session, "ana", crop, crops[0])
        nobody = identity.new_individual(session, "ana", crops[3]).individual_id
        for crop, name in zip(crops, ("Leopard", "Tiger", "Tiger"), strict=False):
            boxes.correct_box(session, "ana", crop, species=name)
        assert species_of(session) == {animal: "Tiger", nobody: None}
        assert entry(session, animal).species == "Tiger"
        assert species_known(session) == ["Tiger"]
        catalogue.describe(session, "ana", animal, species="Panthera tigris")
        assert species_of(session, [animal]) == {animal: "Panthera tigris"}
