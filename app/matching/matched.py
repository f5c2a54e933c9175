"""Which pairs of crops the matcher looks at for a query, and what they are worth.

The crops that the other models put first are looked at, and of these the likest by the matcher's descriptors, whoever
they show; fewer while an import needs the cores. The crops of the query's event that the matcher holds for its animal
vote with it. Undecided crops that look like the query vote on the named by what the matcher found for them before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.matching.candidates import Answer, Group, Key, each_crop, in_order, listed, mean_odds
from app.survey.detections import matches
from app.survey.detections.boxes import IS_ANIMAL, NOT_REJECTED
from app.survey.detections.features import newest_version
from app.survey.detections.matches import Pair
from app.survey.individuals import rankings
from app.survey.individuals.rankings import Scope
from app.survey.media import imports
from app.survey.tables.detections import Detection, DetectionReview, Feature, Ranking
from app.survey.tables.evidence import CropQuality
from app.survey.tables.individuals import Sighting
from app.survey.tables.media import Media
from modal_backend.models.matcher.ranking import LIKEST_OF, LISTED, by_chance, cues_of
from modal_backend.models.matcher.ranking import START as KNOWN
from modal_backend.models.probability.calibration import FUSED, Calibration
from modal_backend.models.probability.look_alikes import NEAREST
from modal_backend.registry import MATCH_FEATURES

# Crops of the query's event that may vote with it.
MATES = 2
# Candidates that these are compared with.
VOTED_ON = 8
# Log-odds by the matcher's curve from which on a crop of the query's event counts as its animal. Of pairs of one
# session of 36 cows (13 % the same with one picture, 43 % on the last days) all from -1 on are the same, .27 and .22 of
# the same ones; from -2 on .75 and all are. Of one event of 30 tigers .82 to .87 get there, of others .5 to .8 %.
# First place with the votes of all, of these and of none: cows with one picture .425, .434, .432, last days .740, .766,
# .766; with sessions less than a minute apart as one event .397, .432, .432 and .753, .766, .766; tigers with one
# picture .858, .855, .849, by event (five draws, ten others) .801, .801, .808 and .797, .797, .799. With -1.5 or -.5
# nearly the same. All with crops of 448 px; at 576 px .31 and .30 of the cows' same pairs get there, .94 of tigers'.
SAME = -1.0
# Pairs of the query while an import is open, two thirds of what is looked at otherwise. 154 queries of 36 cows on other
# days, fused, 384 points: first place .779 and .916 among the first five with 20 as with 30; with 10 .773 and .877.
BESIDE_IMPORT = 20


def add(
    session: Session, query_id: int, answer: Answer, calibrations: Mapping[str, Calibration], *, last: bool
) -> list[Pair]:
    """Add the matcher's scores to what the other models found; returns the pairs that it has still to look at.

    None are added before it has looked at all of these: the order would change again with every one. While an import is
    open it has to look at the first of them only; what it found for the others before counts too.

    Args:
        last: add what there is; what is missing will not come.
    """
    ordered = in_order(each_crop(answer.groups.values()), answer.models, calibrations)
    crops = listed(ordered, likest(session, query_id, ordered))
    beside = [matches.ordered(query_id, mate) for mate in mates(session, query_id)]
    alike = matches.scores_of(session, beside)
    voting = voters(query_id, alike, calibrations[MATCH_FEATURES])
    asking = [*voting, *(_other(query_id, pair) for pair in beside if pair not in alike)]
    pairs = pairs_of(query_id, asking, crops)
    known = matches.scores_of(session, [pair for mine in pairs.values() for pair in mine]) | alike
    due = pairs_of(query_id, asking, crops, BESIDE_IMPORT) if imports.any_open(session) else pairs
    wanted = dict.fromkeys([*(pair for mine in due.values() for pair in mine), *beside])
    left = [pair for pair in wanted if pair not in known]
    if (last or not left) and newest_version(session, (MATCH_FEATURES,)) is not None:
        _score(session, {query_id, *voting}, answer.groups, pairs_of(query_id, voting, crops), known)
        answer.models.append(MATCH_FEATURES)
        _compare_look_alikes(session, query_id, answer, in_order(answer.groups.values(), answer.models, calibrations))
        answer.known[MATCH_FEATURES] = _known_probability(answer.groups)
        others = [answer.known[model] for model in answer.models]
        answer.known[FUSED] = mean_odds([value for value in others if value is not None])
    return left


def likest(session: Session, query_id: int, ordered: Sequence[Group]) -> list[int]:
    """The first LIKEST_OF named crops by how alike their descriptors are to the query's, best first.

    Empty while one of them has no features of the matcher: those that have some would be liked for that.

    Args:
        ordered: every crop as a candidate of its own, best first.
    """
    from modal_backend.models.matcher.pairs import likenesses

    first = [crop.crop_id for crop in ordered if crop.identity is not None][:LIKEST_OF]
    features, _ = matches.features_of(session, [query_id, *first])
    if not {query_id, *first} <= features.keys():
        return []
    alike = dict(zip(first, likenesses(features[query_id], [features[crop] for crop in first]), strict=True))
    return sorted(first, key=lambda crop: -alike[crop])


def pairs_of(query_id: int, voting: Sequence[int], crops: Sequence[Group], most: int = LISTED) -> dict[Key, list[Pair]]:
    """By candidate, the pairs of crops that the matcher should look at.

    Args:
        voting: the crops that vote with the query.
        crops: those to look at, each a candidate of its own, best first.
        most: pairs of the query; the other crops of its event are compared with the best crop of a like share of the
            candidates.
    """
    found: dict[Key, list[Pair]] = {crop.key: [] for crop in crops}
    best: dict[Key, int] = {}
    for crop in crops[:most]:
        found[crop.key].append(matches.ordered(query_id, crop.crop_id))
        best.setdefault(crop.key, crop.crop_id)
    for voter in voting:
        for key, crop_id in list(best.items())[: VOTED_ON * most // LISTED]:
            if voter != crop_id:
                found[key].append(matches.ordered(voter, crop_id))
    return found


def mates(session: Session, query_id: int) -> list[int]:
    """The other crops of the query's event that may show its animal and have no name, best first, at most MATES.

    Those of its own picture show others, and so do those of which a person said it.
    """
    review = DetectionReview
    media = sa.select(Detection.media_id).where(Detection.id == query_id).scalar_subquery()
    crops = session.scalars(
        sa.select(Detection.id)
        .outerjoin(review, review.detection_id == Detection.id)
        .outerjoin(Sighting, Sighting.detection_id == Detection.id)
        .outerjoin(CropQuality, CropQuality.detection_id == Detection.id)
        .where(
            Detection.id.in_(_crops_of_event(query_id)),
            Detection.media_id != media,
            IS_ANIMAL,
            NOT_REJECTED,
            Sighting.individual_id.is_(None),
            sa.func.coalesce(review.identity, "") != "unidentifiable",
            sa.select(Feature.id).where(Feature.detection_id == Detection.id).exists(),
        )
        .order_by(sa.func.coalesce(CropQuality.score, -1.0).desc(), Detection.id)
    )
    different = rankings.different_crops(session, query_id)
    return [crop for crop in crops if crop not in different][:MATES]


def voters(query_id: int, alike: Mapping[Pair, float], matcher: Calibration) -> list[int]:
    """The crops of the query's event that show its animal by the matcher, and vote with it.

    Args:
        alike: the matcher's scores of the query with crops of its event.
        matcher: its calibration.
    """
    odds = matcher.log_odds(list(alike.values()))
    return [_other(query_id, pair) for pair, value in zip(alike, odds, strict=True) if value >= SAME]


def voted_on(session: Session, crop_id: int, scope: Scope) -> list[int]:
    """The undecided crops that this one looks like by their last orders, which know every decision; its vote in them is
    that of when they were made."""
    now, others = rankings.stamp(session), matches.matched_with(session, crop_id)
    return [
        query_id
        for query_id, order in rankings.last_rankings(session, others, FUSED, scope).items()
        if all(rankings.state(order, now))
        and crop_id in _nearest_undecided(order)
        and not rankings.is_decided(session, query_id)
    ]


def _nearest_undecided(order: Ranking) -> list[int]:
    matched = [
        candidate
        for candidate in order.candidates
        if candidate["models"].get(MATCH_FEATURES, {}).get("score") is not None
    ]
    return [candidate["crop_id"] for candidate in matched if candidate["identity"] is None][:NEAREST]


def _crops_of_event(query_id: int) -> sa.Select[int]:
    """The crops of the query's event, itself among them; none where its picture belongs to no event."""
    event = sa.select(Media.event_id).join(Detection, Detection.media_id == Media.id).where(Detection.id == query_id)
    crops = sa.select(Detection.id).join(Media, Media.id == Detection.media_id)
    return crops.where(Media.event_id == event.scalar_subquery())


