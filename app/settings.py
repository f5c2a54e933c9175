"""Settings: environment, then .env, then .streamlit/secrets.toml, then the defaults below."""

from __future__ import annotations

import os
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from app import files, operating_system
from app.storage.address import StorageUrl
from modal_backend.registry import DETECTOR, EMBEDDING, Task, of_task

ROOT = Path(__file__).resolve().parents[1]
PRIVATE = (
    "OMNIVINCI_API_KEY",
    "OMNIVINCI_API_URL",
    "MODAL_TOKEN_SECRET",
    "PUGMARK_METRICS_TOKEN",
    "PUGMARK_ALERT_WEBHOOK",
    "PUGMARK_MEDIA_URL",
)
AUTO = "auto"
Names = Annotated[list[str], NoDecode]


class BadSetting(Exception):
    """A setting has a value that cannot be used; the text is one sentence that names it."""


class Backend(StrEnum):
    """Where the models run."""

    AUTO = "auto"
    EMBEDDED = "embedded"
    MODAL = "modal"


def _known(name: str, task: Task, pocket: str) -> str:
    """The model a setting names. Raises ValueError with the names there are."""
    if name == AUTO:
        return AUTO
    if name == "pocket":
        return pocket
    if name not in of_task(task):
        raise ValueError(f"there is no {name}; choose auto, pocket or one of {', '.join(of_task(task))}")
    return name


def _home_and_mounts() -> list[Path]:
    return [Path.home(), *operating_system.mounts()]


