"""The endpoint that answers questions about videos, as the settings name it."""

from __future__ import annotations

from urllib.parse import urlsplit

from app.settings import Backend, Settings
from modal_backend.models.video.ask import Endpoint
from modal_backend.models.video.errors import NO_KEY

MODAL_REMEDY = (
    "OMNIVINCI_THROUGH is modal, but the models of this survey run on this computer. Connect Modal (Operations "
    "says how), or set OMNIVINCI_THROUGH=direct and OMNIVINCI_API_KEY."
)


def not_configured(settings: Settings) -> str:
    """What is missing before a question can be asked, with the remedy; empty when nothing is."""
    if settings.omnivinci_through == "modal":
        return "" if settings.active_backend is Backend.MODAL else MODAL_REMEDY
    return "" if settings.omnivinci_api_key else NO_KEY


def endpoint(settings: Settings) -> Endpoint:
    """The endpoint that the settings name."""
    key = settings.omnivinci_api_key
    return Endpoint(
        key.get_secret_value() if key else "",
        url=settings.omnivinci_api_url,
        model=settings.omnivinci_model,
        deadline=settings.omnivinci_timeout,
        silence=settings.omnivinci_silence,
        max_bytes=settings.omnivinci_max_bytes,
    )


def host(settings: Settings) -> str:
    """Who gets to see the frames."""
    direct = urlsplit(settings.omnivinci_api_url).netloc
    return direct if settings.omnivinci_through == "direct" else "the endpoint of the Modal app"
