"""The backend the settings ask for."""

from __future__ import annotations

import os

from app.operating_system import step_behind
from app.settings import Backend as Which
from app.settings import Settings
from modal_backend.backend import Backend
from modal_backend.client import ModalBackend, Options
from modal_backend.embedded import EmbeddedBackend


def open_backend(settings: Settings) -> Backend:
    """The embedded or the Modal backend; neither loads a model nor connects yet."""
    return modal_backend(settings) if settings.active_backend is Which.MODAL else EmbeddedBackend(step_behind)


def modal_backend(settings: Settings) -> ModalBackend:
    """The Modal backend with these settings.

    Modal's client reads the token from the environment when it is first used; one from .env or secrets.toml is put
    there.
    """
    if settings.modal_token_id and settings.modal_token_secret:
        os.environ.setdefault("MODAL_TOKEN_ID", settings.modal_token_id)
        os.environ.setdefault("MODAL_TOKEN_SECRET", settings.modal_token_secret.get_secret_value())
    options = Options(
        app_name=settings.modal_app_name,
        timeout=settings.modal_timeout,
        max_retries=settings.modal_max_retries,
        retry_delay=settings.modal_retry_delay,
        in_flight=settings.modal_max_in_flight,
    )
    return ModalBackend(options)