def best_scores(asking: Collection[int], pairs: Iterable[Pair], known: Mapping[Pair, float]) -> dict[int, float]:
    """By crop of a candidate, the score of its best pair that was matched.

    Args:
        asking: the query and the crops that vote with it.
        pairs: of these with crops of the candidate.
    """
    scores: dict[int, float] = {}
    for pair in pairs:
        if pair in known:
            crop = pair[1] if pair[0] in asking else pair[0]
            scores[crop] = max(known[pair], scores.get(crop, 0.0))
    return scores


def _other(crop: int, pair: Pair) -> int:
    return pair[1] if pair[0] == crop else pair[0]


def _score(
    session: Session,
    asking: Collection[int],
    groups: Mapping[Key, Group],
    pairs: Mapping[Key, Sequence[Pair]],
    known: Mapping[Pair, float],
) -> None:
    """Give every candidate the score of its best pair, see `best_scores`, and how much of it is by chance."""
    events = _events_of(session, {crop for pair in known for crop in pair})
    for key, mine in pairs.items():
        scores = best_scores(asking, mine, known)
        if scores:
            groups[key].scores[MATCH_FEATURES] = max(scores.values())
            groups[key].usual[MATCH_FEATURES] = by_chance(scores, events)


def _events_of(session: Session, crops: Collection[int]) -> dict[int, int]:
    """By crop, a number of its event; a picture without an event is one of its own."""
    rows = sa.select(Detection.id, Media.id.label("media"), Media.event_id).join(Media, Media.id == Detection.media_id)
    return {
        row.id: -row.media if row.event_id is None else row.event_id
        for row in session.execute(rows.where(Detection.id.in_(crops)))
    }


