"""The launcher: `streamlit run app/main.py`. Serves the pages and the HTTP routes, and runs the worker beside them."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:  # `streamlit run` puts app/ on the path, not the folder above it
    sys.path.insert(0, str(ROOT))

import streamlit as st

from app import deps
from app.jobs.process import WorkerProcess
from app.settings import BadSetting, load_settings
from app.storage.errors import StoreError
from app.survey import team
from app.web.demo import Demo, demo_gate
from app.web.guard import guard
from app.web.routes import build_routes
from app.web.services import services
from modal_backend.errors import sentence

if not Path(".streamlit", "config.toml").is_file():  # Streamlit looks for it where it is started
    sys.exit(f"Start Pugmark in its own folder, where .streamlit/config.toml is: cd {ROOT}")
try:
    hosts = load_settings().hosts
except BadSetting as bad:
    sys.exit(str(bad))


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Open the survey and start the worker; stop and close them at the end."""
    settings = load_settings()
    try:
        survey = deps.whole_survey()
        team.require_same_media(survey, settings)
    except (BadSetting, StoreError) as bad:
        print(sentence(bad), file=sys.stderr, flush=True)
        os._exit(2)  # nothing runs yet, and a traceback would hide the sentence
    if settings.database_url or settings.media_url:
        print(team.describe(survey, settings), file=sys.stderr)
    services.settings, services.survey, services.signer = settings, survey, deps.signer()
    if settings.demo:
        services.demo = Demo(settings)
    elif settings.start_worker:
        services.worker = WorkerProcess()
        services.worker.start()
    gc.collect()
    gc.freeze()  # every script run ends in a full collection; what lives for ever need not be looked at again
    try:
        yield
    finally:
        if services.worker is not None:
            services.worker.stop()
        if services.demo is not None:
            services.demo.close()
        survey.close()


streamlit_app = st.App(
    ROOT / "app" / "shell.py",
    routes=build_routes(services),
    lifespan=lifespan,
    middleware=[guard(hosts), demo_gate(services)],
)
