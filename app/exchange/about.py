"""What every export says about itself: version, settings, models, thresholds, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.exchange.coordinates import may_be_exact
from app.exchange.safe_cells import RULE
from app.survey.detections.replaced import is_aside
from app.survey.tables.detections import Analysis, Feature, ModelVersion
from app.survey.tables.media import Media

ROUNDED = (
    "Places are rounded to 0.1 degree (about 11 km), or in metres from a hidden origin: a sensitive species, or an "
    "individual without a species, is in the survey."
)
AS_THEY_ARE = "They stand as they are."


def about(
    session: Session,
    *,
    exact: bool,
    left_out: Sequence[str] | None = (),
    settings: Mapping[str, str] | None = None,
    names: str = RULE,
) -> list[str]:
    """Lines for README.txt.

    Args:
        exact: whether a person asked for exact places.
        left_out: what this export lacks, and why, a sentence each; None where it says so itself.
        settings: what was chosen, in words, by its name.
        names: how names of individuals and stations are written.
    """
    used = sa.union(sa.select(Analysis.model_version_id).where(~is_aside()), sa.select(Feature.model_version_id))
    models = session.scalars(sa.select(ModelVersion).where(ModelVersion.id.in_(used)).order_by(ModelVersion.id))
    media = session.scalar(sa.select(sa.func.count(Media.id))) or 0
    return [
        "",
        f"Written by Pugmark at {datetime.now(UTC):%Y-%m-%d %H:%M} UTC from a survey of {media:,} images and videos.",
        "Models: " + ("; ".join(dict.fromkeys(map(_model, models))) or "none has run") + ".",
        f"Settings: {in_words(settings or {})}.",
        "Exact places were asked for." if exact else "" if may_be_exact(session, asked=False) else ROUNDED,
        f"Names: {names}",
        *([] if left_out is None else ["Left out: " + ("\n  ".join(left_out) if left_out else "nothing.")]),
    ]


def in_words(settings: Mapping[str, str]) -> str:
    """What was chosen, as one phrase."""
    return "; ".join(f"{name} {value}" for name, value in settings.items()) or "nothing was chosen, the usual ones hold"


def _model(version: ModelVersion) -> str:
    threshold = f", boxes count from {version.threshold:g}" if version.threshold else ""
    weights = f", weights {version.weights_sha256[:12]}" if version.weights_sha256 else ""
    return f"{version.model} {version.version} ({version.task}, {version.backend}{threshold}{weights})"
