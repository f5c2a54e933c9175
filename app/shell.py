"""The script behind every page: navigation, login where it is configured, the status strip, then the page."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:  # `streamlit run` puts app/ on the path, not the folder above it
    sys.path.insert(0, str(ROOT))

import streamlit as st

from app.settings import BadSetting, load_settings
from app.ui.shared.demo import demo_gate
from app.ui.shared.guide import guide
from app.ui.shared.login import login_gate, role_gate
from app.ui.shared.memory import settle_memory
from app.ui.shared.navigation import all_pages
from app.ui.shared.status_strip import page_drawn, status_strip
from app.ui.shared.style import page_style
from app.ui.shared.troubles import in_words

st.set_page_config(page_title="Pugmark", page_icon=str(ROOT / "app" / "static" / "favicon.png"), layout="wide")
try:
    load_settings()
except BadSetting as bad:
    st.error(str(bad))
    st.stop()
page = st.navigation(all_pages(), position="top")
page_style()
with in_words():
    login_gate()
    demo_gate()
    status_strip()
    guide(page.url_path)
    role_gate(page.url_path)
    page.run()
    page_drawn()
settle_memory(page.url_path)
