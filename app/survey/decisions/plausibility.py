"""Accept a conflict with a reason; set how fast a species may travel."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.survey.decisions.changes import Change
from app.survey.decisions.refusals import BadDecision
from app.survey.individuals import plausibility
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import Detection, DetectionReview
from app.survey.tables.individuals import Sighting
from app.survey.tables.plausibility import AcceptedConflict, SpeedLimit

FASTEST_KMH = 120.0


def accept_conflict(session: Session, who: str, kind: str, first_id: int, second_id: int, reason: str) -> Decision:
    """This conflict is none, for the reason given; it is not listed again. Raises BadDecision without a reason."""
    reason = " ".join(reason.split())[:500]
    if kind not in plausibility.KINDS:
        raise BadDecision(f"{kind} is not a kind of conflict.")
    if not reason:
        raise BadDecision("Say why it can be: the reason stays with the decision.")
    low, high = sorted((first_id, second_id))
    sighting = session.get(Sighting, first_id)
    change = Change(session, who)
    key = {"kind": kind, "low_id": low, "high_id": high}
    change.sign(AcceptedConflict, key, reason=reason)
    return change.record(
        "accept conflict",
        detection_id=first_id,
        individual_id=sighting.individual_id if sighting else None,
        view={"kind": kind, "other": second_id, "reason": reason},
    )


def drop_second_box(session: Session, who: str, detection_id: int) -> Decision:
    """This box shows an animal another box of the image shows already: its sighting goes and the box is rejected.

    Raises BadDecision when the crop belongs to nobody any more.
    """
    sighting = session.get(Sighting, detection_id)
    if sighting is None:
        raise BadDecision("This crop belongs to no individual any more.")
    owner, media_id = sighting.individual_id, session.get_one(Detection, detection_id).media_id
    change = Change(session, who)
    change.drop(Sighting, {"detection_id": detection_id})
    change.sign(DetectionReview, {"detection_id": detection_id}, verdict="rejected")
    return change.record("boxed twice", media_id=media_id, detection_id=detection_id, individual_id=owner)


def set_speed_limit(session: Session, who: str, species: str, kmh: float, reason: str) -> Decision:
    """The fastest straight-line travel of a species, in km/h; an empty species means all without one of their own."""
    name, reason = species.strip().lower()[:120], " ".join(reason.split())[:500]
    if not 0 < kmh <= FASTEST_KMH:
        raise BadDecision(f"A speed limit lies between 0 and {FASTEST_KMH:.0f} km/h.")
    if not reason:
        raise BadDecision("Say where the figure comes from: it stays with the decision.")
    change = Change(session, who)
    change.sign(SpeedLimit, {"species": name}, kmh=float(kmh), reason=reason)
    return change.record("speed limit", view={"species": name or "others", "kmh": kmh, "reason": reason})
