"""The demo behind the real routes: `streamlit run tests/browser/serve.py`, PUGMARK_DATA_DIR holding a gallery."""

# ruff: noqa: E402 (the import path is set before the first own import)
from __future__ import annotations

import gc
import sys
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import streamlit as st

from app import deps
from app.web.guard import guard
from app.web.routes import build_routes
from app.web.services import services


@asynccontextmanager
async def lifespan(_app):
    services.settings, services.survey, services.signer = deps.settings(), deps.survey(), deps.signer()
    gc.collect()
    gc.freeze()  # as in the launcher
    yield


streamlit_app = st.App(
    Path(__file__).parent / "demo.py", routes=build_routes(services), lifespan=lifespan, middleware=[guard([])]
)