def _compare_look_alikes(session: Session, query_id: int, answer: Answer, ordered: Sequence[Group]) -> None:
    """Tell each undecided crop that looks like the query whom of the named the matcher has compared it with.

    Crops of the query's own event are no evidence of their own and stay out. Somebody whom a person said it is not is
    left out; a crop that was compared with a single one says nothing.

    Args:
        ordered: the candidates, best first.
    """
    undecided = [group for group in ordered if group.identity is None and MATCH_FEATURES in group.scores]
    event = set(session.scalars(_crops_of_event(query_id)))
    nearest = [group for group in undecided if group.crop_id not in event][:NEAREST]
    alike = {group.crop_id: group for group in nearest}
    known = matches.scores_with(session, alike)
    others = {other for pair in known for other in pair} - alike.keys()
    named = sa.select(Sighting.detection_id, Sighting.individual_id).where(Sighting.detection_id.in_(others))
    keys: dict[int, Key] = {row.detection_id: (str(row.individual_id), 0) for row in session.execute(named)}
    for crop, group in alike.items():
        refused = rankings.different_crops(session, crop)
        found: dict[Key, float] = {}
        for pair, value in known.items():
            other = _other(crop, pair)
            key = keys.get(other)
            if crop in pair and key in answer.groups and other not in refused and answer.allows(other):
                found[key] = max(value, found.get(key, 0.0))
        group.compared = found if len(found) > 1 else {}


def _known_probability(groups: Mapping[Key, Group]) -> float | None:
    """The probability that somebody named is shown, by the matcher's scores; None where it has none of the named."""
    scores = [
        (group.identity, group.scores[MATCH_FEATURES])
        for group in groups.values()
        if group.identity is not None and MATCH_FEATURES in group.scores
    ]
    cues = cues_of(sorted(scores, key=lambda pair: -pair[1]))
    return None if cues is None else KNOWN.probability(cues)
