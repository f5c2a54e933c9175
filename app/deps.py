"""The cached singletons and addresses that pages ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import quote, urlencode

import streamlit as st
from sqlalchemy.orm import Session
from streamlit.errors import StreamlitSecretNotFoundError

from app.analysis.backends import modal_backend
from app.analysis.modal_watch import ModalWatch
from app.analysis.model_choice import of_survey, shown, words
from app.background import Computed
from app.jobs.queue import Jobs
from app.settings import Settings, load_settings
from app.survey.database import Survey, open_survey
from app.survey.detections.boxes import BoxView
from app.survey.detections.results import crop_name
from app.survey.roles import Lists, NotAllowed, Person, Role
from app.web.demo import COOKIE, visitor_of
from app.web.services import Services, services
from app.web.tokens import EXPORT, READ, READ_SECONDS, UPLOAD, UPLOAD_SECONDS, Signer, open_signer

P = ParamSpec("P")
T = TypeVar("T")


def here() -> Services:
    """What this session works on: of its visitor in demo mode, else of this process."""
    return services.of_visitor(visitor_of(f"{COOKIE}={st.context.cookies.get(COOKIE, '')}") if services.demo else None)


def settings() -> Settings:
    """The settings of this session."""
    own = here().settings if services.demo else None
    return own or load_settings()


def survey() -> Survey:
    """The open survey, shared by all sessions that work on it, in the hands of this session's person."""
    own = here().survey if services.demo else None
    return own or _survey(load_settings()).seen_by(person().role)


def read(query: Callable[Concatenate[Session, P], T], *args: P.args, **values: P.kwargs) -> T:
    """What a query finds in the survey of this session: query(session, *args, **values)."""
    with survey().read() as session:
        return query(session, *args, **values)


def whole_survey() -> Survey:
    """The open survey in the hands of this process."""
    return _survey(load_settings())


@st.cache_resource(show_spinner=False)
def _survey(_settings: Settings) -> Survey:
    return open_survey(_settings)


def signer() -> Signer:
    """The signer of this data directory."""
    own = here().signer if services.demo else None
    return own or _signer(load_settings().data_dir)


@cache  # asked for each picture of a page
def _signer(data_dir: Path) -> Signer:
    made = open_signer(data_dir)
    if login_is_set_up():
        made.role_of = lists(load_settings()).role_of
    return made


def routes_served() -> bool:
    """Whether pictures can be fetched by address; not when the script was started without app/main.py."""
    return services.ready


def survey_mark() -> str:
    """Eight characters of this survey: what a browser keeps for one survey must not reach another."""
    return signer().mark


@cache
def login_is_set_up() -> bool:
    """Whether st.login is configured: [auth] in .streamlit/secrets.toml, as it was at the start."""
    try:
        return "auth" in st.secrets
    except StreamlitSecretNotFoundError:
        return False


def account() -> Mapping[str, Any]:
    """What the identity provider says of who is logged in; empty while nobody is."""
    return st.user.to_dict() if st.user.get("is_logged_in") else {}


def person() -> Person:
    """Who is at the other end. Without a login the configured reviewer, who is an admin.

    Raises NotAllowed for somebody who is on none of the operator's lists.
    """
    if services.demo or not login_is_set_up():
        return Person(settings().reviewer, Role.ADMIN)
    who = str(account().get("email") or "")
    role = lists(load_settings()).role_of(who) if account().get("email_verified", True) else None
    if role is None:
        raise NotAllowed(f"{who or 'Nobody'} is on no list of this survey.")
    return Person(who, role)


def lists(now: Settings) -> Lists:
    """Who may sign in, by role."""
    return Lists(now.admins, now.reviewers, now.viewers)


def reviewer() -> str:
    """Who decides."""
    return person().who


def read_token() -> str:
    """A token for /thumbs, /crops, /views, /files and /api/stats; the same for hours, so that browsers can cache."""
    return signer().sign(READ, "page", READ_SECONDS, person().who)


def upload_token(batch: str) -> str:
    """A token that lets a browser PUT files into one batch."""
    return signer().sign(UPLOAD, batch, UPLOAD_SECONDS, person().who)


def thumb_url(sha256: str, look: str = "") -> str:
    """Address of a media's thumbnail. look: any word; with another one a browser fetches it anew."""
    return f"/thumbs/{sha256}.jpg?t={read_token()}&look={look}"


def view_url(sha256: str, look: str = "") -> str:
    """Address of a media in browser size, upright. look: as of `thumb_url`."""
    return f"/views/{sha256}.jpg?t={read_token()}&look={look}"


def frame_url(sha256: str, number: int) -> str:
    """Address of a frame of a video that was looked at."""
    return f"/frames/{sha256}/{number}.jpg?t={read_token()}"


def crop_url(name: str) -> str:
    """Address of a crop, by its file name `<detection id>-<hash>.jpg`."""
    return f"/crops/{name}?t={read_token()}"


def jobs() -> Jobs:
    """What puts work into the queue."""
    now = settings()
    return _jobs(now.data_dir, person().role, survey(), now)


@st.cache_resource(show_spinner=False)
def _jobs(data_dir: Path, role: Role, _survey: Survey, _settings: Settings) -> Jobs:
    del data_dir, role
    return Jobs(_survey, _settings)


def models_in_use() -> str:
    """Names of the models in use: the detector, the embeddings, the survey's profile of RAPID."""
    return _models_in_use(settings().data_dir, survey())


@st.cache_data(ttl=10.0, show_spinner=False)
def _models_in_use(data_dir: Path, _survey: Survey) -> str:
    del data_dir
    with _survey.read() as session:
        return words(of_survey(shown(load_settings()), session, load_settings()))


@st.cache_resource(show_spinner=False)
def modal_watch() -> ModalWatch:
    """What asks Modal for its figures, away from the pages."""
    return ModalWatch(modal_backend(load_settings()))


def box_crop_url(box: BoxView) -> str:
    """Address of a detection's crop, as its box stands."""
    return crop_url(crop_name(box.id, box.box))


def export_url(export_id: int, name: str) -> str:
    """Address of a file that was written. name: of the file or of the README beside it."""
    token = signer().sign(EXPORT, str(export_id), READ_SECONDS, person().who)
    return f"/api/export/{export_id}/{quote(name)}?{urlencode({'t': token})}"


@st.cache_resource(show_spinner=False)
def computed() -> Computed:
    """What computes figures over the whole survey beside the pages."""
    return Computed()
