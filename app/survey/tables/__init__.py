"""Every mapped class. Importing the package makes the metadata whole."""

from app.survey.tables import (  # noqa: F401
    calls,
    decisions,
    deployments,
    detections,
    evidence,
    exports,
    individuals,
    media,
    models,
    notes,
    plausibility,
    results,
    species,
    stamps,
    trials,
    videos,
)