class Settings(BaseSettings):
    """Everything that can be set. Each field's environment name is the alias."""

    model_config = SettingsConfigDict(
        env_file=ROOT / ".env",
        toml_file=ROOT / ".streamlit" / "secrets.toml",
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,  # a key must not stand in an error text
    )

    data_dir: Path = Field(ROOT / "data", alias="PUGMARK_DATA_DIR", description="All state lives here.")
    database_url: str | None = Field(
        None, alias="PUGMARK_DATABASE_URL", description="SQLAlchemy URL; default: SQLite in the data directory."
    )
    media_url: StorageUrl = Field(
        None, alias="PUGMARK_MEDIA_URL", description="Storage that machines share, in fsspec's words; default: none."
    )
    backend: Backend = Field(Backend.AUTO, alias="PUGMARK_BACKEND")
    modal_enabled: bool | None = Field(None, alias="MODAL_ENABLED")
    modal_app_name: str = Field("pugmark-models", alias="MODAL_APP_NAME", min_length=1, max_length=64)
    modal_timeout: float = Field(120.0, alias="MODAL_TIMEOUT", gt=0, description="Seconds one operation may take.")
    modal_max_retries: int = Field(3, alias="MODAL_MAX_RETRIES", ge=0, le=20)
    modal_retry_delay: float = Field(1.0, alias="MODAL_RETRY_DELAY", gt=0, description="Seconds; doubles each time.")
    modal_max_in_flight: int = Field(256, alias="MODAL_MAX_IN_FLIGHT", ge=1, le=1000)
    modal_queue_max_size: int = Field(10_000, alias="MODAL_QUEUE_MAX_SIZE", ge=1)
    modal_fallback_to_queue: bool = Field(
        True, alias="MODAL_FALLBACK_TO_QUEUE", description="Whether jobs wait while Modal cannot be reached."
    )
    modal_stall_seconds: float = Field(
        120.0, alias="MODAL_STALL_SECONDS", gt=0, description="A backlog with nothing running for so long is told."
    )
    modal_budget: float | None = Field(
        None, alias="PUGMARK_MODAL_BUDGET", gt=0, description="Dollars a calendar month that calls on Modal may cost."
    )
    modal_token_id: str | None = Field(None, alias="MODAL_TOKEN_ID")
    modal_token_secret: SecretStr | None = Field(None, alias="MODAL_TOKEN_SECRET")
    modal_config_path: Path = Field(default_factory=lambda: Path.home() / ".modal.toml", alias="MODAL_CONFIG_PATH")
    import_roots: Annotated[list[Path], NoDecode] = Field(
        default_factory=_home_and_mounts,
        alias="PUGMARK_IMPORT_ROOTS",
        description="Folders the dashboard may import from, separated by commas.",
    )
    detector: str = Field(
        AUTO, alias="PUGMARK_DETECTOR", description="auto, pocket, or a name that `python -m app weights` lists."
    )
    embedding: str = Field(
        AUTO,
        alias="PUGMARK_EMBEDDING",
        description="auto, pocket, or names of embeddings separated by commas: every crop is described by each.",
    )
    local_features: Literal["auto", "rapid", "rapid-448"] = Field(
        "auto",
        alias="PUGMARK_LOCAL_FEATURES",
        description="rapid; rapid-448: right more often across events, four times the time and room; "
        "auto: chosen once for a survey, rapid-448 for up to 2,000 crops, else rapid (on Modal: rapid).",
    )
    weights_dir: Path | None = Field(
        None, alias="PUGMARK_WEIGHTS_DIR", description="Folder with published weights; default: the user's cache."
    )
    event_gap_seconds: int = Field(60, alias="PUGMARK_EVENT_GAP_SECONDS", ge=0, le=86_400)
    upload_max_bytes: int = Field(20 * 1024**3, alias="PUGMARK_UPLOAD_MAX_BYTES", gt=0)
    reviewer: str = Field(
        default_factory=lambda: operating_system.user_name(), alias="PUGMARK_REVIEWER", min_length=1, max_length=80
    )
    metrics_token: str | None = Field(
        None, alias="PUGMARK_METRICS_TOKEN", description="Of /metrics; without it only this machine may read it."
    )
    alert_webhook: SecretStr | None = Field(
        None, alias="PUGMARK_ALERT_WEBHOOK", description="Address to which a worker posts alerts as JSON."
    )
    hosts: Names = Field(
        default_factory=list,
        alias="PUGMARK_HOSTS",
        description="Names by which browsers reach the dashboard, separated by commas, beside localhost.",
    )
    admins: Names = Field(default_factory=list, alias="PUGMARK_ADMINS", description="Addresses or domains.")
    reviewers: Names = Field(default_factory=list, alias="PUGMARK_REVIEWERS")
    viewers: Names = Field(default_factory=list, alias="PUGMARK_VIEWERS")
    demo: bool = Field(
        False, alias="PUGMARK_DEMO", description="Every browser has a survey of its own, removed after 24 hours."
    )
    start_worker: bool = Field(
        True,
        alias="PUGMARK_START_WORKER",
        description="Whether the dashboard starts the worker; false where `python -m app worker` runs by itself.",
    )

    omnivinci_api_url: str = Field(
        "https://integrate.api.nvidia.com/v1",
        alias="OMNIVINCI_API_URL",
        description="A chat-completions endpoint that takes pictures or videos, up to /v1.",
    )
    omnivinci_api_key: SecretStr | None = Field(None, alias="OMNIVINCI_API_KEY")
    omnivinci_model: str = Field("nvidia/nemotron-nano-12b-v2-vl", alias="OMNIVINCI_MODEL", min_length=1)
    omnivinci_through: Literal["direct", "modal"] = Field(
        "direct",
        alias="OMNIVINCI_THROUGH",
        description="Who asks: the worker, or a function on Modal with its own key.",
    )
    omnivinci_send: Literal["frames", "clip"] = Field(
        "frames",
        alias="OMNIVINCI_SEND",
        description="Frames of the video, or the video itself where it is a small MP4.",
    )
    omnivinci_frames: int = Field(8, alias="OMNIVINCI_FRAMES", ge=1, le=64)
    omnivinci_max_bytes: int = Field(10_000_000, alias="OMNIVINCI_MAX_BYTES", ge=100_000)
    omnivinci_timeout: float = Field(300.0, alias="OMNIVINCI_TIMEOUT", gt=0, description="Seconds for one question.")
    omnivinci_silence: float = Field(120.0, alias="OMNIVINCI_SILENCE", gt=0, description="Seconds without a byte.")
    omnivinci_price_in: float | None = Field(
        None, alias="OMNIVINCI_PRICE_IN", ge=0, description="Dollars a million tokens of the question."
    )
    omnivinci_price_out: float | None = Field(
        None, alias="OMNIVINCI_PRICE_OUT", ge=0, description="Dollars a million tokens of the answer."
    )

    @field_validator("omnivinci_api_key", mode="before")
    @classmethod
    def _key_or_none(cls, value: object) -> object:
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")
        return SecretStr(text.strip()) if text.strip() else None

    @field_validator("omnivinci_api_url")
    @classmethod
    def _address_without_secrets(cls, value: str) -> str:
        address = urlsplit(value.strip())
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError("the address has to begin with https:// or http:// and name a host")
        if address.username or address.password or address.query:
            raise ValueError("keys do not belong into the address: use OMNIVINCI_API_KEY")
        return value.strip().rstrip("/")

    @field_validator("import_roots", "hosts", "admins", "reviewers", "viewers", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("detector")
    @classmethod
    def _known_detector(cls, value: str) -> str:
        return _known(value, Task.DETECT, DETECTOR)

    @field_validator("embedding")
    @classmethod
    def _known_embeddings(cls, value: str) -> str:
        names = [part.strip() for part in value.split(",") if part.strip()] or [AUTO]
        if AUTO in names and len(names) > 1:
            raise ValueError("auto stands alone")
        return ",".join(dict.fromkeys(_known(name, Task.EMBED, EMBEDDING) for name in names))

    @model_validator(mode="after")
    def _no_contradiction(self) -> Settings:
        if self.demo and self.database_url:
            raise ValueError("PUGMARK_DEMO gives every visitor a database of its own: leave PUGMARK_DATABASE_URL away")
        if self.demo and self.media_url:
            raise ValueError("PUGMARK_DEMO gives every visitor a data folder of its own: leave PUGMARK_MEDIA_URL away")
        if self.backend is Backend.MODAL and self.modal_enabled is False:
            raise ValueError("PUGMARK_BACKEND is modal but MODAL_ENABLED is false: change one of the two")
        if self.backend is Backend.EMBEDDED and self.modal_enabled:
            raise ValueError("PUGMARK_BACKEND is embedded but MODAL_ENABLED is true: change one of the two")
        if (self.modal_token_id is None) != (self.modal_token_secret is None):
            raise ValueError("MODAL_TOKEN_ID and MODAL_TOKEN_SECRET belong together: set both or neither")
        wanted = self.backend is Backend.MODAL or self.modal_enabled
        if wanted and not self.has_modal_credentials:
            raise ValueError("Modal is asked for but has no credentials: run `modal token new`, or set MODAL_TOKEN_ID")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first, then .env, then secrets.toml."""
        del file_secret_settings
        return init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def embeddings(self) -> tuple[str, ...]:
        """The embeddings that are asked for; ("auto",) leaves it to the program."""
        return tuple(self.embedding.split(","))

    @property
    def survey_url(self) -> str:
        """SQLAlchemy URL of the survey database."""
        return self.database_url or f"sqlite:///{files.database_path(self.data_dir)}"

    @property
    def jobs_url(self) -> str:
        """URL of the database DBOS keeps its workflows in."""
        if self.database_url and self.database_url.startswith("postgresql"):
            return self.database_url
        return f"sqlite:///{files.jobs_database_path(self.data_dir)}"

    @property
    def has_modal_credentials(self) -> bool:
        """Whether there is a token in the settings, or Modal's own file with one."""
        return self.modal_token_id is not None or self.modal_config_path.expanduser().is_file()

    @property
    def active_backend(self) -> Backend:
        """The backend in use; `auto` is Modal where there are credentials and MODAL_ENABLED is not false."""
        if self.backend is not Backend.AUTO:
            return self.backend
        return Backend.MODAL if self.has_modal_credentials and self.modal_enabled is not False else Backend.EMBEDDED


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """Read the settings once. Raises BadSetting with one sentence that names the setting."""
    try:
        settings = Settings()  # type: ignore[call-arg]
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        text = first["msg"].removeprefix("Value error, ")
        found = "" if name in PRIVATE else f" (found {first['input']!r})"
        raise BadSetting(f"{name}: {text}{found}." if name else f"{text}.") from error
    if settings.weights_dir is not None:
        # modal_backend reads it from the environment; it may have come from .env or secrets.toml.
        os.environ["PUGMARK_WEIGHTS_DIR"] = str(settings.weights_dir.expanduser().resolve())
    settings = settings.model_copy(update={"data_dir": settings.data_dir.expanduser().resolve()})
    operating_system.keep_files_private()
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(
            f"PUGMARK_DATA_DIR: the folder {settings.data_dir} cannot be made ({error.strerror})."
        ) from error
    return settings
